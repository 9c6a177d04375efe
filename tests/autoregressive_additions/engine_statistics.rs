//! The distributions of what the engine draws, against exact probabilities.

use std::collections::HashMap;

use widebeam::ScoreKind;
use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request, Sampling};
use widebeam::reference::log_probabilities;
use widebeam::reference::requests::Model;

use crate::model::{leaves, logits};
use crate::statistics::assert_distribution;

const END: u32 = 2;

/// Requests that run at once.
const BATCH: u64 = 2000;

/// What requests of many seeds find: their hypotheses in order, and the sum of their weights.
fn draws(
    model: &Model,
    seeds: u64,
    request: impl Fn(u64) -> Request,
    mut see: impl FnMut(&[Vec<u32>], f64),
) {
    let mut search = AutoregressiveSearch::new(model.vocab).unwrap();
    let mut rows: HashMap<Vec<u32>, Vec<f32>> = HashMap::new();
    for first in (0..seeds).step_by(BATCH as usize) {
        let ids: Vec<_> = (first..seeds.min(first + BATCH))
            .map(|seed| search.admit(request(seed)).unwrap())
            .collect();
        while !search.is_idle() {
            let feed = search.feed();
            let (mut data, mut tokens) = (Vec::new(), Vec::new());
            for row in 0..feed.rows() {
                feed.sequence(row, &mut tokens);
                let scores = rows.entry(tokens.clone());
                data.extend_from_slice(scores.or_insert_with(|| model.scores(&tokens)));
            }
            search.advance(&model.view(&data)).unwrap();
        }
        for id in ids {
            let outcome = search.outcome(id).unwrap().unwrap();
            let weights = outcome.hypotheses().filter_map(|found| found.sampled);
            let weights: f64 = weights.map(|sampled| sampled.log_weight.exp()).sum();
            let found: Vec<Vec<u32>> = outcome.hypotheses().map(|h| h.tokens.to_vec()).collect();
            see(&found, weights);
            search.remove(id);
        }
    }
}

/// The sequences of a model at a temperature, and their probabilities.
fn sequences(model: &Model, length: usize, temperature: f64) -> Vec<(Vec<u32>, f64)> {
    let ends = |tokens: &[u32]| tokens.last() == Some(&END);
    let all = leaves(model, length, &ends).into_iter();
    let probability = |tokens: &[u32]| {
        let step = |place: usize| {
            let cool = |x: f32| (f64::from(x) / temperature) as f32;
            let row: Vec<f32> = model
                .scores(&tokens[..place])
                .into_iter()
                .map(cool)
                .collect();
            log_probabilities(ScoreKind::Logits, &row)[tokens[place] as usize]
        };
        (0..tokens.len()).map(step).sum::<f64>().exp()
    };
    all.map(|leaf| (leaf.tokens.clone(), probability(&leaf.tokens)))
        .collect()
}

/// The first two sequences come in the order of draws without replacement, whatever the
/// number of beams, and the weights add up to 1 on average.
fn check_sequences(seeds: u64) {
    let model = logits(9, 3, 2);
    let length = 3;
    for (beams, temperature) in [(2, 1.0), (4, 0.7)] {
        let all = sequences(&model, length, temperature);
        let mut expected = Vec::new();
        for (first, p) in &all {
            for (second, q) in all.iter().filter(|(second, _)| second != first) {
                expected.push((vec![first.clone(), second.clone()], p * q / (1.0 - p)));
            }
        }
        let request = |seed| {
            let sampling = Sampling::stochastic_beams(seed).with_temperature(temperature);
            Request::new(beams, MaximumLength(length))
                .with_end_tokens([END])
                .with_sampling(sampling.unwrap())
        };
        let (mut counts, mut weights) = (HashMap::new(), Vec::new());
        draws(&model, seeds, request, |found, weight| {
            *counts.entry(found[..2].to_vec()).or_insert(0u64) += 1;
            weights.push(weight);
        });
        assert_distribution(&counts, &expected);
        let (mean, error) = crate::statistics::mean(&weights);
        assert!((mean - 1.0).abs() < 4.0 * error, "{mean} +- {error}");
    }
}

#[test]
fn sequences_are_drawn_without_replacement() {
    check_sequences(20_000);
}

/// A million draws of two sequences each for either number of beams.
#[test]
#[ignore = "takes minutes"]
fn a_million_draws_of_sequences_without_replacement() {
    check_sequences(1_000_000);
}

/// One step of beam sampling: as many different tokens as there are candidates.
#[test]
fn candidates_are_drawn_without_replacement() {
    let model = logits(4, 5, 1);
    let row = log_probabilities(ScoreKind::Logits, &model.scores(&[]));
    let shares: Vec<f64> = row.iter().map(|x| x.exp()).collect();
    // With one beam K is 2: the better of the two is kept.
    let mut expected = vec![0.0; 5];
    for (first, p) in shares.iter().enumerate() {
        for (second, q) in shares
            .iter()
            .enumerate()
            .filter(|&(other, _)| other != first)
        {
            let kept = if p >= q { first } else { second };
            expected[kept] += p * q / (1.0 - p);
        }
    }
    let request = |seed| {
        let sampling = Sampling::beam_sampling(seed);
        Request::new(1, MaximumLength(1)).with_sampling(sampling)
    };
    let mut counts = HashMap::new();
    draws(&model, 30_000, request, |found, _| {
        *counts.entry(found[0][0]).or_insert(0u64) += 1;
    });
    let possible = (0..).zip(expected).filter(|&(_, p)| p > 0.0);
    assert_distribution(&counts, &possible.collect::<Vec<_>>());
}
