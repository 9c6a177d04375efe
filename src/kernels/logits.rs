//! The one pass that reads a row of logits from memory: maxima of groups of its
//! tokens, and the log-sum-exp.
//!
//! Where scores go into the maximum of their group they also go into the sum of
//! exponentials, relative to a value that is known beforehand (`log_sum_exp`).

use std::ops::Range;

use super::element::Lanes;
use super::exp::{Exps, LATE};
use super::log_sum_exp::{BLOCK, LANES, RunningSum, SECTION, Sum, add_lanes};
use super::scan::{AheadOf, COLUMNS, STRIPE, Scan, Stripes};
use crate::simd::{F32_LANES, F32Lanes, Kernel, Simd};

/// Stripes in a block of the log-sum-exp.
const BLOCK_STRIPES: usize = BLOCK / STRIPE;
/// Stripes in a section of it.
const SECTION_STRIPES: usize = SECTION / STRIPE;
/// Stripes that share a peak in long rows.
const PANEL: usize = 4;

/// What the sum of a block is relative to, from its first stripe: its largest score.
#[inline(always)]
fn reference<S: Simd, E: Lanes>(simd: S, stripe: &[E; STRIPE]) -> f32 {
    let vectors = stripe.as_chunks::<F32_LANES>().0;
    let mut largest = E::load(simd, &vectors[0]);
    for lanes in &vectors[1..] {
        largest = largest.max(E::load(simd, lanes));
    }
    largest.reduce_max()
}

/// Scans a row. `peaks` receives, for each panel of `panel` stripes (1 or 4),
/// the maxima of the tokens in the same lane. `None` if a score is invalid.
#[inline(always)]
pub(super) fn scan<S: Simd, E: Lanes>(
    simd: S,
    stripes: &Stripes<'_, E>,
    panel: usize,
    peaks: &mut [[f32; F32_LANES]],
) -> Option<Scan> {
    if panel == PANEL {
        simd.apart(ScanRow::<E, PANEL> { stripes, peaks })
    } else {
        simd.apart(ScanRow::<E, 1> { stripes, peaks })
    }
}

/// The scan of a row in panels of `WIDTH` stripes: a function of its own, because in
/// the one with all kinds of rows its loop gets too few registers.
///
/// The maxima of the columns are of the tokens in the same lane of every eighth panel,
/// where stripes share a peak: all columns do not fit into the registers of AVX2
/// beside anything else, and this takes one maximum a panel.
struct ScanRow<'a, E, const WIDTH: usize> {
    stripes: &'a Stripes<'a, E>,
    peaks: &'a mut [[f32; F32_LANES]],
}

impl<E: Lanes, const WIDTH: usize> Kernel for ScanRow<'_, E, WIDTH> {
    type Output = Option<Scan>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<Scan> {
        let ScanRow { stripes, peaks } = self;
        let lowest = simd.f32_splat(f32::NEG_INFINITY);
        let mut columns = [lowest; COLUMNS];
        let mut sum = RunningSum::EMPTY;
        let blocks = (0..stripes.len()).step_by(BLOCK_STRIPES);
        for (start, peaks) in blocks.zip(peaks.chunks_mut(BLOCK_STRIPES / WIDTH)) {
            let block = start..stripes.len().min(start + BLOCK_STRIPES);
            let mut sums = Sums::new(simd, reference(simd, stripes.get(start)));
            let mut largest = lowest;
            for (first, out) in block.clone().step_by(WIDTH).zip(peaks) {
                let mut peak = lowest;
                match stripes.whole.get(first..first + WIDTH) {
                    Some(panel) if WIDTH == SECTION_STRIPES => {
                        let vectors = panel.as_flattened().as_chunks().0;
                        peak = sums.add(simd, vectors, stripes.ahead_of(first));
                        sums.end_section(simd);
                    }
                    _ => {
                        for index in first..block.end.min(first + WIDTH) {
                            let maxima = sums.add_stripe(simd, stripes, index, index - start);
                            peak = peak.max(maxima);
                        }
                    }
                }
                if WIDTH == 1 {
                    let vectors = stripes.get(first).as_chunks().0;
                    for (column, lanes) in columns.iter_mut().zip(vectors) {
                        *column = column.max(E::load(simd, lanes));
                    }
                } else {
                    let column = &mut columns[first / WIDTH % COLUMNS];
                    *column = column.max(peak);
                }
                largest = largest.max(peak);
                peak.store(out);
            }
            sum.add(sums.finish(simd, stripes, block, largest.reduce_max())?);
        }
        Some(Scan::new(&columns, sum.ln()))
    }
}

/// Scans one block. `maxima` receives the largest score of each stripe. `None` if a
/// score is invalid.
#[inline(always)]
pub(super) fn scan_block<S: Simd, E: Lanes>(
    simd: S,
    stripes: &Stripes<'_, E>,
    maxima: &mut [f32],
) -> Option<Sum> {
    let mut sums = Sums::new(simd, reference(simd, stripes.get(0)));
    let mut largest = simd.f32_splat(f32::NEG_INFINITY);
    for (index, maximum) in maxima.iter_mut().enumerate().take(stripes.len()) {
        let peak = sums.add_stripe(simd, stripes, index, index);
        largest = largest.max(peak);
        *maximum = peak.reduce_max();
    }
    sums.finish(simd, stripes, 0..stripes.len(), largest.reduce_max())
}

/// The running sums of a block.
struct Sums<V> {
    reference: f32,
    /// In all lanes, and finite.
    reference_lanes: V,
    exps: Exps<V>,
    section: V,
    sections: V,
}

impl<V: F32Lanes> Sums<V> {
    #[inline(always)]
    fn new<S: Simd<F32 = V>>(simd: S, reference: f32) -> Self {
        let reference_lanes = simd.f32_splat(reference.max(f32::MIN));
        Sums {
            reference,
            reference_lanes,
            exps: Exps::new(reference_lanes),
            // What the first calls of `next` return makes up for it.
            section: simd.f32_splat(-1.0),
            sections: simd.f32_splat(0.0),
        }
    }

    /// Adds stripe `index` of a row, which is number `number` of the block; the maxima
    /// of its lanes.
    #[inline(always)]
    fn add_stripe<S: Simd<F32 = V>, E: Lanes>(
        &mut self,
        simd: S,
        stripes: &Stripes<'_, E>,
        index: usize,
        number: usize,
    ) -> V {
        let vectors = stripes.get(index).as_chunks::<F32_LANES>().0;
        let peak = self.add(simd, vectors, stripes.ahead_of(index));
        if number % SECTION_STRIPES == SECTION_STRIPES - 1 {
            self.end_section(simd);
        }
        peak
    }

    /// Adds neighbouring vectors; the maxima of their lanes. `ahead` is what lies
    /// some way behind them.
    #[inline(always)]
    fn add<S: Simd<F32 = V>, E: Lanes>(
        &mut self,
        simd: S,
        vectors: &[[E; F32_LANES]],
        ahead: AheadOf<'_, E>,
    ) -> V {
        let mut peak = simd.f32_splat(f32::NEG_INFINITY);
        for (i, lanes) in vectors.iter().enumerate() {
            let scores = E::load(simd, lanes);
            ahead.prefetch(i * F32_LANES);
            peak = peak.max(scores);
            self.section = self.section + self.exps.next(scores - self.reference_lanes);
        }
        peak
    }

    #[inline(always)]
    fn end_section<S: Simd<F32 = V>>(&mut self, simd: S) {
        self.sections = self.sections + self.section;
        self.section = simd.f32_splat(0.0);
    }

    /// The sum of the block, of which these are the stripes and `largest` the
    /// largest score. `None` if a score is NaN or +infinity.
    #[inline(always)]
    fn finish<S: Simd<F32 = V>, E: Lanes>(
        mut self,
        simd: S,
        stripes: &Stripes<'_, E>,
        block: Range<usize>,
        largest: f32,
    ) -> Option<Sum> {
        let mut sum = Sum {
            reference: self.reference,
            largest,
            sum: self.total(simd),
        };
        if !sum.in_reach() {
            let mut sums = Sums::new(simd, largest);
            for (number, index) in block.enumerate() {
                sums.add_stripe(simd, stripes, index, number);
            }
            sum.reference = largest;
            sum.sum = sums.total(simd);
        }
        // A NaN anywhere makes the sum NaN, and so does +infinity.
        (!sum.sum.is_nan()).then_some(sum)
    }

    #[inline(always)]
    fn total<S: Simd<F32 = V>>(&mut self, simd: S) -> f64 {
        for _ in 0..LATE {
            self.section = self.section + self.exps.next(self.reference_lanes);
        }
        self.end_section(simd);
        let mut lanes = [0.0; LANES];
        self.sections.store(&mut lanes);
        add_lanes(&lanes)
    }
}
