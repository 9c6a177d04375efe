//! Draws of a row, as a search of one step shows them.

use std::collections::HashMap;

use widebeam::ScoreKind;
use widebeam::reference::autoregressive::{self as oracle, Hypothesis, Method, Sampling};

use crate::statistics::{assert_distribution, mean};

/// Draws `beams` sequences of one token from a row, for many seeds.
fn draws(row: &[f32], beams: usize, seeds: u64, temperature: f64) -> Vec<Vec<Hypothesis>> {
    let run = |seed| {
        let mut request = oracle::Request::new(beams, 1);
        request.sampling = Some(Sampling {
            method: Method::StochasticBeams,
            seed,
            temperature,
        });
        oracle::run(&request, ScoreKind::Logits, &|_| row.to_vec().into()).hypotheses
    };
    (0..seeds).map(run).collect()
}

fn shares(row: &[f32], temperature: f64) -> Vec<f64> {
    let weight = |&x: &f32| (f64::from(x) / temperature).exp();
    let total: f64 = row.iter().map(weight).sum();
    row.iter().map(|x| weight(x) / total).collect()
}

fn token(hypothesis: &Hypothesis) -> u32 {
    hypothesis.found.tokens[0]
}

/// Blocks, groups and tokens of very different sums, the last of each shorter than the rest.
fn long_row() -> Vec<f32> {
    let value = |token: usize| match token {
        0..2048 => -9.0 + (token % 7) as f32 / 3.0,
        // One group of this block has nearly all of it.
        2048..4096 if (2304..2432).contains(&token) => -5.0 - (token % 5) as f32,
        2048..4096 => -30.0,
        // Nothing is possible in the third, but for one token far below all others.
        4096..6144 if token != 5000 => f32::NEG_INFINITY,
        5000 => -3.0,
        _ => -6.0 - (token % 3) as f32,
    };
    (0..6150).map(value).collect()
}

#[test]
fn tokens_of_a_long_row_have_their_shares() {
    let row = long_row();
    for temperature in [1.0, 1.5] {
        let shares = shares(&row, temperature);
        let mut counts = HashMap::new();
        for found in draws(&row, 1, 6000, temperature) {
            *counts.entry(token(&found[0]) / 32).or_insert(0) += 1;
        }
        let bins = (0..row.len() as u32).step_by(32);
        let probability = |first: u32| {
            let tokens = first as usize..row.len().min(first as usize + 32);
            (first / 32, shares[tokens].iter().sum())
        };
        assert_distribution(&counts, &bins.map(probability).collect::<Vec<_>>());
    }
}

/// Sums of blocks that no exponential relative to the first could hold.
#[test]
fn blocks_may_be_far_from_one_another() {
    let mut row = vec![-150.0f32; 2048];
    row.extend((0..300).map(|token| if token < 128 { 0.5 } else { -0.25 }));
    row.extend([-150.0; 2000]);
    let shares = shares(&row, 1.0);
    let bin = |token: usize| (token / 2048, token % 2048 / 64);
    let mut counts = HashMap::new();
    for found in draws(&row, 1, 4000, 1.0) {
        *counts.entry(bin(token(&found[0]) as usize)).or_insert(0) += 1;
    }
    let mut bins: HashMap<(usize, usize), f64> = HashMap::new();
    for (token, share) in shares.iter().enumerate() {
        *bins.entry(bin(token)).or_default() += share;
    }
    assert_distribution(&counts, &bins.into_iter().collect::<Vec<_>>());
}

/// One token has all but 1e-11 of the row. Its removal must leave the rest as it is.
#[test]
fn what_is_left_of_a_certain_row_is_drawn_by_its_shares() {
    let mut row = vec![-26.0f32; 300];
    row[7] = 4.0;
    row[200] = -24.0;
    row[201] = -23.0;
    row[299] = f32::NEG_INFINITY;
    let mut rest = row.clone();
    rest[7] = f32::NEG_INFINITY;
    let shares = shares(&rest, 1.0);
    let mut counts = HashMap::new();
    for found in draws(&row, 2, 5000, 1.0) {
        assert_eq!(token(&found[0]), 7);
        let bin = match token(&found[1]) {
            token @ (200 | 201) => token,
            token => token / 64,
        };
        *counts.entry(bin).or_insert(0) += 1;
    }
    let mut bins: HashMap<u32, f64> = HashMap::new();
    for (token, share) in shares.iter().enumerate() {
        let bin = match token {
            200 | 201 => token,
            _ => token / 64,
        };
        *bins.entry(bin as u32).or_default() += share;
    }
    assert_distribution(&counts, &bins.into_iter().collect::<Vec<_>>());
}

/// Perturbed log-probabilities are order statistics: with e^-g of each, the first has the
/// mean 1 over the whole, and what the next adds has the mean 1 over the rest.
#[test]
fn perturbed_values_are_distributed_as_gumbel_variables() {
    let row = [0.0f32, 1.0, -0.5, 0.3];
    let shares = shares(&row, 1.0);
    let mut terms = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for found in draws(&row, 4, 5000, 1.0) {
        let (mut before, mut left) = (0.0, 1.0);
        for (hypothesis, terms) in found.iter().zip(&mut terms) {
            let inverse = (-hypothesis.sampled.unwrap().perturbed).exp();
            terms.push((inverse - before) * left);
            before = inverse;
            left -= shares[token(hypothesis) as usize];
        }
    }
    for terms in &terms {
        let (mean, error) = mean(terms);
        assert!((mean - 1.0).abs() < 4.0 * error, "{mean} +- {error}");
        // The square of an exponential variable has the mean 2.
        let squares: Vec<f64> = terms.iter().map(|term| term * term).collect();
        let (square, error) = self::mean(&squares);
        assert!((square - 2.0).abs() < 4.0 * error, "{square} +- {error}");
    }
}

/// All that is possible comes back, once, in the order of perturbed values.
#[test]
fn a_row_can_be_drawn_to_its_end() {
    let row = long_row();
    let possible = row.iter().filter(|&&x| x > f32::NEG_INFINITY).count();
    let found = &draws(&row[4000..6150], 3000, 1, 1.0)[0];
    let mut tokens: Vec<u32> = found.iter().map(token).collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), found.len());
    assert_eq!(found.len(), possible - 4000);
    let values: Vec<f64> = found.iter().map(|h| h.sampled.unwrap().perturbed).collect();
    assert!(values.is_sorted_by(|a, b| a >= b));
}
