//! The searches written naively from their definition: the oracle of the tests
//! and the baseline of the benchmarks. Unstable: see the feature `unstable`.
//!
//! Shared with the engine are:
//! - the scalar arithmetic: the logarithm and the two exponentials of one number,
//!   and log-add of two. `kernels` tests each against values of its own;
//! - the types of inputs and settings, as plain data: [`ScoresView`], which gives
//!   the length of an item and one value of a row, and [`ScoreKind`];
//!   [`CtcPruning`](crate::ctc::CtcPruning), [`NgramUnit`](crate::scorers::NgramUnit) and
//!   [`Unscored`](crate::scorers::Unscored); the rules of
//!   [`autoregressive`](crate::autoregressive).
//!
//! No model, word list, automaton or ordering is: [`scorers`] has its own.

pub mod autoregressive;
pub mod ctc;
pub mod requests;
pub mod scorers;
pub mod toy;
pub mod transducer;

use crate::kernels::exp::{exp_f32, exp_nonpositive_f64};
use crate::kernels::ln::ln;
use crate::scores::{ScoreKind, ScoresView};
use crate::simd::{ScalarF32, ScalarF64};

/// Hypotheses, best first: tokens and score.
pub type Hypotheses = Vec<(Vec<u32>, f64)>;

/// Beam search over independent positions: log everything, score all of
/// beam x vocab, sort it, carry whole sequences.
///
/// The scores must be valid.
pub fn independent(scores: &ScoresView<'_>, beams: usize) -> Vec<Hypotheses> {
    let item = |item| {
        let mut hypotheses = vec![(Vec::new(), 0.0)];
        for step in 0..scores.length(item) {
            let log_probabilities = log_probability_row(scores, item, step);
            let ranks = row_ranks(&values(scores, item, step));
            let mut candidates = Vec::new();
            for (parent, (_, score)) in hypotheses.iter().enumerate() {
                for (token, log_probability) in log_probabilities.iter().enumerate() {
                    let score = score + log_probability;
                    if score > f64::NEG_INFINITY {
                        candidates.push((score, parent, ranks[token], token));
                    }
                }
            }
            candidates.sort_by(|a, b| {
                let scores = b.0.partial_cmp(&a.0).expect("no NaN");
                scores.then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2))
            });
            candidates.truncate(beams);
            let extend = |&(score, parent, _, token): &(f64, usize, usize, usize)| {
                let (tokens, _): &(Vec<u32>, f64) = &hypotheses[parent];
                let mut tokens = tokens.clone();
                tokens.push(token as u32);
                (tokens, score)
            };
            hypotheses = candidates.iter().map(extend).collect();
        }
        hypotheses
    };
    (0..scores.batch()).map(item).collect()
}

/// Every possible sequence of one item with its score, best first: for tiny
/// cases. Sequences of equal score are in no particular order.
pub fn enumerate(scores: &ScoresView<'_>, item: usize) -> Hypotheses {
    let mut sequences = vec![(Vec::new(), 0.0)];
    for step in 0..scores.length(item) {
        let row = log_probability_row(scores, item, step);
        let mut longer = Vec::new();
        for (tokens, score) in &sequences {
            for (token, log_probability) in row.iter().enumerate() {
                if *log_probability > f64::NEG_INFINITY {
                    let mut tokens: Vec<u32> = tokens.clone();
                    tokens.push(token as u32);
                    longer.push((tokens, score + log_probability));
                }
            }
        }
        sequences = longer;
    }
    sequences.sort_by(|a, b| b.1.partial_cmp(&a.1).expect("no NaN"));
    sequences
}

/// The scores of one position as f32.
pub fn values(scores: &ScoresView<'_>, item: usize, step: usize) -> Vec<f32> {
    let row = scores.row(item, step);
    (0..row.len()).map(|token| row.get(token)).collect()
}

/// The log-probability of every token at one position.
pub fn log_probability_row(scores: &ScoresView<'_>, item: usize, step: usize) -> Vec<f64> {
    log_probabilities(scores.kind(), &values(scores, item, step))
}

/// The log-probabilities of some scores that are normalised among themselves.
pub fn log_probabilities(kind: ScoreKind, values: &[f32]) -> Vec<f64> {
    let normaliser = match kind {
        ScoreKind::Logits => log_sum_exp(values),
        _ => 0.0,
    };
    let log = |&value| log_probability(kind, value, normaliser);
    values.iter().map(log).collect()
}

/// The log-probability of a token from its score; `normaliser` is the log-sum-exp
/// of the row for logits. Zero probability, or negative infinity, is impossible.
fn log_probability(kind: ScoreKind, value: f32, normaliser: f64) -> f64 {
    let value = f64::from(value);
    match kind {
        ScoreKind::Probabilities if value == 0.0 => f64::NEG_INFINITY,
        ScoreKind::Probabilities => ln(value),
        ScoreKind::LogProbabilities => value,
        ScoreKind::Logits if value == f64::NEG_INFINITY => value,
        ScoreKind::Logits => value - normaliser,
    }
}

/// The rank of each token in its row: by value descending, then id ascending.
pub fn row_ranks(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| {
        values[b]
            .partial_cmp(&values[a])
            .expect("no NaN")
            .then(a.cmp(&b))
    });
    let mut ranks = vec![0; values.len()];
    for (rank, &token) in order.iter().enumerate() {
        ranks[token] = rank;
    }
    ranks
}

/// `ln(e^a + e^b)` of one pair of numbers.
pub fn log_add(a: f64, b: f64) -> f64 {
    crate::kernels::log_add::log_add_scalar(a, b)
}

/// The log-sum-exp of a row by its definition: the sums of its blocks of 2048 values,
/// joined in order; never below the largest value.
pub fn log_sum_exp(values: &[f32]) -> f64 {
    let (mut base, mut sum) = (f64::NEG_INFINITY, 0.0);
    for block in values.chunks(BLOCK).filter_map(block_sum) {
        let reference = f64::from(block.reference);
        let new = if reference > base { reference } else { base };
        let scale = |from: f64| exp_nonpositive_f64(ScalarF64(from - new)).0;
        sum = if reference > base {
            sum * scale(base) + block.sum
        } else {
            sum + block.sum * scale(reference)
        };
        base = new;
    }
    if sum > 0.0 {
        f64::from(largest(values)).max(base + ln(sum))
    } else {
        f64::NEG_INFINITY
    }
}

/// Values of a row whose exponentials are added up before they are joined with others.
const BLOCK: usize = 2048;

/// The exponentials of a block, relative to one of its values, added up.
struct BlockSum {
    reference: f32,
    sum: f64,
}

fn largest(values: &[f32]) -> f32 {
    values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// The sum of a block, if anything in it is possible: exponentials relative to the largest
/// of its first 128 values, or of all if that is over 16 above; 16 running sums in f32, each
/// in sections of 29 and then 32 values (why: `kernels::log_sum_exp`).
fn block_sum(block: &[f32]) -> Option<BlockSum> {
    let block_max = largest(block);
    if block_max == f32::NEG_INFINITY {
        return None;
    }
    let first = largest(&block[..block.len().min(128)]);
    let near = block_max - first <= 16.0;
    let reference = if near { first } else { block_max };
    let (mut sections, mut section) = ([0f32; 16], [0f32; 16]);
    for (number, vector) in block.chunks(16).enumerate() {
        for (lane, &value) in section.iter_mut().zip(vector) {
            *lane += exp_f32(ScalarF32(value - reference)).0;
        }
        if number % 32 == 28 {
            sections = std::array::from_fn(|lane| sections[lane] + section[lane]);
            section = [0.0; 16];
        }
    }
    let lanes = std::array::from_fn(|lane| sections[lane] + section[lane]);
    let sum = add_lanes(lanes);
    Some(BlockSum { reference, sum })
}

/// Adds running sums as a tree in f64, those below 2^-64 as nothing.
fn add_lanes(lanes: [f32; 16]) -> f64 {
    let least = 2f32.powi(-64);
    let large = lanes.map(|lane| if lane < least { 0.0 } else { lane });
    let mut tree: Vec<f64> = large.map(f64::from).to_vec();
    while tree.len() > 1 {
        let (low, high) = tree.split_at(tree.len() / 2);
        tree = low.iter().zip(high).map(|(a, b)| a + b).collect();
    }
    tree[0]
}
