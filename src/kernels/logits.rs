//! The one pass that reads a row of logits from memory: maxima of groups of its
//! tokens, and the log-sum-exp.
//!
//! It goes block by block: first the maxima, and with them the largest logit of
//! the block, then the exponentials relative to that, which read the block from
//! the cache.

use std::ops::Range;

use super::element::Lanes;
use super::exp::exp_nonpositive_f32_of;
use super::log_sum_exp::{BLOCK, LANES, RunningSum, add_lanes};
use super::scan::{COLUMNS, STRIPE, Scan, Stripes};
use crate::simd::{F32_LANES, F32Lanes, Simd};

/// Stripes in a block of the log-sum-exp.
const BLOCK_STRIPES: usize = BLOCK / STRIPE;
/// Vectors that hold the running sums of a block.
const SUMS: usize = LANES / F32_LANES;
/// Vectors whose exponentials are taken together: two are four registers of
/// AVX2, and twice as many would no longer fit. (Summing one half of the lanes
/// after the other, so that the sums fit as well, gained 2 % on AVX2 and cost
/// the baseline 11 %.)
const TOGETHER: usize = 2;

/// Scans a row. `peaks` receives, for each panel of `panel` stripes (a divisor
/// of `BLOCK_STRIPES`), the maxima of the tokens in the same lane. `None` if a
/// score is invalid.
#[inline(always)]
pub(super) fn scan<S: Simd, E: Lanes>(
    simd: S,
    stripes: &Stripes<'_, E>,
    panel: usize,
    peaks: &mut [[f32; F32_LANES]],
) -> Option<Scan> {
    let mut columns = [simd.f32_splat(f32::NEG_INFINITY); COLUMNS];
    let mut sum = RunningSum::EMPTY;
    let starts = (0..stripes.len()).step_by(BLOCK_STRIPES);
    for (start, peaks) in starts.zip(peaks.chunks_mut(BLOCK_STRIPES / panel)) {
        let block = start..stripes.len().min(start + BLOCK_STRIPES);
        let max = block_maxima(simd, stripes, block.clone(), panel, &mut columns, peaks);
        let block_sum = sum_block(simd, stripes, block, max);
        // A NaN anywhere makes the sum NaN, and so does +infinity.
        if block_sum.is_nan() {
            return None;
        }
        sum.add(max, block_sum);
    }
    Some(Scan::new(&columns, sum.ln()))
}

/// Takes the stripes of a block into the maxima; the largest logit of the block,
/// unspecified if one is NaN.
#[inline(always)]
fn block_maxima<S: Simd, E: Lanes>(
    simd: S,
    stripes: &Stripes<'_, E>,
    block: Range<usize>,
    panel: usize,
    columns: &mut [S::F32; COLUMNS],
    peaks: &mut [[f32; F32_LANES]],
) -> f32 {
    let mut block_max = simd.f32_splat(f32::NEG_INFINITY);
    for (first, out) in block.clone().step_by(panel).zip(peaks) {
        let last = block.end.min(first + panel);
        let peak = match stripes
            .whole
            .get(first..last)
            .and_then(|panel| panel.try_into().ok())
        {
            Some(four) => panel_maxima::<S, E, 4>(simd, four, columns),
            None => {
                let mut peak = simd.f32_splat(f32::NEG_INFINITY);
                for index in first..last {
                    let one = std::array::from_ref(stripes.get(index));
                    peak = peak.max(panel_maxima(simd, one, columns));
                }
                peak
            }
        };
        block_max = block_max.max(peak);
        peak.store(out);
    }
    block_max.reduce_max()
}

/// Takes `N` stripes into the maxima of the columns; the maxima of their lanes.
///
/// Column by column, because all eight do not fit into the registers of AVX2
/// beside anything else. What the stripes have in a column is put together
/// first, so that four cost 5 maxima a column and not 8.
#[inline(always)]
fn panel_maxima<S: Simd, E: Lanes, const N: usize>(
    simd: S,
    stripes: &[[E; STRIPE]; N],
    columns: &mut [S::F32; COLUMNS],
) -> S::F32 {
    let mut peak = simd.f32_splat(f32::NEG_INFINITY);
    for (i, column) in columns.iter_mut().enumerate() {
        let mut largest = E::load(simd, &stripes[0].as_chunks().0[i]);
        for stripe in &stripes[1..] {
            largest = largest.max(E::load(simd, &stripe.as_chunks().0[i]));
        }
        *column = column.max(largest);
        peak = peak.max(largest);
    }
    peak
}

/// The sum of e^(x - max) over the stripes of one block, in the order that
/// `log_sum_exp` defines. NaN if a score is NaN or +infinity.
#[inline(always)]
pub(super) fn sum_block<S: Simd, E: Lanes>(
    simd: S,
    stripes: &Stripes<'_, E>,
    block: Range<usize>,
    max: f32,
) -> f64 {
    // A finite maximum also where all is -infinity.
    let max = simd.f32_splat(if max == f32::NEG_INFINITY {
        f32::MIN
    } else {
        max
    });
    let mut sums = [simd.f32_splat(0.0); SUMS];
    for index in block {
        let vectors = stripes.get(index).as_chunks::<F32_LANES>().0;
        stripes.prefetch_after(index);
        for vectors in vectors.as_chunks::<SUMS>().0 {
            let vectors = vectors.as_chunks::<TOGETHER>().0;
            for (sums, vectors) in sums.as_chunks_mut::<TOGETHER>().0.iter_mut().zip(vectors) {
                let mut distances = [max; TOGETHER];
                for (distance, lanes) in distances.iter_mut().zip(vectors) {
                    *distance = E::load(simd, lanes) - max;
                }
                for (sum, exp) in sums.iter_mut().zip(exp_nonpositive_f32_of(distances)) {
                    *sum = *sum + exp;
                }
            }
        }
    }
    let mut lanes = [0.0; LANES];
    for (sum, out) in sums.iter().zip(lanes.as_chunks_mut::<F32_LANES>().0) {
        sum.store(out);
    }
    add_lanes(&lanes)
}
