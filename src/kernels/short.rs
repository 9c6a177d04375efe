//! Rows so short that all their tokens are put in order.

use super::element::Lanes;
use super::exp::exp_nonpositive_f32;
use super::log_sum_exp::{self, RunningSum, add_lanes};
use super::network::Entry;
use super::top_k::Found;
use crate::order::{ZERO, token_bits};
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, F64_LANES, F64Lanes, Float64, Seen, Simd};

/// The longest such row. In the log-sum-exp each of its tokens has a lane of
/// its own.
pub(crate) const LONGEST: usize = log_sum_exp::LANES;

/// A row as f32, filled up with impossible scores.
pub(crate) type Row = [[f32; F32_LANES]; LONGEST / F32_LANES];

/// Reads a row of up to [`LONGEST`] tokens into `out`. Counts its possible
/// tokens, of which the caller wants some.
///
/// `None` if the row holds an invalid score.
#[inline(always)]
pub(crate) fn read<S: Simd, E: Lanes>(
    simd: S,
    kind: ScoreKind,
    row: &[E],
    out: &mut Row,
) -> Option<Found> {
    let floor = simd.f32_splat(kind.impossible());
    let least = simd.f32_splat(kind.least_possible());
    let (mut largest, mut seen, mut possible) = (floor, simd.f32_unseen(), 0);

    let (whole, rest) = row.as_chunks::<F32_LANES>();
    let mut last = [E::impossible(kind); F32_LANES];
    for (last, &rest) in last.iter_mut().zip(rest) {
        *last = rest;
    }
    let vectors = whole.iter().chain((!rest.is_empty()).then_some(&last));
    for (vector, out) in vectors.zip(out.iter_mut()) {
        let lanes = E::load(simd, vector);
        largest = largest.max(lanes);
        seen = lanes.see_below(floor, seen);
        possible += lanes.ge(least).count_ones() as usize;
        lanes.store(out);
    }
    let max = largest.reduce_max();
    if seen.any() || !kind.accepts(max) {
        return None;
    }
    Some(Found {
        count: possible,
        normaliser: match kind {
            ScoreKind::Logits if possible > 0 => {
                let mut sums = [0.0; log_sum_exp::LANES];
                let max_lanes = simd.f32_splat(max);
                let lanes = out.iter().take(row.len().div_ceil(F32_LANES));
                for (lanes, sums) in lanes.zip(sums.as_chunks_mut().0) {
                    exp_nonpositive_f32(simd.f32_load(lanes) - max_lanes).store(sums);
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

/// The token's bits of each place in a row, as numbers.
static BITS: [[f64; 2]; LONGEST] = {
    let mut bits = [[0.0; 2]; LONGEST];
    let mut token = 0;
    while token < LONGEST {
        let [if_negative, otherwise] = token_bits(token as u32);
        bits[token] = [f64::from_bits(if_negative), f64::from_bits(otherwise)];
        token += 1;
    }
    bits
};

/// Below every possible score, and a number to which a token can be added.
const BELOW: f64 = -1e300;

/// The number keys of all tokens of eight rows of `length` tokens.
#[inline(always)]
pub(crate) fn keys<S: Simd>(simd: S, rows: &[Row; F64_LANES], length: usize, out: &mut [Entry]) {
    let below = simd.f64_load(&[BELOW; F64_LANES]);
    let zero = simd.f64_load(&[ZERO; F64_LANES]);
    let blocks = out.as_chunks_mut::<F64_LANES>().0.iter_mut();
    let blocks = blocks.zip(BITS.as_chunks::<F64_LANES>().0).enumerate();
    for (block, (out, bits)) in blocks.take(length.div_ceil(F64_LANES)) {
        let mut parts = [&[0.0; F64_LANES]; F64_LANES];
        for (part, row) in parts.iter_mut().zip(rows) {
            *part = &row.as_flattened().as_chunks().0[block];
        }
        let columns = simd.f64_columns(parts);
        for ((column, &[if_negative, otherwise]), out) in columns.iter().zip(bits).zip(out) {
            let value = column.max(below) + zero;
            let key = value.or_by_sign(value.splat(if_negative), value.splat(otherwise));
            key.store(out);
        }
    }
}
