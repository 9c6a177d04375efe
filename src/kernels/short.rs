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

/// A row of no tokens.
pub(crate) fn empty(kind: ScoreKind) -> Row {
    [[kind.impossible(); F32_LANES]; LONGEST / F32_LANES]
}

/// What the vectors of a row have shown.
struct Facts<S: Simd> {
    floor: S::F32,
    least: S::F32,
    largest: S::F32,
    invalid: <S::F32 as F32Lanes>::Seen,
    possible: usize,
}

impl<S: Simd> Facts<S> {
    #[inline(always)]
    fn none(simd: S, kind: ScoreKind) -> Self {
        let floor = simd.f32_splat(kind.impossible());
        Facts {
            floor,
            least: simd.f32_splat(kind.least_possible()),
            largest: floor,
            invalid: simd.f32_unseen(),
            possible: 0,
        }
    }

    /// Takes a vector, of which the first `known` lanes have been taken before.
    #[inline(always)]
    fn add(&mut self, lanes: S::F32, known: usize, out: &mut [f32; F32_LANES]) {
        self.largest = self.largest.max(lanes);
        self.invalid = lanes.see_below(self.floor, self.invalid);
        self.possible += (lanes.ge(self.least) >> known).count_ones() as usize;
        lanes.store(out);
    }
}

/// Reads a row of up to [`LONGEST`] tokens into `out`, which it leaves as it is
/// past the row's end. Counts its possible tokens, of which the caller wants
/// some.
///
/// `None` if the row holds an invalid score.
#[inline(always)]
pub(crate) fn read<S: Simd, E: Lanes>(
    simd: S,
    kind: ScoreKind,
    row: &[E],
    out: &mut Row,
) -> Option<Found> {
    let mut facts = Facts::none(simd, kind);
    let (whole, rest) = row.as_chunks::<F32_LANES>();
    for (vector, out) in whole.iter().zip(out.iter_mut()) {
        facts.add(E::load(simd, vector), 0, out);
    }
    let out_end = out.as_flattened_mut()[..row.len()].last_chunk_mut();
    match (row.last_chunk(), out_end) {
        _ if rest.is_empty() => {}
        (Some(last), Some(out)) => {
            // Copied token by token to a vector, it could not be loaded before
            // all of that has reached the cache.
            facts.add(E::load(simd, last), F32_LANES - rest.len(), out);
        }
        _ => {
            let mut last = [E::impossible(kind); F32_LANES];
            for (last, &rest) in last.iter_mut().zip(rest) {
                *last = rest;
            }
            facts.add(E::load(simd, &last), 0, &mut out[0]);
        }
    }
    let possible = facts.possible;
    let max = facts.largest.reduce_max();
    if facts.invalid.any() || !kind.accepts(max) {
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
pub(crate) fn keys<S: Simd>(
    simd: S,
    kind: ScoreKind,
    rows: &[Row; F64_LANES],
    length: usize,
    out: &mut [Entry],
) {
    match kind {
        ScoreKind::Probabilities => keys_of::<S, false>(simd, rows, length, out),
        ScoreKind::LogProbabilities | ScoreKind::Logits => {
            keys_of::<S, true>(simd, rows, length, out);
        }
    }
}

/// Those of rows of which some scores may be `NEGATIVE`, or none.
#[inline(always)]
fn keys_of<S: Simd, const NEGATIVE: bool>(
    simd: S,
    rows: &[Row; F64_LANES],
    length: usize,
    out: &mut [Entry],
) {
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
            let value = if NEGATIVE { column.max(below) } else { *column } + zero;
            let otherwise = value.splat(otherwise);
            let if_negative = if NEGATIVE {
                value.splat(if_negative)
            } else {
                otherwise
            };
            value.or_by_sign(if_negative, otherwise).store(out);
        }
    }
}
