//! Rows so short that all their tokens are put in order.

use super::element::Lanes;
use super::exp::exp_nonpositive_f32;
use super::log_sum_exp::{self, RunningSum, add_lanes};
use super::rank::Counting;
use super::top_k::Found;
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, Seen, Simd};

/// The longest such row. In the log-sum-exp each of its tokens has a lane of
/// its own.
pub(crate) const LONGEST: usize = log_sum_exp::LANES;

/// Token ids, so that ranking can be told which token a value belongs to.
const TOKENS: [u32; LONGEST] = {
    let mut tokens = [0; LONGEST];
    let mut i = 0;
    while i < LONGEST {
        tokens[i] = i as u32;
        i += 1;
    }
    tokens
};

/// As [`TopK::of_row`](super::top_k::TopK::of_row), for up to [`LONGEST`]
/// tokens.
#[inline(always)]
pub(crate) fn of_row<S: Simd, E: Lanes>(
    simd: S,
    kind: ScoreKind,
    row: &[E],
    tokens: &mut [u32],
    values: &mut [f32],
) -> Option<Found> {
    match row.len().div_ceil(F32_LANES) {
        ..=1 => of_vectors::<S, E, 1>(simd, kind, row, tokens, values),
        2 => of_vectors::<S, E, 2>(simd, kind, row, tokens, values),
        _ => of_vectors::<S, E, { LONGEST / F32_LANES }>(simd, kind, row, tokens, values),
    }
}

/// For up to `VECTORS` vectors of tokens.
#[inline(always)]
fn of_vectors<S: Simd, E: Lanes, const VECTORS: usize>(
    simd: S,
    kind: ScoreKind,
    row: &[E],
    tokens: &mut [u32],
    values: &mut [f32],
) -> Option<Found> {
    let floor = simd.f32_splat(kind.impossible());
    let least = simd.f32_splat(kind.least_possible());
    let mut own = [floor; VECTORS];
    let mut lanes = [[kind.impossible(); F32_LANES]; VECTORS];
    let (mut largest, mut seen, mut possible) = (floor, simd.f32_unseen(), 0);

    let (whole, rest) = row.as_chunks::<F32_LANES>();
    let mut last = [E::impossible(kind); F32_LANES];
    for (last, &rest) in last.iter_mut().zip(rest) {
        *last = rest;
    }
    let vectors = whole.iter().chain((!rest.is_empty()).then_some(&last));
    for ((vector, own), out) in vectors.zip(&mut own).zip(&mut lanes) {
        *own = E::load(simd, vector);
        largest = largest.max(*own);
        seen = own.see_below(floor, seen);
        possible += own.ge(least).count_ones() as usize;
        own.store(out);
    }
    let max = largest.reduce_max();
    if seen.any() || !kind.accepts(max) {
        return None;
    }

    let all = &lanes.as_flattened()[..row.len()];
    Counting::new(all).place(simd, &lanes, &TOKENS[..row.len()], tokens, values);
    Some(Found {
        count: possible.min(tokens.len()),
        normaliser: match kind {
            ScoreKind::Logits if possible > 0 => {
                let mut sums = [0.0; log_sum_exp::LANES];
                let max_lanes = simd.f32_splat(max);
                for (own, out) in own.iter().zip(sums.as_chunks_mut().0) {
                    exp_nonpositive_f32(*own - max_lanes).store(out);
                }
                let mut sum = RunningSum::EMPTY;
                sum.add(max, add_lanes(&sums));
                sum.ln()
            }
            ScoreKind::Logits => f64::NEG_INFINITY,
            _ => 0.0,
        },
    })
}
