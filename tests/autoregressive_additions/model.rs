//! Tiny models, and all that they can generate.

use widebeam::ScoreKind;
use widebeam::autoregressive::{LengthPenalty, Rules, Stopping};
use widebeam::reference::autoregressive::{Hypothesis, Outcome};
use widebeam::reference::log_probabilities;
use widebeam::reference::requests::Model;

/// A model in which every token has a logit of its own.
pub(crate) const fn logits(seed: u64, vocab: usize, memory: usize) -> Model {
    Model {
        seed,
        vocab,
        memory,
        values: 0,
        impossible: 0,
        kind: ScoreKind::Logits,
    }
}

/// A sequence and its log-probability.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) tokens: Vec<u32>,
    pub(crate) log_probability: f64,
}

/// All sequences that end, or have the maximum length.
pub(crate) fn leaves(model: &Model, max_length: usize, ends: &dyn Fn(&[u32]) -> bool) -> Vec<Leaf> {
    leaves_after(model, &[], max_length, ends)
}

/// All sequences after a prompt, which they do not hold.
pub(crate) fn leaves_after(
    model: &Model,
    prompt: &[u32],
    max_length: usize,
    ends: &dyn Fn(&[u32]) -> bool,
) -> Vec<Leaf> {
    let root = Leaf {
        tokens: Vec::new(),
        log_probability: 0.0,
    };
    let (mut open, mut leaves) = (vec![root], Vec::new());
    for length in 1..=max_length {
        let mut longer = Vec::new();
        for leaf in open {
            let history = [prompt, &leaf.tokens].concat();
            let row = log_probabilities(model.kind, &model.scores(&history));
            for (token, &log_probability) in row.iter().enumerate() {
                let leaf = Leaf {
                    tokens: [&leaf.tokens[..], &[token as u32]].concat(),
                    log_probability: leaf.log_probability + log_probability,
                };
                match ends(&leaf.tokens) || length == max_length {
                    true if log_probability > f64::NEG_INFINITY => leaves.push(leaf),
                    false if log_probability > f64::NEG_INFINITY => longer.push(leaf),
                    _ => {}
                }
            }
        }
        open = longer;
    }
    leaves
}

/// Rules under which a search of all sequences finds all of them.
pub(crate) fn exhaustive(length_penalty: LengthPenalty) -> Rules {
    Rules::plain()
        .with_length_penalty(length_penalty)
        .with_stopping(Stopping::Exhaustive)
}

/// The tokens and scores of what was found.
pub(crate) fn answers(outcome: &Outcome) -> Vec<(Vec<u32>, f64)> {
    let answer = |hypothesis: &Hypothesis| {
        let found = &hypothesis.found;
        (found.tokens.clone(), found.score)
    };
    outcome.hypotheses.iter().map(answer).collect()
}

/// Checks that sequences and scores agree, in order, but for the order of scores that are
/// equal but for rounding.
pub(crate) fn assert_same(found: &[(Vec<u32>, f64)], expected: &[(Vec<u32>, f64)], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let sorted = |list: &[(Vec<u32>, f64)]| {
        let mut list = list.to_vec();
        list.sort_by(|a, b| a.0.cmp(&b.0));
        list
    };
    for (found, expected) in sorted(found).iter().zip(&sorted(expected)) {
        assert_eq!(found.0, expected.0, "{what}");
        assert!((found.1 - expected.1).abs() < 1e-9, "{what}");
    }
    for pair in found.windows(2) {
        assert!(pair[0].1 >= pair[1].1, "{what}");
    }
}
