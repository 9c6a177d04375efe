//! Rows of which some tokens are given.

use proptest::prelude::*;
use widebeam::ScoreKind;
use widebeam::reference::autoregressive::{self as oracle, Found, Outcome, Scored, Scores};
use widebeam::reference::requests::{Model, Spec};
use widebeam_toy::seeded;

use crate::decisions::model_and_spec;
use crate::model::logits;

/// Puts what is given of a row into an order.
type Reorder<'a> = dyn Fn(&mut Vec<(u32, f32)>) + 'a;

/// The best tokens of each row, in an order.
fn sparse(spec: &Spec, model: &Model, most: usize, order: &Reorder) -> Outcome {
    oracle::run(&spec.oracle(), model.kind, &|history| {
        let mut given: Vec<(u32, f32)> = (0..).zip(model.scores(history)).collect();
        given.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap());
        given.truncate(most);
        order(&mut given);
        let vocab = model.vocab;
        Scored {
            scores: Scores::Sparse { vocab, given },
            attention: Vec::new(),
        }
    })
}

/// The rows with all but the best tokens impossible.
fn dense(spec: &Spec, model: &Model, most: usize) -> Outcome {
    oracle::run(&spec.oracle(), model.kind, &|history| {
        let mut scores = model.scores(history);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap());
        let impossible = match model.kind {
            ScoreKind::Probabilities => 0.0,
            _ => f32::NEG_INFINITY,
        };
        for &token in order.iter().skip(most) {
            scores[token] = impossible;
        }
        scores.into()
    })
}

fn found(outcome: Outcome) -> Vec<Found> {
    outcome
        .hypotheses
        .into_iter()
        .map(|hypothesis| hypothesis.found)
        .collect()
}

proptest! {
    #![proptest_config(seeded::cases(500))]

    #[test]
    fn tokens_that_are_not_given_are_impossible(
        (model, spec) in model_and_spec(),
        kind in prop::sample::select(vec![ScoreKind::LogProbabilities, ScoreKind::Probabilities]),
        most in 0usize..9,
        turned: bool,
    ) {
        let model = Model { kind, ..model };
        let order = |given: &mut Vec<(u32, f32)>| if turned { given.reverse() };
        let expected = found(dense(&spec, &model, most));
        prop_assert_eq!(found(sparse(&spec, &model, most, &order)), expected);
    }

    /// Given in the order of their ids, all tokens are a dense row.
    #[test]
    fn all_tokens_are_the_whole_row((model, spec) in model_and_spec()) {
        let order = |given: &mut Vec<(u32, f32)>| given.sort_by_key(|&(token, _)| token);
        let expected = found(dense(&spec, &model, model.vocab));
        prop_assert_eq!(found(sparse(&spec, &model, model.vocab, &order)), expected);
    }
}

/// Logits are normalised among those that are given.
#[test]
fn logits_are_a_row_of_their_own() {
    let model = logits(4, 9, 2);
    let outcome = sparse(&Spec::plain(3, 1, &[]), &model, 3, &|_| {});
    let total: f64 = found(outcome)
        .iter()
        .map(|found| found.log_probability.exp())
        .sum();
    assert!((total - 1.0).abs() < 1e-6, "{total}");
}

/// A processor that forces a token makes it possible, given or not.
#[test]
fn a_token_that_is_not_given_can_be_made_possible() {
    use widebeam::autoregressive::ForcedScore;
    use widebeam::reference::requests::Processor;
    let model = logits(4, 9, 2);
    let row = model.scores(&[]);
    let worst = (0..9)
        .min_by(|&a, &b| row[a].partial_cmp(&row[b]).unwrap())
        .unwrap() as u32;
    for before in [false, true] {
        let mut spec = Spec::plain(3, 1, &[]);
        let forced = vec![Processor::First(worst, ForcedScore::Certain)];
        match before {
            true => spec.before = forced,
            false => spec.after = forced,
        }
        let found = found(sparse(&spec, &model, 3, &|_| {}));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0].tokens[..], found[0].log_probability),
            (&[worst][..], 0.0)
        );
    }
}

/// Beside those that are given, and behind them in the row.
#[test]
fn a_token_that_was_made_possible_is_one_of_the_row() {
    let model = logits(4, 9, 2);
    let run = |beams: usize, seed: Option<u64>| {
        let mut request = oracle::Request::new(beams, 1);
        request.before.push(Box::new(|_, row| row.scores[8] = 2.0));
        request.sampling = seed.map(|seed| oracle::Sampling {
            method: oracle::Method::StochasticBeams,
            seed,
            temperature: 1.0,
        });
        let given = vec![(5, 1.0), (2, 2.5), (0, -1.0)];
        oracle::run(&request, model.kind, &|_| Scored {
            scores: Scores::Sparse {
                vocab: 9,
                given: given.clone(),
            },
            attention: Vec::new(),
        })
    };
    let all = found(run(9, None));
    let tokens: Vec<u32> = all.iter().map(|found| found.tokens[0]).collect();
    assert_eq!(tokens, [2, 8, 5, 0]);
    let total: f64 = all.iter().map(|found| found.log_probability.exp()).sum();
    assert!((total - 1.0).abs() < 1e-6, "{total}");
    let mut counts = std::collections::HashMap::new();
    for seed in 0..3000 {
        let token = found(run(1, Some(seed)))[0].tokens[0];
        *counts.entry(token).or_insert(0) += 1;
    }
    let share = |found: &Found| (found.tokens[0], found.log_probability.exp());
    let shares: Vec<_> = all.iter().map(share).collect();
    crate::statistics::assert_distribution(&counts, &shares);
}
