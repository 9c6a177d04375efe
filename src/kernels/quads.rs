//! The one pass that reads a row of up to some thousand probabilities, or their
//! logarithms, from memory: the maxima of groups of four, and the check of all
//! values.
//!
//! ```text
//! for each quad of 64 tokens of the row:
//!     peaks[quad][lane] = max of its four tokens in that lane (of 16)
//! ```
//!
//! A peak tells which quads hold a token that reaches a bound; only those are compared
//! (`collect`). There are so many groups that their maxima put together, a column of
//! every so many quads, give a good bound.

use super::element::Lanes;
use super::prefetch::Prefetcher;
use crate::scores::ScoreKind;
use crate::simd::{AsBits, F32_LANES, F32Lanes, Ordered, Seen, Simd};

/// Tokens in a quad.
pub(crate) const QUAD: usize = 4 * F32_LANES;

/// Columns that peaks may be put together to.
pub(crate) const MOST_COLUMNS: usize = 32;

/// How many steps the scan of a row takes.
#[inline(always)]
pub(crate) fn steps<E>(row: &[E]) -> usize {
    (row.len() / QUAD).div_ceil(2)
}

/// Scans a row: writes its peaks, puts them together to `columns`, and returns
/// the largest score. `None` if a score is invalid.
///
/// Where the level can, probabilities are compared as unsigned integers: of
/// valid ones these have the same order, and all that is no probability is
/// larger than 1, so that the maxima are the check as well. The exception is
/// -0.0, which is one: a row that seems invalid is looked at once more.
#[inline(always)]
pub(crate) fn scan<S: Simd, E: Lanes>(
    simd: S,
    kind: ScoreKind,
    row: &[E],
    prefetcher: &mut Prefetcher,
    peaks: &mut [[f32; F32_LANES]],
    columns: &mut [[f32; F32_LANES]],
) -> Option<f32> {
    if S::UNSIGNED_MAX && kind == ScoreKind::Probabilities {
        let floor = AsBits::floor(simd, 0.0);
        let load = |lanes: &_| AsBits(E::load(simd, lanes));
        write_peaks(simd, load, floor, row, E::ZERO, prefetcher, peaks);
        let largest = fold::<S, true>(simd, peaks, columns);
        let bits = largest.reduce_max_bits();
        if bits <= ScoreKind::MAX_PROBABILITY.to_bits() {
            return Some(f32::from_bits(bits));
        }
        mark!("probabilities that seem invalid as integers");
    }
    // NaN is below everything.
    let floor = E::Order::<S>::floor(simd, kind.impossible());
    let load = |lanes: &_| E::order(simd, lanes);
    let impossible = E::impossible(kind);
    let seen = write_peaks(simd, load, floor, row, impossible, prefetcher, peaks);
    let max = fold::<S, false>(simd, peaks, columns).reduce_max();
    (!seen.any() && kind.accepts(max)).then_some(max)
}

/// Writes the peaks of a row, whose end is filled up with impossible scores; what was seen
/// below the floor.
#[inline(always)]
fn write_peaks<S: Simd, E: Lanes, O: Ordered<S>>(
    simd: S,
    load: impl Fn(&[E; F32_LANES]) -> O,
    floor: O,
    row: &[E],
    impossible: E,
    prefetcher: &mut Prefetcher,
    peaks: &mut [[f32; F32_LANES]],
) -> O::Seen {
    let mut seen = O::unseen(simd);
    let (quads, rest) = row.as_chunks::<QUAD>();
    let (whole, last) = peaks.split_at_mut(quads.len());
    for (i, (quad, out)) in quads.iter().zip(whole).enumerate() {
        let vectors = quad.as_chunks::<F32_LANES>().0;
        let mut peak = load(&vectors[0]);
        seen = peak.note_below(floor, seen);
        for vector in &vectors[1..] {
            let lanes = load(vector);
            seen = lanes.note_below(floor, seen);
            peak = peak.larger(lanes);
        }
        peak.write(simd, out);
        if i % 2 == 0 {
            prefetcher.step();
        }
    }
    if let [out] = last {
        let (vectors, rest) = rest.as_chunks::<F32_LANES>();
        let mut end = [impossible; F32_LANES];
        end[..rest.len()].copy_from_slice(rest);
        let mut peak = floor;
        for vector in vectors.iter().chain([&end]) {
            let lanes = load(vector);
            seen = lanes.note_below(floor, seen);
            peak = peak.larger(lanes);
        }
        peak.write(simd, out);
    }
    seen
}

/// Puts every so many peaks together; the maxima of all of them. There must be
/// a peak for each column.
#[inline(always)]
fn fold<S: Simd, const BITS: bool>(
    simd: S,
    peaks: &[[f32; F32_LANES]],
    columns: &mut [[f32; F32_LANES]],
) -> S::F32 {
    match columns {
        [_] => fold_to::<S, 1, BITS>(simd, peaks, columns),
        [_, _] => fold_to::<S, 2, BITS>(simd, peaks, columns),
        [_, _, _, _] => fold_to::<S, 4, BITS>(simd, peaks, columns),
        [_, _, _, _, _, _, _, _] => fold_to::<S, 8, BITS>(simd, peaks, columns),
        [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] => {
            fold_to::<S, 16, BITS>(simd, peaks, columns)
        }
        _ => fold_to::<S, MOST_COLUMNS, BITS>(simd, peaks, columns),
    }
}

/// As [`fold`], to up to `WIDTH` columns.
#[inline(always)]
fn fold_to<S: Simd, const WIDTH: usize, const BITS: bool>(
    simd: S,
    peaks: &[[f32; F32_LANES]],
    columns: &mut [[f32; F32_LANES]],
) -> S::F32 {
    let (whole, rest) = peaks.as_chunks::<WIDTH>();
    let mut largest = simd.f32_load(&peaks[0]);
    for (i, out) in columns.iter_mut().enumerate() {
        let mut column = simd.f32_load(rest.get(i).unwrap_or(&peaks[i]));
        for peaks in whole {
            column = larger::<_, BITS>(column, simd.f32_load(&peaks[i]));
        }
        column.store(out);
        largest = larger::<_, BITS>(largest, column);
    }
    largest
}

#[inline(always)]
fn larger<V: F32Lanes, const BITS: bool>(a: V, b: V) -> V {
    if BITS { a.max_bits(b) } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::kernels::top_k::cases::{
        Rounded, largest, largest_lane, limits, patterns, peaks, scores, sparse_patterns,
    };
    use crate::marks;
    use crate::random::Random;
    use crate::scores::ScoreKind::{LogProbabilities, Probabilities};
    use crate::simd::{Dispatch, Kernel, Level};

    struct OfRow<'a, E> {
        kind: ScoreKind,
        row: &'a [E],
        columns: usize,
    }

    /// The peaks, the columns and the largest.
    type Scanned = (Vec<[f32; F32_LANES]>, Vec<[f32; F32_LANES]>, Option<f32>);

    impl<E: Lanes> Kernel for OfRow<'_, E> {
        type Output = Scanned;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Scanned {
            let OfRow { kind, row, columns } = self;
            let mut peaks = vec![[f32::NAN; F32_LANES]; row.len().div_ceil(QUAD)];
            let mut columns = vec![[f32::NAN; F32_LANES]; columns];
            let prefetcher = &mut Prefetcher::default();
            let max = scan(simd, kind, row, prefetcher, &mut peaks, &mut columns);
            (peaks, columns, max)
        }
    }

    /// Checks 1, 2, 4, 8, 16 and 32 columns, or as many as there are peaks.
    fn check<E: Rounded>(kind: ScoreKind, row: &[f32]) {
        let row = scores::<E>(kind, row);
        let peaks = peaks(kind, &row, QUAD);
        let largest = largest_lane(&peaks);
        for width in [1, 2, 4, 8, 16, 32] {
            let columns = width.min(peaks.len());
            // A column is the maximum of every `width`-th peak.
            let width = match columns {
                1 | 2 | 4 | 8 | 16 => columns,
                _ => MOST_COLUMNS,
            };
            let of_column = |column: usize| {
                let mut of_column = peaks[column];
                for peak in peaks[column..].iter().step_by(width) {
                    for (lane, &other) in of_column.iter_mut().zip(peak) {
                        *lane = lane.max(other);
                    }
                }
                of_column
            };
            let expected: Vec<_> = (0..columns).map(of_column).collect();
            let row = &row[..];
            for level in Level::available() {
                let of_row = OfRow { kind, row, columns };
                let found = Dispatch::new(level).unwrap().run(of_row);
                let case = format!("{level} {kind:?} {} to {columns}", row.len());
                assert_eq!(found.0, peaks, "{case}");
                assert_eq!(found.1, expected, "{case}");
                assert_eq!(found.2, Some(largest), "{case}");
            }
        }
    }

    /// Rounds of peaks are whole, or the end of the row cuts them short.
    #[test]
    fn peaks_of_every_number_of_quads_are_in_a_column() {
        for quads in (1..=35).chain([63, 64, 65]) {
            for length in [quads * QUAD - 63, quads * QUAD - 47, quads * QUAD] {
                let mut rows = patterns(length, 5);
                check::<f32>(Probabilities, &rows.swap_remove(0));
                check::<f32>(LogProbabilities, &rows.swap_remove(1));
                check::<bf16>(Probabilities, &rows.swap_remove(0));
                // Only the last token is possible.
                check::<f16>(LogProbabilities, &sparse_patterns(length)[6]);
            }
        }
    }

    #[test]
    fn an_invalid_score_in_any_quad_is_seen() {
        fn check<E: Rounded>(kind: ScoreKind, length: usize, at: usize, value: f32, valid: bool) {
            for level in Level::available() {
                for filler in [0.0, 0.25] {
                    let mut row = scores::<E>(kind, &vec![filler; length]);
                    row[at] = E::rounded(value);
                    for columns in [1, 2, 4, 8, 16] {
                        let columns = length.div_ceil(QUAD).min(columns);
                        let row = &row[..];
                        let of_row = OfRow { kind, row, columns };
                        let run = || Dispatch::new(level).unwrap().run(of_row);
                        // The baseline of some processors does not compare integers.
                        let too_large_as_bits = kind == Probabilities
                            && E::rounded(value).to_f32().to_bits() > largest(kind).to_bits()
                            && level > Level::Baseline;
                        let (_, _, max) = if too_large_as_bits {
                            marks::expect("probabilities that seem invalid as integers", run)
                        } else {
                            run()
                        };
                        let case = format!("{level} {kind:?} {value} at {at} of {length}");
                        assert_eq!(max.is_some(), valid, "{case}, {columns} columns");
                    }
                }
            }
        }
        for quads in [1, 2, 3, 9, 16, 17, 33] {
            for length in [quads * QUAD - 1, quads * QUAD, quads * QUAD + 1] {
                for at in [0, length / 2, (length - 1) / QUAD * QUAD, length - 1] {
                    for kind in [Probabilities, LogProbabilities] {
                        for (value, valid) in limits(kind) {
                            check::<f32>(kind, length, at, value, valid);
                        }
                        check::<f16>(kind, length, at, 2.0, false);
                        check::<bf16>(kind, length, at, f32::NAN, false);
                    }
                    check::<f32>(Probabilities, length, at, -0.0, true);
                }
            }
        }
    }

    /// As integers they would look like valid probabilities.
    #[test]
    fn a_row_of_logarithms_of_which_none_is_negative_is_refused() {
        for length in [65, 128, 1000] {
            let mut row = vec![0.0f32; length];
            for (value, valid) in [(0.0, true), (0.5, false), (1.0, false)] {
                row[length / 2] = value;
                for level in Level::available() {
                    let of_row = OfRow {
                        kind: LogProbabilities,
                        row: &row,
                        columns: 1,
                    };
                    let (_, _, max) = Dispatch::new(level).unwrap().run(of_row);
                    assert_eq!(max.is_some(), valid, "{level} {value} of {length}");
                }
            }
        }
    }

    struct MaxBits([[f32; F32_LANES]; 2]);

    impl Kernel for MaxBits {
        type Output = ([f32; F32_LANES], u32);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let mut out = [0.0; F32_LANES];
            let [a, b] = self.0.map(|lanes| simd.f32_load(&lanes));
            let larger = a.max_bits(b);
            larger.store(&mut out);
            (out, larger.reduce_max_bits())
        }
    }

    #[test]
    fn bits_are_compared_as_unsigned_integers() {
        let mut bits = [[0u32; F32_LANES]; 2];
        let mut random = Random::new(1);
        for _ in 0..1000 {
            for lane in bits.iter_mut().flatten() {
                // Often two that differ little, of either sign.
                let mask = [u32::MAX, 0x8000_0003][random.below(2)];
                *lane = random.bits() & mask;
            }
            let expected: Vec<u32> = (0..F32_LANES).map(|i| bits[0][i].max(bits[1][i])).collect();
            for level in Level::available() {
                let vectors = bits.map(|lanes| lanes.map(f32::from_bits));
                let (found, largest) = Dispatch::new(level).unwrap().run(MaxBits(vectors));
                assert_eq!(found.map(f32::to_bits)[..], expected[..], "{level}");
                assert_eq!(Some(&largest), expected.iter().max(), "{level}");
            }
        }
    }
}
