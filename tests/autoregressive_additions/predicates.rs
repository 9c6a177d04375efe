//! Predicates that end hypotheses.

use proptest::prelude::*;
use widebeam::autoregressive::{EndRank, LengthPenalty};
use widebeam::reference::autoregressive::{self as oracle, Finish, Found};
use widebeam::reference::requests::{EndsWhen, Extended, Spec};
use widebeam::{ScoreKind, reference};
use widebeam_toy::seeded;

use crate::decisions::model_and_spec;
use crate::model::{answers, assert_same, exhaustive, leaves, logits};

proptest! {
    #![proptest_config(seeded::cases(300))]

    #[test]
    fn a_beam_of_all_finds_what_enumeration_does(
        seed: u64,
        divisor in 2u32..6,
        rest in 0u32..3,
        max_length in 1usize..5,
    ) {
        let model = logits(seed, 4, 2);
        let mut plain = Spec::plain(300, max_length, &[]);
        plain.rules = exhaustive(LengthPenalty::Power { alpha: 1.0 });
        let ends_when = Some(EndsWhen { divisor, rest });
        let outcome = Extended { ends_when, ..Extended::of(plain) }.expected(&model);
        let ends = |tokens: &[u32]| tokens.iter().sum::<u32>() % divisor == rest;
        let all = leaves(&model, max_length, &ends);
        let expected: Vec<_> = all
            .iter()
            .map(|leaf| (leaf.tokens.clone(), leaf.log_probability / leaf.tokens.len() as f64))
            .collect();
        assert_same(&answers(&outcome), &expected, "the whole list");
        for hypothesis in &outcome.hypotheses {
            let finish = match ends(&hypothesis.found.tokens) {
                true => Finish::Predicate,
                false => Finish::Length,
            };
            prop_assert_eq!((hypothesis.found.finish, hypothesis.ending), (finish, 0));
        }
    }

    /// Beams of few: a predicate that names the last tokens of stop sequences does what they
    /// do, wherever neither the length without the ending nor K counts.
    #[test]
    fn a_predicate_can_do_what_stop_sequences_do(
        (model, mut plain) in model_and_spec(),
        stops in prop::collection::vec(prop::collection::vec(0u32..4, 1..4), 1..3),
    ) {
        plain.rules = plain
            .rules
            .with_end_rank(EndRank::WithinBeam)
            .with_counted(widebeam::autoregressive::CountedLength::Generated);
        // The best of a step is among the first K, however many these are.
        let stopped = Extended { stops: stops.clone(), ..Extended::of(plain.clone()) };
        let expected = stopped.expected(&model);
        let mut request = plain.oracle();
        request.ends.predicate = Some(Box::new(move |place, token| {
            let longer = [place.generated, &[token]].concat();
            stops.iter().any(|stop| longer.ends_with(stop))
        }));
        let found = oracle::run(&request, model.kind, &|history| model.scores(history).into());
        assert_eq!(answers(&found), answers(&expected));
        let same = |a: &Found, b: &Found| {
            matches!(a.finish, Finish::Predicate) == matches!(b.finish, Finish::Stop(_))
        };
        for (a, b) in found.hypotheses.iter().zip(&expected.hypotheses) {
            assert!(same(&a.found, &b.found));
        }
    }
}

/// All tokens but the last two end, so beams are looked for far beyond K.
#[test]
fn beams_are_found_beyond_the_first_candidates() {
    let row: Vec<f32> = (0..20).map(|token| -0.1 * token as f32 - 2.0).collect();
    let mut request = oracle::Request::new(2, 2);
    request.rules = oracle::Rules {
        stopping: oracle::Stopping::Never,
        ..exhaustive(LengthPenalty::None).into()
    };
    request.ends.predicate = Some(Box::new(|_, token| token < 18));
    let kind = ScoreKind::LogProbabilities;
    let outcome = oracle::run(&request, kind, &|_| row.clone().into());
    let live: Vec<_> = outcome.steps[0]
        .live
        .iter()
        .map(|live| &live.tokens)
        .collect();
    assert_eq!(live, [&[18], &[19]]);
    let best: Vec<_> = answers(&outcome)
        .into_iter()
        .map(|(tokens, _)| tokens)
        .collect();
    assert_eq!(best, [[0], [1]]);
}

/// It is told the prompt.
#[test]
fn a_predicate_sees_the_prompt() {
    let model = logits(1, 3, 1);
    for (prompt, finish) in [(vec![5], Finish::Predicate), (vec![4], Finish::Length)] {
        let mut plain = Spec::plain(1, 1, &[]);
        plain.prompt = prompt.clone();
        let mut request = plain.oracle();
        request.ends.predicate = Some(Box::new(|place, _| place.request.prompt == [5]));
        let found = reference::autoregressive::search(&request, model.kind, &|history| {
            model.scores(history)
        });
        assert_eq!(found[0].finish, finish);
    }
}
