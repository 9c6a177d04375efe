//! The one pass that reads a long row from memory: maxima of groups of its tokens,
//! and the check of its values. (Rows of logits: `logits`; of up to some thousand
//! tokens: `quads`.)

use super::element::Lanes;
use super::prefetch::{Cache, Prefetcher};
use crate::scores::ScoreKind;
use crate::simd::{CACHE_LINE, F32_LANES, F32Lanes, Kernel, Ordered, Seen, Simd, prefetch};

/// Vectors in a stripe.
pub(crate) const COLUMNS: usize = 8;
/// Tokens in a stripe, the unit in which rows are scanned.
pub(crate) const STRIPE: usize = COLUMNS * F32_LANES;

/// What the steps of a long row's scan prefetch, beside what the processor does itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ahead {
    Nothing,
    /// Lines so many bytes ahead of the reading, into the first-level cache.
    First(usize),
    /// ... into the second-level cache.
    Second(usize),
}

impl Ahead {
    /// For probabilities and their logarithms. f32 are read as fast as the processor
    /// prefetches: 128,256 of them took 14.2 microseconds, with prefetches 8 KB ahead into
    /// the second-level cache 14.8, 1 KB ahead into the first 17.3 (AVX2; with the portable
    /// vectors 15.5, 19.0 and 18.8). 50,000 of 16 bits took 4.35, 4.14 and 4.11, and with
    /// loads of whole lines 4.21, 3.95 and 4.14. All on Zen 4, two threads.
    pub(crate) const fn of_scan<S: Simd, E>() -> Self {
        if size_of::<E>() == size_of::<f32>() {
            Ahead::Nothing
        } else if S::LOADS_LINES {
            Ahead::Second(8 << 10)
        } else {
            Ahead::First(1 << 10)
        }
    }

    /// For logits, whose loop computes for as long as memory takes. In a loop of its own
    /// (Zen 3, AVX2, one thread) it took 1.95 ns for eight logits 1 KB ahead, 1.87 at 2 KB,
    /// 1.77 at 4 KB and 1.81 at 8 KB; in the kernel 2 to 8 KB do not differ. On Zen 4, two
    /// threads, 50,000 logits took 7.76 microseconds with prefetches and 7.87 without
    /// (AVX2), with loads of whole lines 6.75 and 6.38, of 16 bits 6.65 and 6.88.
    ///
    /// Short rows end where the processor has just begun to prefetch: 256 rows of 1025 took 97
    /// microseconds with prefetches and 146 without, 128 rows of 5000 120 and 135 (a step of a
    /// transducer search from memory, Zen 4, AVX-512, two threads). There 2 and 8 KB ahead took
    /// .98 to 1.15 of the time of 4, into the second level .99 to 1.08, every other line alone
    /// 1.15 to 1.36.
    pub(crate) const fn of_logits<S: Simd, E>(long: bool) -> Self {
        if S::LOADS_LINES && size_of::<E>() == size_of::<f32>() && long {
            Ahead::Nothing
        } else {
            Ahead::First(4 << 10)
        }
    }

    /// The prefetcher of a row, of which a step is a stripe.
    #[inline(always)]
    pub(crate) fn prefetcher<E>(self, row: &[E], next: &[E]) -> Prefetcher {
        let (distance, step, cache) = match self {
            Ahead::Nothing => (size_of_val(row), 0, Cache::Second),
            Ahead::First(distance) => (distance, STRIPE, Cache::First),
            Ahead::Second(distance) => (distance, STRIPE, Cache::Second),
        };
        Prefetcher::at_distance(row, next, distance, step, cache)
    }
}

/// The prefetcher of a row, of which the log-sum-exp is wanted or not.
#[inline(always)]
pub(crate) fn prefetcher<S: Simd, E>(
    normalised: bool,
    long: bool,
    row: &[E],
    next: &[E],
) -> Prefetcher {
    let ahead = match normalised {
        true => Ahead::of_logits::<S, E>(long),
        false => Ahead::of_scan::<S, E>(),
    };
    ahead.prefetcher(row, next)
}

/// A row cut into whole stripes, the last filled up with impossible scores.
pub(crate) struct Stripes<'a, E> {
    pub(crate) whole: &'a [[E; STRIPE]],
    rest: Option<[E; STRIPE]>,
}

impl<'a, E: Lanes> Stripes<'a, E> {
    #[inline(always)]
    pub(crate) fn new(row: &'a [E], next: &'a [E], kind: ScoreKind) -> Self {
        let (whole, rest) = row.as_chunks::<STRIPE>();
        // The end of a row is copied before its scan begins, when nothing has prefetched
        // it. So the end of the next row, if it has this length, is prefetched now.
        if let Some(end) = next.get(row.len() - rest.len()..row.len()) {
            for line in (0..end.len()).step_by(CACHE_LINE / size_of::<E>()) {
                prefetch(end, line);
            }
        }
        let impossible = E::impossible(kind);
        let filled = (!rest.is_empty()).then(|| {
            let mut stripe = [impossible; STRIPE];
            stripe[..rest.len()].copy_from_slice(rest);
            stripe
        });
        Stripes {
            whole,
            rest: filled,
        }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.whole.len() + usize::from(self.rest.is_some())
    }

    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> &[E; STRIPE] {
        match &self.rest {
            Some(rest) if index == self.whole.len() => rest,
            _ => &self.whole[index],
        }
    }
}

/// The maxima of two families of groups, and what the pass found besides.
pub(crate) struct Scan {
    /// Of the tokens in the same lane of the same column in all stripes: good
    /// groups, because sorted rows spread over them.
    pub(crate) columns: [[f32; F32_LANES]; COLUMNS],
    /// How many columns there are; the rest is unused.
    pub(crate) width: usize,
    /// The largest score.
    pub(crate) max: f32,
    /// The log-sum-exp of logits, else 0.
    pub(crate) normaliser: f64,
}

impl Scan {
    /// The largest score is the maximum of `columns` and `largest`.
    #[inline(always)]
    pub(super) fn new<V: F32Lanes, const WIDTH: usize>(
        columns: &[V; WIDTH],
        largest: V,
        normaliser: f64,
    ) -> Self {
        let mut maxima = [[0.0; F32_LANES]; COLUMNS];
        let mut largest = largest;
        for (column, out) in columns.iter().zip(&mut maxima) {
            largest = largest.max(*column);
            column.store(out);
        }
        Scan {
            columns: maxima,
            width: WIDTH,
            max: largest.reduce_max(),
            normaliser,
        }
    }
}

/// Scans a row of probabilities or their logarithms. `peaks` receives, for each
/// panel of `panel` stripes, the maxima of the tokens in the same lane. `None`
/// if a score is invalid.
///
/// `WIDTH` is the number of columns: all; half of them, each of two vectors of a
/// stripe, which fit into the registers of AVX2; or none, where the bound comes from
/// elsewhere.
#[inline(always)]
pub(crate) fn scan<S: Simd, E: Lanes, const WIDTH: usize>(
    simd: S,
    kind: ScoreKind,
    stripes: &Stripes<'_, E>,
    prefetcher: &mut Prefetcher,
    panel: usize,
    peaks: &mut [[f32; F32_LANES]],
) -> Option<Scan> {
    simd.outlined(ScanProbabilities::<E, WIDTH> {
        kind,
        stripes,
        prefetcher,
        panel,
        peaks,
    })
}

/// The scan of a row: a function of its own, because in the one with all kinds of rows
/// its loop gets too few registers.
struct ScanProbabilities<'a, E, const WIDTH: usize> {
    kind: ScoreKind,
    stripes: &'a Stripes<'a, E>,
    prefetcher: &'a mut Prefetcher,
    panel: usize,
    peaks: &'a mut [[f32; F32_LANES]],
}

impl<E: Lanes, const WIDTH: usize> Kernel for ScanProbabilities<'_, E, WIDTH> {
    type Output = Option<Scan>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<Scan> {
        let ScanProbabilities {
            kind,
            stripes,
            prefetcher,
            panel,
            peaks,
        } = self;
        // A copy, because what the loop writes might be it for all the compiler knows.
        let local = &mut prefetcher.clone();
        // NaN is below everything.
        let floor = E::Order::<S>::floor(simd, kind.impossible());
        let lowest = E::Order::<S>::floor(simd, f32::NEG_INFINITY);
        let (mut largest, mut columns) = (lowest, [lowest; WIDTH]);
        let mut seen = E::Order::<S>::unseen(simd);
        for (first, out) in (0..stripes.len()).step_by(panel).zip(peaks) {
            let mut peak = lowest;
            for index in first..stripes.len().min(first + panel) {
                let stripe = stripes.get(index).as_chunks::<F32_LANES>().0;
                if WIDTH == 0 {
                    for lanes in stripe {
                        let lanes = E::order(simd, lanes);
                        seen = lanes.note_below(floor, seen);
                        peak = peak.larger(lanes);
                    }
                }
                for (i, column) in columns.iter_mut().enumerate() {
                    let mut lanes = E::order(simd, &stripe[i]);
                    seen = lanes.note_below(floor, seen);
                    if WIDTH < COLUMNS {
                        let others = E::order(simd, &stripe[i + WIDTH]);
                        seen = others.note_below(floor, seen);
                        lanes = lanes.larger(others);
                    }
                    *column = column.larger(lanes);
                    peak = peak.larger(lanes);
                }
                // Where the bound comes from elsewhere, so does the prefetcher.
                if WIDTH == 0 || Ahead::of_scan::<S, E>() != Ahead::Nothing {
                    local.step();
                }
            }
            if WIDTH == 0 {
                largest = largest.larger(peak);
            }
            peak.write(simd, out);
        }
        const { assert!(WIDTH == COLUMNS || 2 * WIDTH == COLUMNS || WIDTH == 0) };
        *prefetcher = *local;
        let columns = columns.map(|column| column.widen(simd));
        let scan = Scan::new(&columns, largest.widen(simd), 0.0);
        (!seen.any() && kind.accepts(scan.max)).then_some(scan)
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::kernels::top_k::cases::{
        Rounded, largest_lane, limits, patterns, peaks, scores, sparse_patterns,
    };
    use crate::scores::ScoreKind::{LogProbabilities, Logits, Probabilities};
    use crate::simd::{Dispatch, Kernel, Level};

    const HALF: usize = COLUMNS / 2;

    struct OfRow<'a, E> {
        kind: ScoreKind,
        row: &'a [E],
        panel: usize,
        columns: usize,
    }

    impl<E: Lanes> Kernel for OfRow<'_, E> {
        type Output = (Vec<[f32; F32_LANES]>, Option<Scan>);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let OfRow {
                kind,
                row,
                panel,
                columns,
            } = self;
            let stripes = Stripes::new(row, &[], kind);
            let mut peaks = vec![[f32::NAN; F32_LANES]; row.len().div_ceil(panel * STRIPE)];
            let prefetcher =
                &mut prefetcher::<S, E>(kind == ScoreKind::Logits, panel > 1, row, &[]);
            let peaks_out = &mut peaks[..];
            let scan = match columns {
                0 => scan::<S, E, 0>(simd, kind, &stripes, prefetcher, panel, peaks_out),
                HALF => scan::<S, E, HALF>(simd, kind, &stripes, prefetcher, panel, peaks_out),
                _ => scan::<S, E, COLUMNS>(simd, kind, &stripes, prefetcher, panel, peaks_out),
            };
            (peaks, scan)
        }
    }

    fn check<E: Rounded>(kind: ScoreKind, row: &[f32]) {
        let row = &scores::<E>(kind, row)[..];
        let mut columns = [[kind.impossible(); F32_LANES]; COLUMNS];
        for (token, value) in row.iter().enumerate() {
            let lane = &mut columns.as_flattened_mut()[token % STRIPE];
            *lane = lane.max(value.to_f32());
        }
        let largest = largest_lane(&columns);
        let half_of = |column: usize| {
            std::array::from_fn(|lane| columns[column][lane].max(columns[column + 4][lane]))
        };
        let halves: [[f32; F32_LANES]; 4] = std::array::from_fn(half_of);
        let cases = [1, 4].map(|panel| [(panel, 0), (panel, HALF), (panel, COLUMNS)]);
        for (panel, width) in cases.into_iter().flatten() {
            for level in Level::available() {
                let of_row = OfRow {
                    kind,
                    row,
                    panel,
                    columns: width,
                };
                let (found, scan) = Dispatch::new(level).unwrap().run(of_row);
                let (scan, length) = (scan.unwrap(), row.len());
                let case = format!("{level} {kind:?} {length}, {panel} stripes {width}");
                assert_eq!(found, peaks(kind, row, panel * STRIPE), "{case}");
                assert_eq!((scan.max, scan.normaliser), (largest, 0.0), "{case}");
                assert_eq!(scan.width, width, "{case}");
                if width == HALF {
                    assert_eq!(scan.columns[..HALF], halves, "{case}");
                } else {
                    assert_eq!(scan.columns[..width], columns[..width], "{case}");
                }
            }
        }
    }

    struct PrefetchedBy<'a, E> {
        kind: ScoreKind,
        row: &'a [E],
        next: &'a [E],
        panel: usize,
        columns: usize,
    }

    impl<E: Lanes> Kernel for PrefetchedBy<'_, E> {
        type Output = usize;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> usize {
            let (kind, row, next, panel) = (self.kind, self.row, self.next, self.panel);
            let stripes = &Stripes::new(row, next, kind);
            let peaks = &mut vec![[0.0; F32_LANES]; row.len().div_ceil(panel * STRIPE)][..];
            let normalised = kind == ScoreKind::Logits;
            let prefetcher = &mut prefetcher::<S, E>(normalised, panel > 1, row, next);
            let scan = match (kind, self.columns) {
                (ScoreKind::Logits, _) => crate::kernels::logits::scan::<S, E, COLUMNS>(
                    simd, stripes, prefetcher, panel, peaks,
                ),
                (_, HALF) => scan::<S, E, HALF>(simd, kind, stripes, prefetcher, panel, peaks),
                _ => scan::<S, E, COLUMNS>(simd, kind, stripes, prefetcher, panel, peaks),
            };
            assert!(scan.is_some());
            prefetcher.lines_of(next)
        }
    }

    /// Each stripe prefetches as many lines as it has, some KiB ahead, or none: then the
    /// first of the next row is the one to be prefetched.
    #[test]
    fn a_scan_ends_as_far_in_the_next_row_as_its_prefetches_are_ahead() {
        fn check<E: Rounded>() {
            let f32 = size_of::<E>() == size_of::<f32>();
            let distance = |kind, level, panel| match (kind, level) {
                (Logits, Level::Avx512) if f32 && panel > 1 => None,
                (Logits, _) => Some(4096),
                _ if f32 => None,
                (_, Level::Avx512) => Some(8192),
                _ => Some(1024),
            };
            for kind in [Probabilities, LogProbabilities, Logits] {
                for length in [1000, 8192, 8200] {
                    let data = scores::<E>(kind, &vec![0.25; 3 * length]);
                    let row = &data[..length];
                    for next in [&data[length..], &data[2 * length..]] {
                        for (panel, columns) in [(1, HALF), (1, COLUMNS), (4, COLUMNS)] {
                            for level in Level::available() {
                                let lines = Dispatch::new(level).unwrap().run(PrefetchedBy {
                                    kind,
                                    row,
                                    next,
                                    panel,
                                    columns,
                                });
                                let read = length.next_multiple_of(STRIPE) * size_of::<E>();
                                let ahead = distance(kind, level, panel);
                                let expected = ahead.map_or(0, |distance| {
                                    (distance + read - size_of_val(row)) / CACHE_LINE
                                });
                                let case = format!("{level} {kind:?} {length} {panel} {columns}");
                                assert_eq!(lines, expected, "{case}");
                            }
                        }
                    }
                }
            }
        }
        check::<f32>();
        check::<f16>();
    }

    /// Stripes and panels are whole, or the end of the row cuts them short.
    #[test]
    fn every_token_is_in_its_column_and_its_peak() {
        for length in (1..=131).chain((1..=11).flat_map(|n| [n * 128 - 1, n * 128, n * 128 + 1])) {
            let mut rows = patterns(length, 5);
            check::<f32>(Probabilities, &rows.swap_remove(0));
            check::<f32>(LogProbabilities, &rows.swap_remove(1));
            // Only the last token is possible.
            let last = &sparse_patterns(length)[6];
            check::<f16>(LogProbabilities, last);
            check::<bf16>(Probabilities, last);
        }
    }

    #[test]
    fn an_invalid_score_in_any_stripe_is_seen() {
        for length in [1, 16, 127, 128, 129, 511, 513, 1100] {
            for at in [
                0,
                length / 3,
                length / 2,
                (length - 1) / 128 * 128,
                length - 1,
            ] {
                for kind in [Probabilities, LogProbabilities] {
                    for (value, valid) in limits(kind) {
                        let mut row = scores::<f32>(kind, &vec![0.25; length]);
                        row[at] = value;
                        for (panel, columns) in [(1, COLUMNS), (4, HALF), (1, 0), (4, 0)] {
                            for level in Level::available() {
                                let of_row = OfRow {
                                    kind,
                                    row: &row,
                                    panel,
                                    columns,
                                };
                                let (_, scan) = Dispatch::new(level).unwrap().run(of_row);
                                let case = format!("{level} {kind:?} {value} at {at} of {length}");
                                assert_eq!(scan.is_some(), valid, "{case}");
                            }
                        }
                    }
                }
            }
        }
    }
}
