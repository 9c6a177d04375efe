//! Beam sampling: candidates without replacement, against exact probabilities.

use std::collections::HashMap;

use widebeam::ScoreKind;
use widebeam::autoregressive::{LengthPenalty, Rules, Stopping};
use widebeam::reference::autoregressive::{Method, Sampling};
use widebeam::reference::log_probabilities;
use widebeam::reference::requests::{Extended, Model, Spec};

use crate::model::{answers, exhaustive, logits};
use crate::statistics::assert_distribution;

fn request(beams: usize, max_length: usize, seed: u64, temperature: f64) -> Extended {
    let mut plain = Spec::plain(beams, max_length, &[]);
    plain.rules = exhaustive(LengthPenalty::None);
    let sampling = Sampling {
        method: Method::BeamSampling,
        seed,
        temperature,
    };
    Extended {
        sampling: Some(sampling),
        ..Extended::of(plain)
    }
}

type Beam = Vec<(Vec<u32>, f64)>;

/// The beams of the next step and their probabilities: of all ordered draws of 2k candidates,
/// the best k by score.
fn next(model: &Model, beam: &Beam, beams: usize, temperature: f64) -> Vec<(Beam, f64)> {
    let mut candidates = Vec::new();
    for (tokens, score) in beam {
        let row = log_probabilities(model.kind, &model.scores(tokens));
        for (token, own) in row.iter().enumerate() {
            let tokens: Vec<u32> = [&tokens[..], &[token as u32]].concat();
            candidates.push((tokens, score + own));
        }
    }
    let weights: Vec<f64> = candidates
        .iter()
        .map(|c| (c.1 / temperature).exp())
        .collect();
    let mut draws = vec![(Vec::<usize>::new(), 1.0, weights.iter().sum::<f64>())];
    for _ in 0..(2 * beams).min(candidates.len()) {
        let mut longer = Vec::new();
        for (drawn, probability, left) in draws {
            for (index, weight) in weights.iter().enumerate() {
                if !drawn.contains(&index) {
                    let drawn = [&drawn[..], &[index]].concat();
                    longer.push((drawn, probability * weight / left, left - weight));
                }
            }
        }
        draws = longer;
    }
    let mut next: HashMap<Vec<usize>, f64> = HashMap::new();
    for (mut drawn, probability, _) in draws {
        drawn.sort_by(|&a, &b| candidates[b].1.partial_cmp(&candidates[a].1).unwrap());
        drawn.truncate(beams);
        *next.entry(drawn).or_default() += probability;
    }
    let beam = |drawn: Vec<usize>| drawn.into_iter().map(|i| candidates[i].clone()).collect();
    next.into_iter()
        .map(|(drawn, p)| (beam(drawn), p))
        .collect()
}

fn check(model: &Model, beams: usize, max_length: usize, temperature: f64) {
    let mut exact: Vec<(Beam, f64)> = vec![(vec![(Vec::new(), 0.0)], 1.0)];
    for _ in 0..max_length {
        let mut longer = Vec::new();
        for (beam, probability) in exact {
            let all = next(model, &beam, beams, temperature).into_iter();
            longer.extend(all.map(|(beam, p)| (beam, probability * p)));
        }
        exact = longer;
    }
    let mut probabilities: HashMap<Vec<Vec<u32>>, f64> = HashMap::new();
    for (beam, probability) in exact {
        let tokens = beam.into_iter().map(|(tokens, _)| tokens).collect();
        *probabilities.entry(tokens).or_default() += probability;
    }
    let mut counts = HashMap::new();
    for seed in 0..12_000 {
        let outcome = request(beams, max_length, seed, temperature).expected(model);
        let tokens: Vec<_> = answers(&outcome)
            .into_iter()
            .map(|(tokens, _)| tokens)
            .collect();
        *counts.entry(tokens).or_insert(0) += 1;
    }
    assert_distribution(&counts, &probabilities.into_iter().collect::<Vec<_>>());
}

#[test]
fn beams_have_their_exact_probabilities() {
    check(&flat(3, 5), 1, 2, 1.0);
    check(&flat(4, 3), 2, 2, 1.0);
    check(&flat(5, 4), 2, 2, 0.5);
    check(&logits(4, 3, 2), 2, 2, 3.0);
}

/// A model whose scores are nearer to one another than logits are.
fn flat(seed: u64, vocab: usize) -> Model {
    Model {
        kind: ScoreKind::LogProbabilities,
        ..logits(seed, vocab, 2)
    }
}

/// Only candidates are drawn: scores, and so everything after them, are the plain search's.
#[test]
fn scores_are_those_of_the_model() {
    let model = logits(9, 6, 2);
    for seed in 0..50 {
        for (tokens, score) in answers(&request(3, 4, seed, 0.8).expected(&model)) {
            let mut expected = 0.0;
            for at in 0..tokens.len() {
                let row = log_probabilities(model.kind, &model.scores(&tokens[..at]));
                expected += row[tokens[at] as usize];
            }
            assert_eq!(score, expected);
        }
    }
}

/// At a temperature near 0 the best are always drawn.
#[test]
fn a_cold_draw_is_the_plain_search() {
    for seed in 0..50 {
        let model = logits(seed, 7, 2);
        let mut sampled = request(3, 5, seed, 1e-4);
        sampled.plain.ends = vec![2, 5];
        sampled.plain.rules = Rules::plain().with_stopping(Stopping::Exhaustive);
        let found = sampled.expected(&model);
        sampled.sampling = None;
        assert_eq!(answers(&found), answers(&sampled.expected(&model)));
    }
}

/// Of the candidates that end, those that were drawn among the first k finish.
#[test]
fn the_rank_of_an_ending_is_when_it_was_drawn() {
    let model = flat(12, 4);
    let weights = model.scores(&[]).into_iter().map(|x| f64::from(x).exp());
    let weights: Vec<f64> = weights.collect();
    let first = weights[0] / weights.iter().sum::<f64>();
    let mut counts = HashMap::new();
    for seed in 0..5000 {
        let mut sampled = request(1, 1, seed, 1.0);
        sampled.plain.ends = vec![0];
        sampled.n_best = Some(2);
        let answers = answers(&sampled.expected(&model));
        let ended = answers.iter().any(|(tokens, _)| tokens == &[0]);
        *counts.entry(ended).or_insert(0) += 1;
    }
    assert_distribution(&counts, &[(true, first), (false, 1.0 - first)]);
}
