//! Width by step, and n-best apart from the width.

use proptest::prelude::*;
use widebeam::autoregressive::{AutoregressiveSearch, LengthPenalty, MaximumLength, Request};
use widebeam::reference::log_probabilities;
use widebeam::reference::requests::{Extended, Model, Spec};
use widebeam_toy::seeded;

use crate::decisions::model_and_spec;
use crate::model::{answers, exhaustive, logits};

/// A beam search without ends, as short as it can be written.
fn beams(model: &Model, widths: &[usize], length: usize) -> Vec<(Vec<u32>, f64)> {
    let mut live = vec![(Vec::new(), 0.0)];
    for step in 0..length {
        let mut longer = Vec::new();
        for (tokens, score) in &live {
            let row = log_probabilities(model.kind, &model.scores(tokens));
            for (token, own) in row.iter().enumerate() {
                let tokens: Vec<u32> = [&tokens[..], &[token as u32]].concat();
                longer.push((tokens, score + own));
            }
        }
        longer.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap());
        longer.truncate(widths[step.min(widths.len() - 1)]);
        live = longer;
    }
    live
}

proptest! {
    #![proptest_config(seeded::cases(300))]

    #[test]
    fn each_step_keeps_as_many_as_it_may(
        seed: u64,
        widths in prop::collection::vec(1usize..9, 1..5),
        max_length in 1usize..6,
    ) {
        let model = logits(seed, 5, 3);
        let mut plain = Spec::plain(8, max_length, &[]);
        plain.rules = exhaustive(LengthPenalty::None);
        let request = Extended { widths: widths.clone(), ..Extended::of(plain) };
        let outcome = request.expected(&model);
        prop_assert_eq!(answers(&outcome), beams(&model, &widths, max_length));
        for (step, snapshot) in outcome.steps.iter().enumerate() {
            let width = widths[step.min(widths.len() - 1)];
            prop_assert!(snapshot.live.len() <= width);
        }
    }

    #[test]
    fn one_width_is_that_of_the_request((model, plain) in model_and_spec()) {
        let widths = vec![plain.beams; 1];
        let expected = Extended::of(plain.clone()).expected(&model);
        let found = Extended { widths, ..Extended::of(plain) }.expected(&model);
        prop_assert_eq!(found, expected);
    }

    /// Fewer than there are beams: the same search, and the first of its list.
    #[test]
    fn a_short_list_is_the_beginning_of_the_long_one(
        (model, plain) in model_and_spec(),
        n_best in 1usize..4,
    ) {
        prop_assume!(n_best <= plain.beams / plain.groups.0);
        let long = Extended::of(plain.clone()).expected(&model);
        let short = Extended { n_best: Some(n_best), ..Extended::of(plain) }.expected(&model);
        let wanted = n_best.min(long.hypotheses.len());
        prop_assert_eq!(&short.hypotheses[..], &long.hypotheses[..wanted]);
        prop_assert_eq!(short.steps, long.steps);
    }
}

/// One beam; what finishes on its way is kept.
#[test]
fn more_hypotheses_than_beams_can_come_back() {
    let model = logits(11, 4, 3);
    let mut plain = Spec::plain(2, 6, &[0, 1]);
    plain.rules =
        exhaustive(LengthPenalty::None).with_end_rank(widebeam::autoregressive::EndRank::Any);
    let few = Extended::of(plain.clone()).expected(&model);
    let request = Extended {
        n_best: Some(9),
        ..Extended::of(plain)
    };
    let many = request.expected(&model);
    assert_eq!(few.hypotheses.len(), 2);
    assert!(many.hypotheses.len() > 4, "{}", many.hypotheses.len());
    assert_eq!(answers(&few)[..], answers(&many)[..2]);
}

/// The widest step counts, wherever it is.
#[test]
fn memory_is_asked_for_by_the_widest_step() {
    let search = AutoregressiveSearch::new(50).unwrap();
    let needed = |widths: &[usize]| {
        let request = Request::new(4, MaximumLength(20)).with_widths(widths);
        search.bytes_needed(&request).unwrap()
    };
    assert!(needed(&[2, 30, 7]) > needed(&[2, 7]));
    assert!(needed(&[30, 7]) > needed(&[7]));
}
