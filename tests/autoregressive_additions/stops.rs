//! Stop sequences against enumeration.

use proptest::prelude::*;
use widebeam::autoregressive::{CountedLength, LengthPenalty};
use widebeam::reference::autoregressive::Finish;
use widebeam::reference::requests::{Extended, Spec};
use widebeam_toy::seeded;

use crate::model::{Leaf, answers, assert_same, exhaustive, leaves, leaves_after, logits};

/// Why a sequence finished, by the definition: an end token, else the longest stop sequence.
fn reason(tokens: &[u32], ends: &[u32], stops: &[Vec<u32>]) -> Finish {
    let last = tokens[tokens.len() - 1];
    if ends.contains(&last) {
        return Finish::End;
    }
    let mut best: Option<usize> = None;
    for (index, stop) in stops.iter().enumerate() {
        let longer = best.is_none_or(|best| stop.len() > stops[best].len());
        if tokens.ends_with(stop) && longer {
            best = Some(index);
        }
    }
    best.map_or(Finish::Length, Finish::Stop)
}

fn any_stops() -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(0u32..4, 1..4), 1..4)
}

proptest! {
    #![proptest_config(seeded::cases(1000))]

    /// Every sequence is found: those that end, and those that are cut.
    #[test]
    fn a_beam_of_all_finds_what_enumeration_does(
        seed: u64,
        stops in any_stops(),
        ends in prop::collection::vec(0u32..4, 0..2),
        prompt in prop::collection::vec(0u32..4, 0..3),
        max_length in 1usize..5,
        alpha in prop::sample::select(vec![0.0, 1.0]),
        without_end: bool,
    ) {
        let model = logits(seed, 4, 2);
        let counted = match without_end {
            true => CountedLength::WithoutEnd,
            false => CountedLength::Generated,
        };
        let mut plain = Spec::plain(300, max_length, &ends);
        plain.rules = exhaustive(LengthPenalty::Power { alpha }).with_counted(counted);
        plain.prompt.clone_from(&prompt);
        let request = Extended { stops: stops.clone(), ..Extended::of(plain) };
        let outcome = request.expected(&model);

        let ended = |tokens: &[u32]| reason(tokens, &ends, &stops) != Finish::Length;
        let all = leaves_after(&model, &prompt, max_length, &ended);
        let expected: Vec<_> = all
            .iter()
            .map(|Leaf { tokens, log_probability }| {
                let ending = match reason(tokens, &ends, &stops) {
                    Finish::End => 1,
                    Finish::Stop(index) => stops[index].len(),
                    _ => 0,
                };
                let length = tokens.len() - if without_end { ending } else { 0 };
                let score = log_probability / (length.max(1) as f64).powf(alpha);
                (tokens.clone(), score)
            })
            .collect();
        assert_same(&answers(&outcome), &expected, "the whole list");
        for hypothesis in &outcome.hypotheses {
            let found = &hypothesis.found;
            prop_assert_eq!(found.finish, reason(&found.tokens, &ends, &stops));
        }
    }
}

proptest! {
    #![proptest_config(seeded::cases(1000))]

    /// A stop sequence of one token is an end token, in every rule and rank.
    #[test]
    fn a_stop_of_one_token_is_an_end_token(
        (model, mut plain) in crate::decisions::model_and_spec(),
        swapped: bool,
    ) {
        prop_assume!(!plain.ends.is_empty());
        let mut ends = plain.ends.clone();
        ends.dedup();
        let expected = Extended::of(plain.clone()).expected(&model);
        plain.ends.clear();
        let (kept, stops) = match swapped {
            true => ends.split_at(ends.len() / 2),
            false => ends.split_at(0),
        };
        plain.ends = kept.to_vec();
        let stops = stops.iter().map(|&token| vec![token]).collect();
        let found = Extended { stops, ..Extended::of(plain) }.expected(&model);
        prop_assert_eq!(found.hypotheses.len(), expected.hypotheses.len());
        for (found, expected) in found.hypotheses.iter().zip(&expected.hypotheses) {
            let (ending, tokens) = (found.ending, &found.found.tokens);
            prop_assert_eq!((ending, tokens), (expected.ending, &expected.found.tokens));
            prop_assert_eq!(found.found.score, expected.found.score);
        }
        prop_assert_eq!(found.steps.len(), expected.steps.len());
    }
}

/// Sequences that may go on are cut, and what is cut is not what has stopped.
#[test]
fn the_last_token_can_complete_a_stop() {
    let model = logits(3, 3, 2);
    let mut plain = Spec::plain(100, 3, &[]);
    plain.rules = exhaustive(LengthPenalty::None);
    let stops = vec![vec![1, 2, 1]];
    let outcome = Extended {
        stops,
        ..Extended::of(plain)
    }
    .expected(&model);
    assert_eq!(
        outcome.hypotheses.len(),
        leaves(&model, 3, &|_| false).len()
    );
    for hypothesis in &outcome.hypotheses {
        let stopped = hypothesis.found.tokens == [1, 2, 1];
        let (finish, ending) = match stopped {
            true => (Finish::Stop(0), 3),
            false => (Finish::Length, 0),
        };
        assert_eq!(
            (hypothesis.found.finish, hypothesis.ending),
            (finish, ending)
        );
    }
}
