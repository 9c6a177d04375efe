//! The one pass that reads a row of logits from memory: maxima of groups of its
//! tokens, and the log-sum-exp.
//!
//! Where scores go into the maximum of their group they also go into the sum of
//! exponentials, relative to a value that is known beforehand (`log_sum_exp`).

use std::ops::Range;

use super::element::Lanes;
use super::exp::{Exps, LATE};
use super::log_sum_exp::{BLOCK, LANES, RunningSum, SECTION, Sum, add_lanes};
use super::prefetch::Prefetcher;
use super::scan::{Ahead, COLUMNS, STRIPE, Scan, Stripes};
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
    let mut largest = E::load_logits(simd, &vectors[0]);
    for lanes in &vectors[1..] {
        largest = largest.max(E::load_logits(simd, lanes));
    }
    largest.reduce_max()
}

/// Scans a row. `peaks` receives, for each panel of `panel` stripes (1 or 4),
/// the maxima of the tokens in the same lane. `None` if a score is invalid.
///
/// `WIDTH` is the number of columns: all; or none, where the bound comes from elsewhere.
#[inline(always)]
pub(super) fn scan<S: Simd, E: Lanes, const WIDTH: usize>(
    simd: S,
    stripes: &Stripes<'_, E>,
    prefetcher: &mut Prefetcher,
    panel: usize,
    peaks: &mut [[f32; F32_LANES]],
) -> Option<Scan> {
    if panel == PANEL {
        simd.outlined(ScanLogits::<E, PANEL, WIDTH> {
            stripes,
            prefetcher,
            peaks,
        })
    } else {
        simd.outlined(ScanLogits::<E, 1, WIDTH> {
            stripes,
            prefetcher,
            peaks,
        })
    }
}

/// The scan of a row in panels of `SHARED` stripes: a function of its own, because in
/// the one with all kinds of rows its loop gets too few registers.
///
/// The maxima of the columns are of the tokens in the same lane of every eighth panel,
/// where stripes share a peak: all columns do not fit into the registers of AVX2
/// beside anything else, and this takes one maximum a panel.
struct ScanLogits<'a, E, const SHARED: usize, const WIDTH: usize> {
    stripes: &'a Stripes<'a, E>,
    prefetcher: &'a mut Prefetcher,
    peaks: &'a mut [[f32; F32_LANES]],
}

impl<E: Lanes, const SHARED: usize, const WIDTH: usize> Kernel
    for ScanLogits<'_, E, SHARED, WIDTH>
{
    type Output = Option<Scan>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<Scan> {
        let ScanLogits {
            stripes,
            prefetcher,
            peaks,
        } = self;
        // A copy, because what the loop writes might be it for all the compiler knows.
        let local = &mut prefetcher.clone();
        let ahead = Ahead::of_logits::<S, E>(SHARED > 1 && WIDTH > 0);
        let lowest = simd.f32_splat(f32::NEG_INFINITY);
        let (mut columns, mut most) = ([lowest; WIDTH], lowest);
        let mut sum = RunningSum::EMPTY;
        let blocks = (0..stripes.len()).step_by(BLOCK_STRIPES);
        for (start, peaks) in blocks.zip(peaks.chunks_mut(BLOCK_STRIPES / SHARED)) {
            let block = start..stripes.len().min(start + BLOCK_STRIPES);
            let mut sums = Sums::new(simd, reference(simd, stripes.get(start)));
            let mut largest = lowest;
            for (first, out) in block.clone().step_by(SHARED).zip(peaks) {
                let mut peak = lowest;
                match stripes.whole.get(first..first + SHARED) {
                    Some(panel) if SHARED == SECTION_STRIPES => {
                        let vectors = panel.as_flattened().as_chunks().0;
                        peak = sums.add(simd, vectors, ahead, local);
                        sums.end_section(simd);
                    }
                    _ => {
                        for index in first..block.end.min(first + SHARED) {
                            let maxima =
                                sums.add_stripe(simd, stripes, index, index - start, ahead, local);
                            peak = peak.max(maxima);
                        }
                    }
                }
                if WIDTH > 0 && SHARED == 1 {
                    let vectors = stripes.get(first).as_chunks().0;
                    for (column, lanes) in columns.iter_mut().zip(vectors) {
                        *column = column.max(E::load_logits(simd, lanes));
                    }
                } else if let Some(column) = columns.get_mut(first / SHARED % COLUMNS) {
                    *column = column.max(peak);
                }
                largest = largest.max(peak);
                peak.store(out);
            }
            most = most.max(largest);
            let largest = largest.reduce_max();
            sum.add(sums.finish(simd, stripes, block, largest, ahead, *local)?);
        }
        *prefetcher = *local;
        Some(Scan::new(&columns, most, sum.ln()))
    }
}

/// Scans one block. `maxima` receives the largest score of each stripe. `None` if a
/// score is invalid.
#[inline(always)]
pub(super) fn scan_block<S: Simd, E: Lanes>(
    simd: S,
    stripes: &Stripes<'_, E>,
    prefetcher: &mut Prefetcher,
    maxima: &mut [f32],
) -> Option<Sum> {
    let ahead = Ahead::of_logits::<S, E>(false);
    let mut sums = Sums::new(simd, reference(simd, stripes.get(0)));
    let mut largest = simd.f32_splat(f32::NEG_INFINITY);
    for (index, maximum) in maxima.iter_mut().enumerate().take(stripes.len()) {
        let peak = sums.add_stripe(simd, stripes, index, index, ahead, prefetcher);
        largest = largest.max(peak);
        *maximum = peak.reduce_max();
    }
    let largest = largest.reduce_max();
    let block = 0..stripes.len();
    sums.finish(simd, stripes, block, largest, ahead, *prefetcher)
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
        ahead: Ahead,
        prefetcher: &mut Prefetcher,
    ) -> V {
        let vectors = stripes.get(index).as_chunks::<F32_LANES>().0;
        let peak = self.add(simd, vectors, ahead, prefetcher);
        if number % SECTION_STRIPES == SECTION_STRIPES - 1 {
            self.end_section(simd);
        }
        peak
    }

    /// Adds neighbouring vectors, and prefetches as many; the maxima of their lanes.
    #[inline(always)]
    fn add<S: Simd<F32 = V>, E: Lanes>(
        &mut self,
        simd: S,
        vectors: &[[E; F32_LANES]],
        ahead: Ahead,
        prefetcher: &mut Prefetcher,
    ) -> V {
        let mut peak = simd.f32_splat(f32::NEG_INFINITY);
        for (i, lanes) in vectors.iter().enumerate() {
            let scores = E::load_logits(simd, lanes);
            if ahead != Ahead::Nothing {
                prefetcher.prefetch_line(i * size_of_val(lanes));
            }
            peak = peak.max(scores);
            self.section = self.section + self.exps.next(scores - self.reference_lanes);
        }
        if ahead != Ahead::Nothing {
            prefetcher.skip(size_of_val(vectors));
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
        ahead: Ahead,
        mut prefetcher: Prefetcher,
    ) -> Option<Sum> {
        let mut sum = Sum {
            reference: self.reference,
            largest,
            sum: self.total(simd),
        };
        if !sum.in_reach() {
            mark!("a block is summed again, relative to its largest score");
            let mut sums = Sums::new(simd, largest);
            for (number, index) in block.enumerate() {
                sums.add_stripe(simd, stripes, index, number, ahead, &mut prefetcher);
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

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::kernels::scan::prefetcher;
    use crate::marks;
    use crate::reference::log_sum_exp;
    use crate::scores::ScoreKind::Logits;
    use crate::simd::{Dispatch, Level};

    type Peaks = Vec<[f32; F32_LANES]>;

    struct Scanned<'a, E> {
        row: &'a [E],
        panel: usize,
    }

    impl<E: Lanes> Kernel for Scanned<'_, E> {
        type Output = Option<(Scan, Peaks)>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Option<(Scan, Peaks)> {
            let stripes = Stripes::new(self.row, &[], Logits);
            let mut peaks = vec![[0.0; F32_LANES]; stripes.len().div_ceil(self.panel)];
            let prefetcher = &mut prefetcher::<S, E>(true, self.panel > 1, self.row, &[]);
            let found = scan::<S, E, COLUMNS>(simd, &stripes, prefetcher, self.panel, &mut peaks)?;
            Some((found, peaks))
        }
    }

    struct Blocks<'a>(&'a [f32]);

    impl Kernel for Blocks<'_> {
        type Output = f64;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f64 {
            let mut sum = RunningSum::EMPTY;
            for block in self.0.chunks(BLOCK) {
                let stripes = Stripes::new(block, &[], Logits);
                let mut maxima = [0.0; BLOCK_STRIPES];
                let prefetcher = &mut prefetcher::<S, f32>(true, false, block, &[]);
                sum.add(scan_block(simd, &stripes, prefetcher, &mut maxima).unwrap());
            }
            sum.ln()
        }
    }

    fn largest<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
        let values = values.into_iter().copied();
        values.fold(f32::NEG_INFINITY, f32::max)
    }

    /// The normaliser by blocks, and in rows of both kinds of panels.
    fn normalisers(level: Level, row: &[f32]) -> [f64; 3] {
        let dispatch = Dispatch::new(level).unwrap();
        let whole = |panel| dispatch.run(Scanned { row, panel }).unwrap().0.normaliser;
        [dispatch.run(Blocks(row)), whole(1), whole(PANEL)]
    }

    /// The log-sum-exp by its definition, in f64.
    fn exact(row: &[f32]) -> f64 {
        let max = f64::from(largest(row));
        let sum: f64 = row.iter().map(|&x| (f64::from(x) - max).exp()).sum();
        max + sum.ln()
    }

    fn check_normaliser(level: Level, row: &[f32], what: &str) {
        let (exact, largest) = (exact(row), f64::from(largest(row)));
        let reference = log_sum_exp(row);
        for found in normalisers(level, row) {
            assert!(
                (found - exact).abs() < 6e-6,
                "{level} {what}: {found} is not {exact}"
            );
            assert!(
                found >= largest,
                "{level} {what}: {found} is below the largest score"
            );
            assert_eq!(found.to_bits(), reference.to_bits(), "{level} {what}");
        }
    }

    /// One score that counts, over the reach of its block's reference or within it, and
    /// other blocks that add nothing, before it and after it.
    #[test]
    fn the_largest_score_of_any_block_bounds_the_sum() {
        for blocks in [2, 3, 5] {
            for number in 0..blocks {
                for step in 0..24 {
                    let lower = step as f32 * 0.731;
                    let mut row = vec![-60.0; blocks * BLOCK - 1000];
                    let block = &mut row[number * BLOCK..];
                    block[..STRIPE].fill(-1e4);
                    block[3] = -lower;
                    block[700] = 0.0;
                    for level in Level::available() {
                        let what = format!("{number} of {blocks}, {lower} lower");
                        check_normaliser(level, &row, &what);
                    }
                }
            }
        }
    }

    /// Each block higher than the one before, or lower, by less than the reach of a
    /// reference and by more; and within each, the first scores lower than the others.
    #[test]
    fn blocks_that_rise_and_fall() {
        let rows = |level| {
            for slope in [
                0.0f32, 0.5, -0.5, 4.0, -4.0, 15.0, -15.0, 17.0, -17.0, 300.0, -300.0,
            ] {
                for rise in [0.0, 1.5, 16.0, 16.5, 40.0] {
                    for length in [2 * BLOCK, 4 * BLOCK + 300] {
                        let value = |i: usize| {
                            let first = if i % BLOCK < STRIPE { -rise } else { 0.0 };
                            (i / BLOCK) as f32 * slope + first - (i % 37) as f32 * 0.25
                        };
                        let row: Vec<f32> = (0..length).map(value).collect();
                        check_normaliser(level, &row, &format!("{slope} {rise} {length}"));
                    }
                }
            }
        };
        for level in Level::available() {
            marks::expect(
                "a block is summed again, relative to its largest score",
                || rows(level),
            );
        }
    }

    /// The largest block comes first, in the middle or last.
    #[test]
    fn blocks_in_any_order_of_their_heights() {
        for heights in [
            [0.0f32, -20.0, -40.0],
            [0.0, -1.0, -2.0],
            [0.0, -15.9, -0.1],
        ] {
            for order in [
                [0, 1, 2],
                [0, 2, 1],
                [1, 0, 2],
                [1, 2, 0],
                [2, 0, 1],
                [2, 1, 0],
            ] {
                let value = |i: usize| heights[order[i / BLOCK]] - (i % 11) as f32 * 0.5;
                let row: Vec<f32> = (0..3 * BLOCK).map(value).collect();
                // The middle block is impossible.
                let mut without_middle = row.clone();
                without_middle[BLOCK..2 * BLOCK].fill(f32::NEG_INFINITY);
                for level in Level::available() {
                    check_normaliser(level, &row, &format!("{heights:?} {order:?}"));
                    let what = format!("{heights:?} {order:?}, without the middle");
                    check_normaliser(level, &without_middle, &what);
                }
            }
        }
    }

    /// Scores that are all different, and change their order from stripe to stripe.
    fn scattered(length: usize) -> impl Iterator<Item = f32> {
        (0..length as u32).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 20) as f32 / 256.0 - 9.0)
    }

    fn check_scan<E: Lanes>(row: &[E]) {
        let values: Vec<f32> = row.iter().map(|value| value.to_f32()).collect();
        let normaliser = log_sum_exp(&values);
        // The tokens of a lane of a group of stripes.
        let lane_max = |tokens: &[f32], lane: usize| largest(tokens.iter().skip(lane).step_by(16));
        for level in Level::available() {
            for panel in [1, PANEL] {
                let what = format!("{level} {} in {panel}", row.len());
                let found = Dispatch::new(level).unwrap().run(Scanned { row, panel });
                let (scan, peaks) = found.unwrap();
                assert_eq!(scan.normaliser.to_bits(), normaliser.to_bits(), "{what}");
                assert_eq!(scan.max, largest(&values), "{what}");
                assert_eq!(scan.width, COLUMNS, "{what}");
                let expected: Peaks = (values.chunks(panel * STRIPE))
                    .map(|tokens| std::array::from_fn(|lane| lane_max(tokens, lane)))
                    .collect();
                assert_eq!(peaks, expected, "{what}");
                for (column, found) in scan.columns.iter().enumerate() {
                    let expected: [f32; F32_LANES] = std::array::from_fn(|lane| {
                        if panel == 1 {
                            let own = values.iter().skip(column * F32_LANES + lane);
                            largest(own.step_by(STRIPE))
                        } else {
                            let own = expected.iter().skip(column).step_by(COLUMNS);
                            own.map(|peak| peak[lane]).fold(f32::NEG_INFINITY, f32::max)
                        }
                    });
                    assert_eq!(*found, expected, "{what}, column {column}");
                }
            }
        }
    }

    #[test]
    fn peaks_and_columns_of_rows_of_every_shape() {
        let stripes = (1..=20).chain([31, 32, 33, 48, 64, 68]);
        for length in stripes.flat_map(|n| [n * STRIPE - 100, n * STRIPE - 1, n * STRIPE]) {
            let row: Vec<f32> = scattered(length).collect();
            check_scan(&row);
            check_scan(&row.iter().map(|&x| f16::from_f32(x)).collect::<Vec<_>>());
            check_scan(&row.iter().map(|&x| bf16::from_f32(x)).collect::<Vec<_>>());
        }
        check_scan(&[f32::NEG_INFINITY; 300]);
    }

    /// The score may be in any part of a row, also in a block that is summed again.
    #[test]
    fn one_score_that_is_no_number_refuses_a_row() {
        let length = BLOCK + 5 * STRIPE + 40;
        for low_start in [false, true] {
            let mut row: Vec<f32> = scattered(length).collect();
            if low_start {
                row[..STRIPE].fill(-50.0);
                row[BLOCK..BLOCK + STRIPE].fill(-50.0);
            }
            for at in (0..length).step_by(61) {
                for value in [f32::NAN, -f32::NAN, f32::INFINITY] {
                    let mut row = row.clone();
                    row[at] = value;
                    for level in Level::available() {
                        for panel in [1, PANEL] {
                            let found = Dispatch::new(level)
                                .unwrap()
                                .run(Scanned { row: &row, panel });
                            assert!(found.is_none(), "{level} {value} at {at}");
                        }
                    }
                }
            }
        }
    }
}
