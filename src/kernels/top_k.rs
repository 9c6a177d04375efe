//! Finds the best k tokens of a row, in order, and the log-sum-exp of a row of logits, in
//! one read from memory.
//!
//! # The algorithm
//!
//! ```text
//! for each stripe of 128 tokens of the row:                    (`scan`)
//!     columns[lane] = max(columns[lane], stripe[lane])   for its 128 lanes
//!     peaks[stripe][lane mod 16] = max over the stripe's 8 vectors
//! bound = k-th largest of some of these maxima                 (`bound`)
//! for each stripe with a peak >= bound:                     (`collect`)
//!     survivors += its tokens of value >= bound
//! put the survivors in order, keep k                           (`rank`)
//! ```
//!
//! The maxima are those of disjoint groups of tokens, so at least k tokens
//! reach the bound, and the best k are among the survivors. With many more
//! groups than k there are few more survivors than k.
//!
//! Rows of 65 to 8191 probabilities or log-probabilities are scanned in quads of 64 tokens,
//! unless k is too large for a bound (departure 3). Each lane of a quad's peak is the
//! maximum of four tokens (`quads`). In rows of up to 1024 tokens, and where k is above 64 and
//! most quads hold one of the best, all quads are compared with the bound, not only those whose
//! peak reaches it.
//!
//! # Departures
//!
//! 1. For k up to 64 (in quads 128) the bound comes from the columns, for larger k from the
//!    peaks. Columns are folded together while at least 4 k maxima are left (for k up to 16
//!    the scan itself keeps one column for two vectors of a stripe). In long rows four stripes
//!    share a peak, unless k is large, so that the peaks stay in the cache.
//! 2. Groups can be bad: a row of period 128 puts all its best tokens in a few
//!    columns, and a constant row makes every token a survivor. So the list of
//!    survivors is bounded; when it is full it is cut to the best k, and from
//!    there on only tokens above the k-th are collected. (An equal one comes
//!    later, has a higher id, and loses the tie.)
//! 3. If k is more than a twelfth of the row (in quads an eighth), the bound is found from the
//!    tokens: counts of those that reach some number, until it is k or little more. For nearly
//!    all of a row there is none, and every possible token is a survivor.
//! 4. The survivors of eight rows are sorted together, a row in each lane, by a network
//!    without branches (`network`). A row with more survivors than the lists of its level hold
//!    is sorted on its own, by digits (`sorter`).
//! 5. A row of up to 64 tokens has no maxima and no bound: all its tokens are sorted
//!    (`short`).
//! 6. For k up to 16 the bound is the largest of 16 sampled maxima that at least k of all
//!    maxima reach, found without a branch. For larger k bisection finds it.
//! 7. While a row is read and its survivors are collected, the scores that come after it are
//!    prefetched, so that memory does not idle (`prefetch`).
//!
//! # Cost
//!
//! One read of the row; O(k log^2 k + k V / 128) work besides, at worst O(V)
//! more; O(V / 8 + k) memory.

use super::collect::{collect_all, collect_panels};
use super::element::Lanes;
use super::logits;
pub(crate) use super::plan::Plan;
#[cfg(feature = "unstable")]
pub(crate) use super::plan::UNCACHED_BYTES;
use super::plan::{Compared, RowPath};
use super::prefetch::{Cache, Prefetcher};
use super::quads::{self, MOST_COLUMNS};
pub(crate) use super::rank::ROWS;
use super::rank::{Lists, Survivors};
use super::scan::{self, COLUMNS, Stripes};
pub(crate) use super::short::{REFUSED, Room};
use super::short::{Short, ShortRows};
use crate::error::Error;
use crate::simd::{CacheLines, F32_LANES, Kernel, Simd};

/// Memory that is kept from row to row.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopK {
    plan: Plan,
    peaks: CacheLines<[f32; F32_LANES]>,
    columns: CacheLines<[f32; F32_LANES]>,
    survivors: Survivors,
    /// It points into the row after the last one read.
    prefetcher: Prefetcher,
    lists: Lists,
    short: Short,
}

/// What was found in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// How many tokens: k, or fewer if fewer are possible.
    pub(crate) count: usize,
    /// The log-sum-exp of logits, else 0.
    pub(crate) normaliser: f64,
}

impl TopK {
    /// The bytes that [`TopK::reserve`] allocates.
    pub(crate) fn bytes_needed(plan: &Plan) -> usize {
        ((plan.peaks() + MOST_COLUMNS).saturating_mul(size_of::<[f32; F32_LANES]>()))
            .saturating_add(Survivors::bytes_needed(plan.capacity))
            .saturating_add(Lists::bytes_needed(plan.capacity))
            .saturating_add(size_of::<TopK>())
    }

    /// Makes room for the rows of a plan, which are read from now on.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn reserve(&mut self, plan: Plan) -> Result<(), Error> {
        let what = "the best tokens of a row";
        self.plan = plan;
        self.prefetcher = Prefetcher::default();
        self.peaks.resize(plan.peaks(), what)?;
        self.columns.resize(MOST_COLUMNS, what)?;
        self.survivors.reserve(plan.capacity, what)?;
        self.lists.reserve(plan.capacity, what)
    }

    /// Begins so many rows, up to [`ROWS`], that are read before [`TopK::finish`].
    #[inline(always)]
    pub(crate) fn begin<S: Simd>(&mut self, simd: S, rows: usize) {
        self.lists.begin(simd, rows);
    }

    /// Reads a row that is not short, of the given number among those that were begun. `next` is what will be read after it.
    /// Its best k tokens and their values will be written, best first, to its `tokens`
    /// and `values`: now or, most often, by `finish`.
    ///
    /// `None` if the row holds an invalid score.
    #[inline(always)]
    pub(crate) fn read<S: Simd, E: Lanes>(
        &mut self,
        simd: S,
        number: usize,
        row: &[E],
        next: &[E],
        tokens: &mut [u32],
        values: &mut [f64],
    ) -> Option<Found> {
        debug_assert_eq!(row.len(), self.plan.length);
        debug_assert!(tokens.len() == self.plan.k && values.len() == self.plan.k);
        let (listed, normaliser) = match self.plan.path {
            RowPath::Quads(compared) => {
                let top_k = &mut *self;
                let read = ReadQuads {
                    compared,
                    number,
                    row,
                    next,
                    top_k,
                };
                (simd.outlined(read)?, 0.0)
            }
            RowPath::Stripes { panel, columns } => {
                self.read_stripes(simd, number, row, next, panel, columns)?
            }
            RowPath::Short => unreachable!("short rows are read by `short_rows`"),
        };
        if !listed {
            mark!("more survivors than a list of its row holds");
            self.survivors.sort_into(simd, row, tokens, values);
        }
        Some(Found {
            count: self.survivors.len().min(self.plan.k),
            normaliser,
        })
    }

    /// Reads a row of logits, or a long one: whether its survivors are listed, and
    /// its log-sum-exp.
    #[inline(always)]
    fn read_stripes<S: Simd, E: Lanes>(
        &mut self,
        simd: S,
        number: usize,
        row: &[E],
        next: &[E],
        panel: usize,
        columns: usize,
    ) -> Option<(bool, f64)> {
        // A copy, because what the row's loops write might be it for all the compiler knows.
        let plan = &{ self.plan };
        let kind = plan.kind;
        let stripes = Stripes::new(row, next, kind);
        let prefetcher = &mut scan::prefetcher::<S, E>(plan.normalised, panel > 1, row, next);
        let peaks = &mut self.peaks[..plan.peaks()];
        // Only f32 are read faster by the code of a lower level.
        let streams = plan.streams && size_of::<E>() == size_of::<f32>();
        let scanned = match (columns, streams) {
            _ if plan.normalised => {
                logits::scan::<S, E, COLUMNS>(simd, &stripes, prefetcher, panel, peaks)?
            }
            (COLUMNS, true) => {
                let scan = scan::scan::<S::Streaming, E, COLUMNS>;
                scan(simd.streaming(), kind, &stripes, prefetcher, panel, peaks)?
            }
            (COLUMNS, false) => {
                scan::scan::<S, E, COLUMNS>(simd, kind, &stripes, prefetcher, panel, peaks)?
            }
            (_, true) => {
                let scan = scan::scan::<S::Streaming, E, { COLUMNS / 2 }>;
                scan(simd.streaming(), kind, &stripes, prefetcher, panel, peaks)?
            }
            (_, false) => {
                scan::scan::<S, E, { COLUMNS / 2 }>(simd, kind, &stripes, prefetcher, panel, peaks)?
            }
        };
        let bound = plan.bound_of_stripes(simd, row, &scanned, peaks, prefetcher);
        let survivors = &mut self.survivors;
        survivors.clear();
        if scanned.max >= plan.least {
            collect_panels(simd, row, peaks, bound, plan, prefetcher, survivors);
        }
        let listed = self.lists.add(number, row, survivors, prefetcher);
        self.prefetcher = *prefetcher;
        Some((listed, scanned.normaliser))
    }

    /// Writes what is still to be written for the rows read since the last
    /// time to the `tokens` and `values` of all of them, `k` a row.
    #[inline(always)]
    pub(crate) fn finish<S: Simd>(&mut self, simd: S, tokens: &mut [u32], values: &mut [f64]) {
        let (k, prefetcher) = (self.plan.k, &mut self.prefetcher);
        self.lists.sort_into(simd, k, tokens, values, prefetcher);
    }

    /// For up to [`ROWS`] rows that are short.
    #[inline(always)]
    pub(crate) fn short_rows<S: Simd, const NEGATIVE: bool>(
        &mut self,
        simd: S,
    ) -> ShortRows<'_, S, NEGATIVE> {
        self.short.rows(simd, &self.plan)
    }
}

/// Reads a row in quads; whether its survivors are listed. A function of its own,
/// because in the one with all kinds of rows its loops get too few registers.
struct ReadQuads<'a, E> {
    compared: Compared,
    number: usize,
    row: &'a [E],
    next: &'a [E],
    top_k: &'a mut TopK,
}

impl<E: Lanes> Kernel for ReadQuads<'_, E> {
    type Output = Option<bool>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<bool> {
        let ReadQuads {
            compared,
            number,
            row,
            next,
            top_k,
        } = self;
        let plan = &{ top_k.plan };
        let kind = plan.kind;
        let quads = plan.peaks();
        let peaks = &mut top_k.peaks[..quads];
        let columns = &mut top_k.columns[..plan.columns().min(quads)];
        let survivors = &mut top_k.survivors;
        survivors.clear();

        let prefetcher = &mut if compared == Compared::All {
            Prefetcher::default()
        } else {
            top_k
                .prefetcher
                .in_steps(row, next, quads::steps(row), Cache::of::<S>())
        };
        let max = quads::scan(simd, kind, row, prefetcher, peaks, columns)?;
        if max >= plan.least {
            let bound = plan.bound(simd, row, max, columns, peaks, prefetcher);
            match compared {
                Compared::All => collect_all(simd, row, next, bound, plan, survivors),
                Compared::Quads => {
                    collect_panels(simd, row, peaks, bound, plan, prefetcher, survivors);
                }
            }
        }
        let listed = top_k.lists.add(number, row, survivors, prefetcher);
        top_k.prefetcher = *prefetcher;
        Some(listed)
    }
}

#[cfg(test)]
pub(crate) mod cases;

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::cases::{
        Rounded, in_order, invalid, patterns, random, scores, sparse_patterns, to_kind,
    };
    use super::*;
    use crate::kernels::scan::STRIPE;
    use crate::marks;
    use crate::scores::ScoreKind;
    use crate::scores::ScoreKind::{LogProbabilities, Logits, Probabilities};
    use crate::simd::{Dispatch, Kernel, Level};

    /// Up to eight rows together.
    struct OfRows<'a, E> {
        kind: ScoreKind,
        rows: &'a [&'a [E]],
        tokens: &'a mut [u32],
        values: &'a mut [f64],
    }

    impl<E: Lanes> Kernel for OfRows<'_, E> {
        type Output = Vec<Option<Found>>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Vec<Option<Found>> {
            let (length, k) = (self.rows[0].len(), self.tokens.len() / self.rows.len());
            let mut top_k = TopK::default();
            let plan = Plan::top_k(k, length, self.kind);
            top_k.reserve(plan).unwrap();
            if plan.is_short() {
                return match self.kind {
                    Probabilities => self.run_short::<S, false>(simd, &mut top_k, k),
                    _ => self.run_short::<S, true>(simd, &mut top_k, k),
                };
            }
            let out = self.tokens.chunks_mut(k).zip(self.values.chunks_mut(k));
            top_k.begin(simd, self.rows.len());
            let rows = self.rows.iter().zip(out).enumerate();
            let found = rows.map(|(number, (row, (tokens, values)))| {
                top_k.read(simd, number, row, &[], tokens, values)
            });
            let found = found.collect();
            top_k.finish(simd, self.tokens, self.values);
            found
        }
    }

    impl<E: Lanes> OfRows<'_, E> {
        #[inline(always)]
        fn run_short<S: Simd, const NEGATIVE: bool>(
            self,
            simd: S,
            top_k: &mut TopK,
            k: usize,
        ) -> Vec<Option<Found>> {
            let mut rows = top_k.short_rows::<S, NEGATIVE>(simd);
            let (mut counts, mut normalisers) = (Vec::new(), Vec::new());
            for (number, row) in self.rows.iter().enumerate() {
                normalisers.push(rows.read(number, row));
                counts.push(0);
            }
            let room = Room {
                counts: &mut counts,
                tokens: self.tokens,
                values: self.values,
            };
            rows.finish(k, room);
            let found = counts.into_iter().zip(normalisers);
            let found = found.map(|(count, normaliser)| {
                (count != REFUSED).then_some(Found {
                    count: count as usize,
                    normaliser,
                })
            });
            found.collect()
        }
    }

    /// What is found in a row, with the tokens and their values.
    type Best = (Found, Vec<(u32, f32)>);

    /// That of each row, at a level.
    fn best<E: Lanes>(
        level: Level,
        kind: ScoreKind,
        rows: &[impl AsRef<[E]>],
        k: usize,
    ) -> Vec<Option<Best>> {
        let mut all = Vec::new();
        let rows: Vec<&[E]> = rows.iter().map(AsRef::as_ref).collect();
        for rows in rows.chunks(ROWS) {
            let mut tokens = vec![u32::MAX; rows.len() * k];
            let mut values = vec![f64::NAN; rows.len() * k];
            let found = Dispatch::new(level).unwrap().run(OfRows {
                kind,
                rows,
                tokens: &mut tokens,
                values: &mut values,
            });
            let lists = tokens.chunks(k).zip(values.chunks(k));
            all.extend(
                found
                    .into_iter()
                    .zip(lists)
                    .map(|(found, (tokens, values))| {
                        let list = tokens
                            .iter()
                            .zip(values)
                            .map(|(&token, &value)| (token, value as f32));
                        found.map(|found| (found, list.take(found.count).collect()))
                    }),
            );
        }
        all
    }

    /// The best k by sorting all possible tokens.
    fn naive<E: Lanes>(kind: ScoreKind, row: &[E], k: usize) -> Vec<(u32, f32)> {
        let mut all = in_order(kind, row);
        all.truncate(k);
        all
    }

    /// Checks rows of one length, eight at a time.
    fn check<E: Lanes>(kind: ScoreKind, rows: &[impl AsRef<[E]>], k: usize) {
        let expected: Vec<_> = rows
            .iter()
            .map(|row| naive(kind, row.as_ref(), k))
            .collect();
        for level in Level::available() {
            let found = best(level, kind, rows, k);
            for (number, (found, expected)) in found.into_iter().zip(&expected).enumerate() {
                let (_, found) = found.unwrap();
                let length = rows[0].as_ref().len();
                assert_eq!(
                    found, *expected,
                    "{level} {kind:?} row {number}, length {length}, k {k}"
                );
            }
        }
    }

    #[test]
    fn short_rows_for_every_k() {
        for length in 1..=70 {
            for kind in [Probabilities, LogProbabilities, Logits] {
                let mut rows = patterns(length, length / 3);
                for score in rows.iter_mut().flatten() {
                    *score = to_kind(kind, *score);
                }
                for k in 1..=length {
                    check(kind, &rows, k);
                }
            }
        }
    }

    #[test]
    fn every_length_beyond_all_blocks() {
        for length in 1..=1100 {
            for kind in [Probabilities, LogProbabilities, Logits] {
                let mut rows = patterns(length, 8);
                for score in rows.iter_mut().flatten() {
                    *score = to_kind(kind, *score);
                }
                let k = [1, 2, 8, 17, 64, 65, 100][length % 7].min(length);
                check(kind, &rows, k);
            }
        }
    }

    #[test]
    fn long_rows_and_large_k() {
        for length in [4096, 9000, 20_001] {
            let rows = patterns(length, 64);
            for k in [
                1,
                5,
                64,
                65,
                300,
                length / 13,
                length / 3,
                length - 1,
                length,
            ] {
                check(Probabilities, &rows, k);
            }
        }
    }

    /// All of a row is collected up to 1024 tokens, its quads up to 8191.
    #[test]
    fn rows_in_quads() {
        for length in [1023, 1024, 1025, 1500, 2048, 2111, 5000, 8191, 8192] {
            for kind in [Probabilities, LogProbabilities] {
                let mut rows = patterns(length, 48);
                for score in rows.iter_mut().flatten() {
                    *score = to_kind(kind, *score);
                }
                for k in [1, 3, 8, 16, 17, 48, 64, 65, 200] {
                    check(kind, &rows, k);
                }
            }
        }
    }

    /// As unsigned integers they are larger than all others.
    #[test]
    fn negative_zeros_are_impossible_probabilities() {
        for length in [65, 100, 700, 1024, 3000, 9000] {
            let mut random = random(length as u32);
            let mut row: Vec<f32> = (0..length).map(|_| random()).collect();
            for places in [1, 5, length / 2, length - 9] {
                for place in 0..places {
                    row[(place * 7919 + 3) % length] = -0.0;
                }
                check(Probabilities, &[row.as_slice()], 8);
                check(Probabilities, &[row.as_slice()], 33);
            }
        }
    }

    /// Nor do they hide what is none.
    #[test]
    fn invalid_scores_beside_negative_zeros() {
        for length in [2, 16, 29, 64, 65, 700, 1024, 3000, 9000] {
            for value in [f32::NAN, -f32::NAN, f32::INFINITY, -1e-30, 1.01] {
                let mut row = vec![0.3; length];
                row[0] = -0.0;
                row[length / 2] = value;
                for level in Level::available() {
                    let found = best(level, Probabilities, &[&row], 1);
                    assert_eq!(found, [None], "{level} {value} in {length}");
                }
            }
        }
    }

    #[test]
    fn sixteen_bit_rows() {
        for length in (1..300).chain([1000, 5000, 9001]) {
            for kind in [Probabilities, LogProbabilities, Logits] {
                let k = [1, 3, 16, 64, 70][length % 5].min(length);
                let mut halves: Vec<Vec<f16>> = Vec::new();
                let mut brains: Vec<Vec<bf16>> = Vec::new();
                for row in patterns(length, 16) {
                    let row = row.into_iter().map(|x| to_kind(kind, x));
                    halves.push(row.clone().map(f16::from_f32).collect());
                    brains.push(row.map(bf16::from_f32).collect());
                }
                check(kind, &halves, k);
                check(kind, &brains, k);
            }
        }
    }

    #[test]
    fn rows_at_every_alignment() {
        let mut random = random(7);
        let data: Vec<f32> = (0..700).map(|_| random()).collect();
        for length in [40, 600] {
            for start in 0..64 {
                check(Probabilities, &[&data[start..start + length]], 9);
            }
        }
    }

    /// Wherever an invalid score stands, and whatever else is in the row.
    #[test]
    fn one_invalid_score_refuses_a_row() {
        for length in [1usize, 15, 16, 17, 127, 128, 129, 500, 3000] {
            for kind in [Probabilities, LogProbabilities, Logits] {
                let invalid: &[f32] = match kind {
                    Probabilities => &[f32::NAN, -f32::NAN, f32::INFINITY, -1e-30, 1.01],
                    LogProbabilities => &[f32::NAN, -f32::NAN, f32::INFINITY, 0.01],
                    Logits => &[f32::NAN, -f32::NAN, f32::INFINITY],
                };
                for filler in [0.0, 0.3] {
                    for at in (0..length).step_by(length.div_ceil(40)) {
                        for &value in invalid {
                            let mut row = vec![to_kind(kind, filler); length];
                            row[at] = value;
                            for level in Level::available() {
                                let found = best(level, kind, &[&row], 1);
                                assert_eq!(
                                    found,
                                    [None],
                                    "{level} {kind:?} {value} at {at}/{length}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_fills_up_a_row_adds_nothing_to_its_sum() {
        // 1 and 2^-53 are 1 by a tie, which anything added to the second before
        // would round up: so does 2^-64, and nothing that is smaller.
        const TIE: u32 = 3_256_021_628;
        const FAR: u32 = 3_276_275_712;
        for (what, bits, expected) in [
            (
                "2^-64",
                3_258_020_376,
                crate::kernels::ln::ln(1.0 + f64::EPSILON),
            ),
            ("just below", 3_258_020_377, 0.0),
            ("2^-106", 3_264_410_236, 0.0),
            ("e^-200, taken for 2^-120", FAR, 0.0),
        ] {
            // The tree adds the fourth lane to the second.
            let mut row = [0, TIE, FAR, bits].map(f32::from_bits).to_vec();
            for length in [4, 16, 64, 65, 128, 129, 3000] {
                row.resize(length, f32::NEG_INFINITY);
                let reference = crate::reference::log_sum_exp(&row);
                assert_eq!(reference, expected, "{what} {length}");
                for level in Level::available() {
                    let found = &best(level, Logits, &[&row], 1)[0];
                    let found = found.as_ref().unwrap().0.normaliser;
                    assert_eq!(found, expected, "{level} {what} {length}");
                }
            }
        }
    }

    /// The log-sum-exp has the reference's bits at every level, and the stated
    /// error.
    #[test]
    fn log_sum_exp_of_rows() {
        let mut random = random(3);
        for length in (1..200).chain([2047, 2048, 2049, 5000, 10_000]) {
            for scale in [1e-3, 1.0, 20.0, 300.0, 1e6, 1e37] {
                let mut row: Vec<f32> = (0..length).map(|_| (random() - 0.5) * scale).collect();
                // In some, what a block is relative to is 16 below its largest, or
                // just lower.
                if length > STRIPE && scale == 1e-3 {
                    let lower = 16f32.next_up() - 9.0;
                    assert!(lower + 9.0 > 16.0);
                    for (number, block) in row.chunks_mut(2048).enumerate() {
                        let first = STRIPE.min(block.len() / 2);
                        block[..first].fill(-9.0);
                        *block.last_mut().unwrap() = [7.0, lower][number % 2];
                    }
                }
                let expected = crate::reference::log_sum_exp(&row);
                let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let exact: f64 = row
                    .iter()
                    .map(|&x| (f64::from(x) - f64::from(max)).exp())
                    .sum();
                let exact = f64::from(max) + exact.ln();
                assert!(
                    (expected - exact).abs() <= 6e-6 + exact.abs() * 1e-15,
                    "{length} {scale}"
                );
                for level in Level::available() {
                    let found = &best(level, Logits, &[&row], 1)[0];
                    let found = found.as_ref().unwrap().0.normaliser;
                    assert_eq!(
                        found.to_bits(),
                        expected.to_bits(),
                        "{level} {length} {scale}"
                    );
                }
            }
        }
    }

    /// Checks rows of all patterns, for some k, at every level.
    fn check_patterns<E: Rounded>(kind: ScoreKind, length: usize, ks: &[usize]) {
        for level in Level::available() {
            check_patterns_at::<E>(level, kind, length, ks);
        }
    }

    fn check_patterns_at<E: Rounded>(level: Level, kind: ScoreKind, length: usize, ks: &[usize]) {
        let rows = patterns(length, ks[0]).into_iter();
        let rows: Vec<Vec<E>> = rows
            .chain(sparse_patterns(length))
            .map(|row| scores(kind, &row))
            .collect();
        let orders: Vec<_> = rows.iter().map(|row| in_order(kind, row)).collect();
        for &k in ks.iter().filter(|&&k| k <= length) {
            let found = best(level, kind, &rows, k);
            for (number, (found, order)) in found.into_iter().zip(&orders).enumerate() {
                let (found, list) = found.unwrap();
                let case = format!("{level} {kind:?} row {number} of {length}, k {k}");
                assert_eq!(list, order[..k.min(order.len())], "{case}");
                assert_eq!(found.count, list.len(), "{case}");
            }
        }
    }

    /// On both sides of where another way is taken: see `plan`.
    #[test]
    fn rows_and_k_on_both_sides_of_every_limit() {
        let ks = [16, 1, 15, 17, 64, 65];
        for length in [65, 1024, 1025, 8191, 8192] {
            check_patterns::<f32>(Probabilities, length, &ks);
        }
        check_patterns::<f32>(LogProbabilities, 8193, &ks);
        check_patterns::<f32>(Logits, 8192, &[17]);
        for length in [779, 780, 8191] {
            let ks = [length / 12, length / 12 + 1];
            check_patterns::<f32>(Probabilities, length, &ks);
        }
        for length in [8192, 10_000] {
            let ks = [length / 50, length / 50 + 1, length / 12, length / 12 + 1];
            check_patterns::<f16>(LogProbabilities, length, &ks);
        }
    }

    /// Some rows have one possible lane, whose tokens fill the list of survivors again
    /// and again.
    #[test]
    fn rows_that_fill_the_list_give_no_token_twice() {
        for level in Level::available() {
            for k in [16, 2, 12] {
                marks::expect("quads fill the list", || {
                    check_patterns_at::<f32>(level, Probabilities, 8191, &[k]);
                });
            }
            for k in [17, 48] {
                marks::expect("quads fill the list", || {
                    check_patterns_at::<bf16>(level, LogProbabilities, 8190, &[k]);
                });
            }
            marks::expect("quads fill the list", || {
                check_patterns_at::<f16>(level, Probabilities, 1024, &[16]);
            });
            marks::expect("quads fill the list", || {
                check_patterns_at::<f32>(level, LogProbabilities, 9000, &[9]);
            });
        }
    }

    #[test]
    fn every_k_of_rows_in_quads() {
        let ks: Vec<usize> = (1..=66).collect();
        check_patterns::<f32>(Probabilities, 1111, &ks);
        check_patterns::<f16>(LogProbabilities, 1089, &ks[..24]);
    }

    /// Rounds of up to eight rows, of one kind and length, and what is found in them
    /// with the memory of the rounds before.
    struct Rounds<'a, E> {
        rounds: &'a [(ScoreKind, usize, Vec<Vec<E>>)],
    }

    impl<E: Lanes> Kernel for Rounds<'_, E> {
        type Output = Vec<Option<Vec<(u32, f32)>>>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let mut top_k = TopK::default();
            let mut all = Vec::new();
            for (round, (kind, k, rows)) in self.rounds.iter().enumerate() {
                let (k, length) = (*k, rows[0].len());
                top_k.reserve(Plan::top_k(k, length, *kind)).unwrap();
                // Every third time there is no room for lists.
                let listed = if round % 3 == 2 { 0 } else { rows.len() };
                top_k.begin(simd, listed);
                // One after the other in memory.
                let data = rows.concat();
                let size = rows.len() * k;
                let (mut tokens, mut values) = (vec![7; size], vec![7.0; size]);
                let out = tokens.chunks_mut(k).zip(values.chunks_mut(k));
                let mut counts = Vec::new();
                for (number, (tokens, values)) in out.enumerate() {
                    let (row, next) = data[number * length..].split_at(length);
                    let found = top_k.read(simd, number, row, next, tokens, values);
                    counts.push(found.map(|found| found.count));
                }
                top_k.finish(simd, &mut tokens, &mut values);
                let lists = tokens.chunks(k).zip(values.chunks(k));
                for (count, (tokens, values)) in counts.into_iter().zip(lists) {
                    let values = values.iter().map(|&value| value as f32);
                    let pairs = tokens.iter().copied().zip(values);
                    all.push(count.map(|count| pairs.take(count).collect()));
                }
            }
            all
        }
    }

    /// Rows are refused, impossible, or have few or many survivors, side by side and
    /// again with the same memory.
    #[test]
    fn rows_leave_nothing_to_others() {
        fn rounds<E: Rounded>() -> Vec<(ScoreKind, usize, Vec<Vec<E>>)> {
            let mut rounds = Vec::new();
            let mut of = |kind, length, k: usize, first: usize, count: usize| {
                let rows = sparse_patterns(length).into_iter();
                let rows = rows.chain(patterns(length, k));
                let rows: Vec<Vec<E>> = rows.map(|row| scores(kind, &row)).collect();
                let rows = rows.iter().cycle().skip(first).take(count).enumerate();
                let rows = rows.map(|(number, row)| {
                    let mut row = row.clone();
                    if (number + first) % 5 == 3 {
                        row[(number * 1000 + 7) % length] = E::rounded(f32::INFINITY);
                    }
                    row
                });
                rounds.push((kind, k, rows.collect()));
            };
            for (first, count) in [(0, 8), (6, 8), (3, 1), (12, 7), (5, 3)] {
                of(Probabilities, 65, 30, first, count);
                of(LogProbabilities, 1500, 9, first, count);
                of(Probabilities, 2000, 16, first, count);
                of(Probabilities, 1000, 100, first, count);
                of(Logits, 300, 20, first, count);
                of(Probabilities, 2000, 40, first, count);
                of(LogProbabilities, 8300, 3, first, count);
            }
            rounds
        }
        fn check<E: Rounded>() {
            let rounds = rounds::<E>();
            let rows = rounds.iter();
            let rows = rows.flat_map(|(kind, k, rows)| rows.iter().map(|row| (*kind, *k, row)));
            let expected: Vec<_> = rows
                .map(|(kind, k, row)| {
                    let valid = row.iter().all(|score| kind.accepts(score.to_f32()));
                    valid.then(|| naive(kind, row, k))
                })
                .collect();
            for level in Level::available() {
                let rounds = Rounds { rounds: &rounds };
                let run = || Dispatch::new(level).unwrap().run(rounds);
                let found = marks::expect("more survivors than a list of its row holds", run);
                assert_eq!(found.len(), expected.len());
                for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    assert_eq!(found, expected, "{level} row {number}");
                }
            }
        }
        check::<f32>();
    }

    /// In the last quad, stripe and panel, whatever serves for the bound.
    #[test]
    fn an_invalid_score_refuses_a_row_for_every_k() {
        for length in [65, 1024, 1088, 1089, 8191, 8193] {
            for kind in [Probabilities, LogProbabilities, Logits] {
                let mut row = vec![to_kind(kind, 0.25); length];
                for &value in invalid(kind) {
                    for at in [0, length / 64 * 64 - 1, length - 1] {
                        let before = std::mem::replace(&mut row[at], value);
                        for k in [1, 9, 17, 65] {
                            for level in Level::available() {
                                let found = best(level, kind, &[&row], k);
                                let case = format!("{level} {kind:?} {value} at {at}/{length}");
                                assert_eq!(found, [None], "{case}");
                            }
                        }
                        row[at] = before;
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_reserved_is_what_was_said() {
        for (kind, length, k) in [
            (Probabilities, 65, 1),
            (LogProbabilities, 8191, 64),
            (Logits, 5000, 3),
            (Probabilities, 9000, 200),
            (Probabilities, 9000, 9000),
        ] {
            let mut top_k = TopK::default();
            let plan = Plan::top_k(k, length, kind);
            top_k.reserve(plan).unwrap();
            assert_eq!(top_k.peaks.len(), plan.peaks());
            let capacity = plan.capacity;
            // The tokens that survive, their keys twice; lists of eight rows.
            let expected = (top_k.peaks.len() + 32) * 64
                + capacity * (4 + 8 + 8)
                + capacity.min(4096).next_multiple_of(8) * 8 * 8
                + size_of::<TopK>();
            assert_eq!(TopK::bytes_needed(&plan), expected);
        }
    }
}
