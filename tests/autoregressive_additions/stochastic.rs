//! Stochastic beams: sequences without replacement, against exact probabilities.

use std::collections::HashMap;

use widebeam::ScoreKind;
use widebeam::autoregressive::Normaliser;
use widebeam::reference::autoregressive::{Finish, Hypothesis, Method, Outcome, Sampling};
use widebeam::reference::requests::{Extended, Model, Permitted, Processor, Spec};

use crate::model::{Leaf, leaves, logits};
use crate::statistics::assert_distribution;

pub(crate) const END: u32 = 0;

pub(crate) fn sampling(seed: u64, temperature: f64) -> Option<Sampling> {
    let method = Method::StochasticBeams;
    Some(Sampling {
        method,
        seed,
        temperature,
    })
}

/// A model of few tokens; sequences of up to 3 tokens, which end early.
pub(crate) fn case() -> (Model, Spec) {
    (logits(42, 3, 2), Spec::plain(2, 3, &[END]))
}

pub(crate) fn run(model: &Model, plain: &Spec, beams: usize, seed: u64) -> Outcome {
    let mut plain = plain.clone();
    plain.beams = beams;
    let sampling = sampling(seed, 1.0);
    Extended {
        sampling,
        ..Extended::of(plain)
    }
    .expected(model)
}

pub(crate) fn all(model: &Model) -> Vec<Leaf> {
    leaves(model, 3, &|tokens| tokens.last() == Some(&END))
}

pub(crate) fn tokens(outcome: &Outcome) -> Vec<Vec<u32>> {
    let found = outcome.hypotheses.iter();
    found
        .map(|hypothesis| hypothesis.found.tokens.clone())
        .collect()
}

/// The ordered samples of `count` sequences, and their probabilities.
fn samples(leaves: &[Leaf], count: usize) -> Vec<(Vec<Vec<u32>>, f64)> {
    let mut samples: Vec<(Vec<usize>, f64, f64)> = vec![(Vec::new(), 1.0, 1.0)];
    for _ in 0..count {
        let mut longer = Vec::new();
        for (chosen, probability, left) in samples {
            for (index, leaf) in leaves.iter().enumerate() {
                if !chosen.contains(&index) {
                    let own = leaf.log_probability.exp();
                    let chosen = [&chosen[..], &[index]].concat();
                    longer.push((chosen, probability * own / left, left - own));
                }
            }
        }
        samples = longer;
    }
    let named = |chosen: Vec<usize>| chosen.iter().map(|&i| leaves[i].tokens.clone()).collect();
    samples
        .into_iter()
        .map(|(chosen, probability, _)| (named(chosen), probability))
        .collect()
}

fn check_samples(beams: usize, seeds: u64) {
    let (model, plain) = case();
    let mut counts = HashMap::new();
    for seed in 0..seeds {
        *counts
            .entry(tokens(&run(&model, &plain, beams, seed)))
            .or_insert(0) += 1;
    }
    assert_distribution(&counts, &samples(&all(&model), beams));
}

#[test]
fn samples_have_their_exact_probabilities() {
    for beams in [1, 2, 3] {
        check_samples(beams, 12_000);
    }
}

#[test]
#[ignore = "a million draws: minutes"]
fn a_million_samples_have_their_exact_probabilities() {
    for beams in [1, 2, 3] {
        check_samples(beams, 1_000_000);
    }
}

/// Stop sequences end sequences too, prompts are read, and what is cut is a sequence.
#[test]
fn samples_of_sequences_with_stops_have_their_exact_probabilities() {
    let model = logits(5, 3, 2);
    let ends = |tokens: &[u32]| tokens.ends_with(&[1, 2]) || tokens.ends_with(&[0]);
    let leaves = leaves(&model, 3, &ends);
    let mut counts = HashMap::new();
    for seed in 0..12_000 {
        let request = Extended {
            sampling: sampling(seed, 1.0),
            stops: vec![vec![1, 2], vec![0]],
            ..Extended::of(Spec::plain(2, 3, &[]))
        };
        let outcome = request.expected(&model);
        for hypothesis in &outcome.hypotheses {
            let found = &hypothesis.found;
            let stopped = found.finish != Finish::Length;
            assert_eq!(stopped, ends(&found.tokens));
        }
        *counts.entry(tokens(&outcome)).or_insert(0) += 1;
    }
    assert_distribution(&counts, &samples(&leaves, 2));
}

/// What is drawn from is the row with all its changes, cooled and normalised.
#[test]
fn processors_and_temperature_change_the_distribution_and_not_the_scores() {
    let model = Model {
        kind: ScoreKind::LogProbabilities,
        ..logits(8, 4, 2)
    };
    let mut plain = Spec::plain(2, 2, &[]);
    plain.after = vec![Processor::Suppress(vec![1]), Processor::Hook(2, 0.7)];
    plain.constraints = vec![(
        Permitted::Trie(vec![
            vec![0, 1],
            vec![0, 2],
            vec![2, 3],
            vec![3, 3],
            vec![3, 0],
        ]),
        Normaliser::WholeRow,
    )];
    // The same request of beams of all: all sequences and their log-probabilities.
    let mut wide = plain.clone();
    wide.beams = 20;
    let all = Extended::of(wide).expected(&model).hypotheses;
    let temperature = 0.6;
    // Each row is normalised by itself, so probabilities are products of shares.
    let share = |hypothesis: &Hypothesis| -> f64 {
        let found = &hypothesis.found;
        let step = |at: usize| {
            let same = |other: &&Hypothesis| {
                let tokens = &other.found.tokens;
                tokens[..at] == found.tokens[..at]
            };
            let mut siblings = HashMap::new();
            for other in all.iter().filter(same) {
                siblings.insert(other.found.tokens[at], other.found.token_scores[at]);
            }
            let weight = |score: f64| (score / temperature).exp();
            weight(found.token_scores[at]) / siblings.values().map(|&s| weight(s)).sum::<f64>()
        };
        (0..found.tokens.len()).map(step).product()
    };
    let leaves: Vec<Leaf> = all
        .iter()
        .map(|hypothesis| Leaf {
            tokens: hypothesis.found.tokens.clone(),
            log_probability: share(hypothesis).ln(),
        })
        .collect();
    assert_eq!(leaves.len(), 4);
    let mut counts = HashMap::new();
    for seed in 0..12_000 {
        let sampling = sampling(seed, temperature);
        let outcome = Extended {
            sampling,
            ..Extended::of(plain.clone())
        }
        .expected(&model);
        for hypothesis in &outcome.hypotheses {
            let tokens = &hypothesis.found.tokens;
            let of_all = all
                .iter()
                .position(|other| other.found.tokens == *tokens)
                .unwrap();
            let expected = &all[of_all].found;
            assert_eq!(hypothesis.found.token_scores, expected.token_scores);
            assert_eq!(hypothesis.found.log_probability, expected.log_probability);
            let drawn = hypothesis.sampled.unwrap().log_probability;
            assert!((drawn - leaves[of_all].log_probability).abs() < 1e-5);
        }
        *counts.entry(tokens(&outcome)).or_insert(0) += 1;
    }
    assert_distribution(&counts, &samples(&leaves, 2));
}

/// Complete sequences are leaves where nothing may follow, and only there.
#[test]
fn samples_of_a_trie_are_its_longest_sequences() {
    let model = logits(21, 4, 2);
    let sequences = vec![vec![1], vec![1, 2], vec![1, 3, 0], vec![2, 2], vec![3]];
    let mut plain = Spec::plain(2, 4, &[]);
    let trie = Permitted::Trie(sequences.clone());
    plain.constraints = vec![(trie, Normaliser::Permitted)];
    // Each row is normalised among what is permitted.
    let begins = |prefix: &[u32]| sequences.iter().any(|other| other.starts_with(prefix));
    let mut exact = Vec::new();
    for sequence in sequences.iter().filter(|sequence| **sequence != [1]) {
        let mut log_probability = 0.0;
        for at in 0..sequence.len() {
            let scores = model.scores(&sequence[..at]);
            let weight = |token: u32| f64::from(scores[token as usize]).exp();
            let permitted = (0..4).filter(|&token| begins(&[&sequence[..at], &[token]].concat()));
            log_probability += (weight(sequence[at]) / permitted.map(weight).sum::<f64>()).ln();
        }
        exact.push(Leaf {
            tokens: sequence.clone(),
            log_probability,
        });
    }
    let mut counts = HashMap::new();
    for seed in 0..8000 {
        let request = Extended {
            complete: true,
            sampling: sampling(seed, 1.0),
            ..Extended::of(plain.clone())
        };
        let outcome = request.expected(&model);
        let finishes = outcome
            .hypotheses
            .iter()
            .map(|hypothesis| hypothesis.found.finish);
        assert!(
            finishes
                .into_iter()
                .all(|finish| finish == Finish::Complete)
        );
        *counts.entry(tokens(&outcome)).or_insert(0) += 1;
    }
    assert_distribution(&counts, &samples(&exact, 2));
}

/// Of sparse rows only what is given is drawn, by its share of that.
#[test]
fn samples_of_sparse_rows_are_of_what_is_given() {
    let model = logits(30, 6, 0);
    let row = model.scores(&[]);
    let mut best: Vec<u32> = (0..6).collect();
    best.sort_by(|&a, &b| row[b as usize].partial_cmp(&row[a as usize]).unwrap());
    best.truncate(3);
    let weight = |token: &u32| (f64::from(row[*token as usize]) / 4.0).exp();
    let total: f64 = best.iter().map(weight).sum();
    let leaf = |token: &u32| Leaf {
        tokens: vec![*token],
        log_probability: (weight(token) / total).ln(),
    };
    let exact: Vec<Leaf> = best.iter().map(leaf).collect();
    let mut counts = HashMap::new();
    for seed in 0..8000 {
        let request = Extended {
            given: Some(3),
            sampling: sampling(seed, 4.0),
            ..Extended::of(Spec::plain(2, 1, &[]))
        };
        *counts.entry(tokens(&request.expected(&model))).or_insert(0) += 1;
    }
    assert_distribution(&counts, &samples(&exact, 2));
}

/// A sample that is told to finish is one of beginnings, live ones marked.
#[test]
fn a_sample_can_be_finished_at_any_step() {
    let (model, plain) = case();
    let leaves = leaves(&model, 2, &|tokens| tokens.last() == Some(&END));
    let mut counts = HashMap::new();
    for seed in 0..8000 {
        let request = Extended {
            finish_after: Some(2),
            sampling: sampling(seed, 1.0),
            ..Extended::of(plain.clone())
        };
        let outcome = request.expected(&model);
        for hypothesis in &outcome.hypotheses {
            let ended = hypothesis.found.tokens.last() == Some(&END);
            let finish = if ended { Finish::End } else { Finish::Live };
            assert_eq!(hypothesis.found.finish, finish);
        }
        *counts.entry(tokens(&outcome)).or_insert(0) += 1;
    }
    assert_distribution(&counts, &samples(&leaves, 2));
}
