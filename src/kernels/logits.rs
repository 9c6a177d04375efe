//! The one pass that reads a row of logits from memory: maxima of groups of its
//! tokens, and the log-sum-exp.
//!
//! It goes block by block: first the maxima, and with them the largest logit of
//! the block, then the exponentials relative to that, which read the block from
//! the cache. In long rows the two are one loop, the exponentials of a block
//! beside the maxima of the next: each leaves room for the other, as one waits
//! for arithmetic and the other for memory.

use std::ops::Range;

use super::element::Lanes;
use super::exp::{HalfExps, exp_nonpositive_f32_of};
use super::log_sum_exp::{BLOCK, LANES, RunningSum, add_lanes};
use super::scan::{COLUMNS, STRIPE, Scan, Stripes};
use crate::simd::{F32_LANES, F32Lanes, Kernel, Simd};

/// Stripes in a block of the log-sum-exp.
const BLOCK_STRIPES: usize = BLOCK / STRIPE;
/// Vectors that hold the running sums of a block, and whose exponentials are taken
/// together. The sums are four registers of AVX2, which leaves enough of them.
const SUMS: usize = LANES / F32_LANES;
/// Stripes that share a peak in long rows.
const PANEL: usize = 4;
/// Vectors whose exponentials are taken beside the maxima of one column of the next
/// panel: a panel has so many for each of its columns.
const PER_COLUMN: usize = PANEL;

/// Scans a row. `peaks` receives, for each panel of `panel` stripes (1 or 4),
/// the maxima of the tokens in the same lane. `None` if a score is invalid.
#[inline(always)]
pub(super) fn scan<S: Simd, E: Lanes>(
    simd: S,
    stripes: &Stripes<'_, E>,
    panel: usize,
    peaks: &mut [[f32; F32_LANES]],
) -> Option<Scan> {
    if panel == PANEL && S::F32_REGISTERS <= 2 {
        simd.apart(ScanRow::<E, true> {
            stripes,
            panel,
            peaks,
        })
    } else {
        let row = ScanRow::<E, false> {
            stripes,
            panel,
            peaks,
        };
        row.run(simd)
    }
}

/// The scan of a row. The exponentials of a block are taken `BESIDE` the maxima
/// of the next, or after its own.
///
/// Beside was 9 % faster on AVX2 in long rows; it takes registers, of which the
/// baseline has too few (17 % slower), and a function of its own, which short
/// rows do not earn back. AVX-512 does as AVX2, unmeasured.
struct ScanRow<'a, E, const BESIDE: bool> {
    stripes: &'a Stripes<'a, E>,
    panel: usize,
    peaks: &'a mut [[f32; F32_LANES]],
}

impl<E: Lanes, const BESIDE: bool> Kernel for ScanRow<'_, E, BESIDE> {
    type Output = Option<Scan>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<Scan> {
        let ScanRow {
            stripes,
            panel,
            peaks,
        } = self;
        let mut columns = [simd.f32_splat(f32::NEG_INFINITY); COLUMNS];
        let mut sum = RunningSum::EMPTY;
        let (whole, _) = stripes.whole.as_chunks::<BLOCK_STRIPES>();
        let mut peaks = peaks.chunks_mut(BLOCK_STRIPES / panel);
        // The largest logit of a block, if its maxima have been taken.
        let mut known = None;
        for (number, start) in (0..stripes.len()).step_by(BLOCK_STRIPES).enumerate() {
            let block = start..stripes.len().min(start + BLOCK_STRIPES);
            let max = match known.take() {
                Some(max) => max,
                None => {
                    let (block, peaks) = (block.clone(), peaks.next().unwrap_or_default());
                    block_maxima(simd, stripes, block, panel, &mut columns, peaks)
                }
            };
            let block_sum = match whole.get(number..) {
                Some([block, next, ..]) if BESIDE => {
                    let peaks = peaks.next().unwrap_or_default();
                    let blocks = Neighbours { start, block, next };
                    let (sum, next_max) =
                        blocks.sum_and_maxima(simd, stripes, max, &mut columns, peaks);
                    known = Some(next_max);
                    sum
                }
                _ => sum_block(simd, stripes, block, max),
            };
            // A NaN anywhere makes the sum NaN, and so does +infinity.
            if block_sum.is_nan() {
                return None;
            }
            sum.add(max, block_sum);
        }
        Some(Scan::new(&columns, sum.ln()))
    }
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
            Some(four) => panel_maxima::<S, E, PANEL>(simd, four, columns),
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
/// beside anything else.
#[inline(always)]
fn panel_maxima<S: Simd, E: Lanes, const N: usize>(
    simd: S,
    stripes: &[[E; STRIPE]; N],
    columns: &mut [S::F32; COLUMNS],
) -> S::F32 {
    let mut peak = simd.f32_splat(f32::NEG_INFINITY);
    for (i, column) in columns.iter_mut().enumerate() {
        let largest = column_maximum(simd, stripes, i);
        *column = column.max(largest);
        peak = peak.max(largest);
    }
    peak
}

/// The maxima of the lanes of column `i`.
///
/// What the stripes have in a column is put together first, so that four cost 5
/// maxima a column and not 8.
#[inline(always)]
fn column_maximum<S: Simd, E: Lanes, const N: usize>(
    simd: S,
    stripes: &[[E; STRIPE]; N],
    i: usize,
) -> S::F32 {
    let mut largest = E::load(simd, &stripes[0].as_chunks().0[i]);
    for stripe in &stripes[1..] {
        largest = largest.max(E::load(simd, &stripe.as_chunks().0[i]));
    }
    largest
}

/// A block of a row and the one after it, both whole.
struct Neighbours<'a, E> {
    /// The first stripe of the block.
    start: usize,
    block: &'a [[E; STRIPE]; BLOCK_STRIPES],
    next: &'a [[E; STRIPE]; BLOCK_STRIPES],
}

impl<E: Lanes> Neighbours<'_, E> {
    /// The [`sum_block`] of the block, and the [`block_maxima`] of the next, in
    /// panels of [`PANEL`] stripes.
    ///
    /// The exponentials of two vectors are finished while those of the next two
    /// are started.
    #[inline(always)]
    fn sum_and_maxima<S: Simd>(
        &self,
        simd: S,
        stripes: &Stripes<'_, E>,
        max: f32,
        columns: &mut [S::F32; COLUMNS],
        peaks: &mut [[f32; F32_LANES]],
    ) -> (f64, f32) {
        let max = finite(simd, max);
        let mut sums = [simd.f32_splat(0.0); SUMS];
        let mut half = HalfExps::<_, SUMS>::of_nothing(max);
        let mut next_max = simd.f32_splat(f32::NEG_INFINITY);
        let panels = self.block.as_chunks::<PANEL>().0.iter();
        let panels = panels.zip(self.next.as_chunks::<PANEL>().0);
        for (number, ((panel, next), out)) in panels.zip(peaks).enumerate() {
            let mut peak = simd.f32_splat(f32::NEG_INFINITY);
            let vectors = panel.as_flattened().as_chunks::<F32_LANES>().0;
            for (i, vectors) in vectors.as_chunks::<PER_COLUMN>().0.iter().enumerate() {
                if i % 2 == 0 {
                    stripes.prefetch_after(self.start + number * PANEL + i / 2);
                }
                for vectors in vectors.as_chunks::<SUMS>().0 {
                    let exps = half.finish();
                    half = HalfExps::start(distances(simd, vectors, max));
                    add(&mut sums, exps);
                }
                // And one column of the next panel.
                let largest = column_maximum(simd, next, i);
                columns[i] = columns[i].max(largest);
                peak = peak.max(largest);
            }
            next_max = next_max.max(peak);
            peak.store(out);
        }
        add(&mut sums, half.finish());
        (add_sums(sums), next_max.reduce_max())
    }
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
    let max = finite(simd, max);
    let mut sums = [simd.f32_splat(0.0); SUMS];
    for index in block {
        let vectors = stripes.get(index).as_chunks::<F32_LANES>().0;
        stripes.prefetch_after(index);
        for vectors in vectors.as_chunks::<SUMS>().0 {
            let exps = exp_nonpositive_f32_of(distances(simd, vectors, max));
            add(&mut sums, exps);
        }
    }
    add_sums(sums)
}

/// A block's maximum in all lanes; a finite one also where all is -infinity.
#[inline(always)]
fn finite<S: Simd>(simd: S, max: f32) -> S::F32 {
    simd.f32_splat(if max == f32::NEG_INFINITY {
        f32::MIN
    } else {
        max
    })
}

/// How far the logits of a few vectors are from the maximum.
#[inline(always)]
fn distances<S: Simd, E: Lanes>(
    simd: S,
    vectors: &[[E; F32_LANES]; SUMS],
    max: S::F32,
) -> [S::F32; SUMS] {
    let mut distances = [max; SUMS];
    for (distance, lanes) in distances.iter_mut().zip(vectors) {
        *distance = E::load(simd, lanes) - max;
    }
    distances
}

/// Adds the exponentials of two vectors to the running sums.
#[inline(always)]
fn add<V: F32Lanes>(sums: &mut [V; SUMS], exps: [V; SUMS]) {
    for (sum, exp) in sums.iter_mut().zip(exps) {
        *sum = *sum + exp;
    }
}

/// The sums of a block put together.
#[inline(always)]
fn add_sums<V: F32Lanes>(sums: [V; SUMS]) -> f64 {
    let mut lanes = [0.0; LANES];
    for (sum, out) in sums.iter().zip(lanes.as_chunks_mut::<F32_LANES>().0) {
        sum.store(out);
    }
    add_lanes(&lanes)
}
