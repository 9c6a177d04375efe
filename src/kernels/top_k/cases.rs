//! Rows for the tests of the kernels, and what is found in them by definition.

#[path = "../../../tests/support/from_f32.rs"]
mod from_f32;

use from_f32::FromF32;

use crate::kernels::element::Lanes;
use crate::order::rank_key;
use crate::scores::ScoreKind::{self, LogProbabilities, Logits, Probabilities};
use crate::simd::F32_LANES;

/// A type of score that the kernels read.
pub(crate) trait Rounded: Lanes + FromF32 {}

impl<E: Lanes + FromF32> Rounded for E {}

/// Numbers in (0, 1), the same on every run.
pub(crate) fn random(seed: u32) -> impl FnMut() -> f32 {
    let mut state = u64::from(seed) << 1 | 1;
    move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 40) as f32 + 0.5) / (1 << 24) as f32
    }
}

/// Probabilities for which one or another way to find a bound is bad.
pub(crate) fn patterns(length: usize, k: usize) -> Vec<Vec<f32>> {
    let mut random = random(length as u32);
    let size = length.max(1) as f32;
    let by_index = |f: &dyn Fn(usize) -> f32| (0..length).map(f).collect::<Vec<f32>>();
    vec![
        (0..length).map(|_| random()).collect(),
        (0..length).map(|_| (random() * 3.0).ceil() / 4.0).collect(),
        by_index(&|i| (i + 1) as f32 / size),
        by_index(&|i| (length - i) as f32 / size),
        by_index(&|_| 0.5),
        by_index(&|i| (i % 128 + 1) as f32 / 200.0),
        by_index(&|i| ((i / 128) % 7 + i % 16 + 1) as f32 / 200.0),
        by_index(&|i| {
            if i * k.max(1) % length < k {
                0.75
            } else {
                0.25
            }
        }),
        by_index(&|i| if i % 97 == 5 { 0.5 } else { 0.0 }),
    ]
}

/// Probabilities most of which are impossible: those in one lane are possible, and
/// ascend, descend, are equal or random; none; the first, or the last, alone.
pub(crate) fn sparse_patterns(length: usize) -> Vec<Vec<f32>> {
    let mut random = random(length as u32);
    let size = length as f32;
    let by_index = |f: &mut dyn FnMut(usize) -> f32| (0..length).map(f).collect::<Vec<f32>>();
    let lane = (length - 1) % F32_LANES;
    let in_lane = |f: &mut dyn FnMut(usize) -> f32| {
        by_index(&mut |i| {
            if i % F32_LANES == lane { f(i) } else { 0.0 }
        })
    };
    vec![
        in_lane(&mut |i| (i + 1) as f32 / size),
        in_lane(&mut |i| (length - i) as f32 / size),
        in_lane(&mut |_| 0.5),
        in_lane(&mut |_| random()),
        vec![0.0; length],
        by_index(&mut |i| if i == 0 { 0.5 } else { 0.0 }),
        by_index(&mut |i| if i + 1 == length { 0.5 } else { 0.0 }),
    ]
}

/// A probability as a score of that kind.
pub(crate) fn to_kind(kind: ScoreKind, x: f32) -> f32 {
    match kind {
        Probabilities => x,
        LogProbabilities | Logits if x == 0.0 => f32::NEG_INFINITY,
        LogProbabilities => x.ln(),
        Logits => (x - 0.5) * 20.0,
    }
}

/// Probabilities as scores of a kind and type.
pub(crate) fn scores<E: Rounded>(kind: ScoreKind, row: &[f32]) -> Vec<E> {
    let scores = row.iter().map(|&x| E::rounded(to_kind(kind, x)));
    scores.collect()
}

/// All possible tokens with their values, best first.
pub(crate) fn in_order<E: Lanes>(kind: ScoreKind, row: &[E]) -> Vec<(u32, f32)> {
    let mut all: Vec<(u32, f32)> = (0..).zip(row.iter().map(|value| value.to_f32())).collect();
    all.retain(|&(_, value)| value != kind.impossible());
    all.sort_by_key(|&(token, value)| rank_key(value, token));
    all
}

/// The maxima of the tokens in the same lane of each `panel` tokens of a row.
pub(crate) fn peaks<E: Lanes>(kind: ScoreKind, row: &[E], panel: usize) -> Vec<[f32; F32_LANES]> {
    let mut all = vec![[kind.impossible(); F32_LANES]; row.len().div_ceil(panel)];
    for (token, value) in row.iter().enumerate() {
        let peak = &mut all[token / panel][token % F32_LANES];
        *peak = peak.max(value.to_f32());
    }
    all
}

/// Values that no row of the kind may hold, the last of them those just too large.
pub(crate) fn invalid(kind: ScoreKind) -> &'static [f32] {
    const TOO_LARGE: f32 = ScoreKind::MAX_PROBABILITY.next_up();
    const TOO_LIKELY: f32 = ScoreKind::MAX_LOG_PROBABILITY.next_up();
    match kind {
        Probabilities => &[
            f32::NAN,
            -f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            -1e-30,
            2.0,
            TOO_LARGE,
        ],
        LogProbabilities => &[f32::NAN, -f32::NAN, f32::INFINITY, 2.0, TOO_LIKELY],
        Logits => &[f32::NAN, -f32::NAN, f32::INFINITY],
    }
}

/// Values that make a row of the kind invalid, and the largest one that does not;
/// each with whether the row is valid.
pub(crate) fn limits(kind: ScoreKind) -> impl Iterator<Item = (f32, bool)> {
    let invalid = invalid(kind).iter().map(|&value| (value, false));
    invalid.chain([(largest(kind), true)])
}

/// The largest of all lanes.
pub(crate) fn largest_lane(vectors: &[[f32; F32_LANES]]) -> f32 {
    let lanes = vectors.as_flattened().iter().copied();
    lanes.fold(f32::NEG_INFINITY, f32::max)
}

/// The largest value that a row of the kind may hold.
pub(crate) fn largest(kind: ScoreKind) -> f32 {
    match kind {
        Probabilities => ScoreKind::MAX_PROBABILITY,
        LogProbabilities => ScoreKind::MAX_LOG_PROBABILITY,
        Logits => f32::MAX,
    }
}
