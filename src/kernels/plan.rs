//! Chooses how the top k of a row are found; nothing else does. A plan is made once a batch,
//! for all its rows. `top_k` explains the paths. Threshold scans always use stripes.
//!
//! | rows                                   | path                                       |
//! |----------------------------------------|--------------------------------------------|
//! | up to 64 tokens                        | [`RowPath::Short`]                         |
//! | up to 8191 probabilities or their logs | [`RowPath::Quads`]                         |
//! | all others                             | [`RowPath::Stripes`]                       |

use super::bound::{lower_bound, row_bound, sampled_bound};
use super::element::Lanes;
use super::prefetch::Prefetcher;
use super::quads::{MOST_COLUMNS, QUAD};
use super::scan::{COLUMNS, STRIPE, Scan};
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, Kernel, Simd};

/// The longest row whose tokens are all put in order.
pub(super) const LONGEST_SHORT_ROW: usize = 64;

/// The longest row in quads whose tokens are all compared with the bound for every k.
const LONGEST_COMPARED_ROW: usize = 1024;

/// Rows from this length on are scanned in stripes.
const LONG: usize = 64 * STRIPE;

/// The largest k whose bound is that of columns; in quads, of which there are more columns,
/// of twice as many.
const COLUMNS_SERVE: usize = 64;

/// A tensor of this size is not in a cache.
pub(crate) const UNCACHED_BYTES: usize = 32 << 20;

/// How rows are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowPath {
    /// All tokens are put in order (`short`).
    Short,
    /// Groups of four tokens share a peak (`quads`).
    Quads(Compared),
    /// The tokens in the same lane of some stripes share a peak (`scan`, `logits`).
    Stripes {
        /// How many stripes.
        panel: usize,
        /// How many columns a scan of probabilities keeps.
        columns: usize,
    },
}

/// What the bound of a row is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BoundFrom {
    /// Few maxima, for k up to 64, or 128 in rows of quads.
    Columns,
    /// The maxima of all groups, of which there must be many more than k.
    Peaks,
    /// The tokens, for larger k.
    Row,
    /// Nothing: nearly all tokens are wanted.
    Nothing,
}

impl BoundFrom {
    /// In stripes.
    fn new(k: usize, length: usize) -> Self {
        if k <= COLUMNS_SERVE {
            BoundFrom::Columns
        } else if k <= length / 12 {
            BoundFrom::Peaks
        } else {
            BoundFrom::of_many(k, length)
        }
    }

    /// In quads. A bound from peaks, of which there is one for four tokens, leaves the more
    /// survivors the larger k is: 1.4 k for k of an eighth of the row. One from the tokens
    /// leaves hardly more than k, but costs several passes. Both took the same time for k
    /// of about 86 of 512, 150 of 1024, 200 of 1500, 600 of 5000 and 1000 of 8000 tokens, at
    /// all levels (Zen 4).
    fn of_quads(k: usize, length: usize) -> Self {
        if k > length / 8 + 20 && k > COLUMNS_SERVE {
            BoundFrom::of_many(k, length)
        } else if k <= 2 * COLUMNS_SERVE {
            BoundFrom::Columns
        } else {
            BoundFrom::Peaks
        }
    }

    fn of_many(k: usize, length: usize) -> Self {
        if k <= length / 16 * 15 {
            BoundFrom::Row
        } else {
            BoundFrom::Nothing
        }
    }
}

/// Which tokens of a row in quads are compared with the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// All: the row has at most 1024 tokens, or k is above 64 and there are fewer than 1.25
    /// quads for each, so that most hold a token that reaches the bound.
    All,
    /// Those of the quads with a peak that reaches the bound.
    Quads,
}

/// How the rows of a batch are searched, all of one kind and length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(super) path: RowPath,
    pub(super) kind: ScoreKind,
    pub(super) k: usize,
    /// Tokens of a row.
    pub(super) length: usize,
    from: BoundFrom,
    /// How many survivors may be held.
    pub(super) capacity: usize,
    /// The least possible score.
    pub(super) least: f32,
    /// Whether the log-sum-exp of logits is wanted.
    pub(super) normalised: bool,
    /// Whether the rows come from memory, as far as is known.
    pub(super) streams: bool,
}

/// A plan for rows of no tokens.
impl Default for Plan {
    fn default() -> Self {
        Plan::threshold(0, 0, ScoreKind::Probabilities)
    }
}

impl Plan {
    /// For the top k of rows ([`TopK`](super::top_k::TopK)).
    pub(crate) fn top_k(k: usize, length: usize, kind: ScoreKind) -> Self {
        Plan::find(k, length, kind, kind == ScoreKind::Logits)
    }

    /// [`Plan::top_k`] without the log-sum-exp of logits.
    pub(crate) fn top_k_unnormalised(k: usize, length: usize, kind: ScoreKind) -> Self {
        Plan::find(k, length, kind, false)
    }

    fn find(k: usize, length: usize, kind: ScoreKind, normalised: bool) -> Self {
        let shared = length >= LONG && (k <= COLUMNS_SERVE || k <= length / 50);
        let mut plan = Plan::in_stripes(k, length, kind, shared);
        plan.normalised = normalised;
        if Plan::is_short_row(length) {
            plan.path = RowPath::Short;
        } else if length < LONG && !normalised {
            let most_quads_reach = k > COLUMNS_SERVE.max(length / 80);
            let all = length <= LONGEST_COMPARED_ROW || most_quads_reach;
            plan.path = RowPath::Quads(if all { Compared::All } else { Compared::Quads });
            plan.from = BoundFrom::of_quads(k, length);
        }
        plan
    }

    /// For up to k tokens of rows that reach a threshold
    /// ([`ThresholdScan`](super::threshold::ThresholdScan)), which are all scanned in stripes.
    pub(crate) fn threshold(k: usize, length: usize, kind: ScoreKind) -> Self {
        // The threshold is passed by few tokens, whatever k is, and looking for them among four
        // times as many costs less than a peak for each stripe: of rows of 5000, not of 1025.
        Plan::in_stripes(k, length, kind, length >= LONG / 2)
    }

    /// For rows that are scanned in stripes, of which four share a peak, or none.
    fn in_stripes(k: usize, length: usize, kind: ScoreKind, shared: bool) -> Self {
        Plan {
            path: RowPath::Stripes {
                panel: if shared { 4 } else { 1 },
                columns: if serves(k, COLUMNS / 2) {
                    COLUMNS / 2
                } else {
                    COLUMNS
                },
            },
            kind,
            k,
            length,
            from: BoundFrom::new(k, length),
            capacity: (2 * k + 4 * STRIPE).min(length + STRIPE),
            least: kind.least_possible(),
            normalised: kind == ScoreKind::Logits,
            streams: false,
        }
    }

    /// For rows of a tensor of so many bytes.
    pub(crate) fn of_tensor(mut self, bytes: usize) -> Self {
        self.streams = bytes >= UNCACHED_BYTES;
        self
    }

    /// How many stripes share a peak.
    pub(super) fn panel(&self) -> usize {
        match self.path {
            RowPath::Stripes { panel, .. } => panel,
            RowPath::Short | RowPath::Quads(_) => 1,
        }
    }

    /// How many quads of a row share a peak's vector.
    pub(super) fn quads_of_a_panel(&self) -> usize {
        match self.path {
            RowPath::Stripes { panel, .. } => panel * (STRIPE / QUAD),
            RowPath::Short | RowPath::Quads(_) => 1,
        }
    }

    /// Whether all tokens of a row are put in order.
    pub(crate) fn is_short(&self) -> bool {
        self.path == RowPath::Short
    }

    /// Whether all tokens of rows of this length are put in order, for any k.
    pub(crate) fn is_short_row(length: usize) -> bool {
        length <= LONGEST_SHORT_ROW
    }

    /// How many peaks a row has.
    pub(super) fn peaks(&self) -> usize {
        match self.path {
            RowPath::Short => 0,
            RowPath::Quads(_) => self.length.div_ceil(QUAD),
            RowPath::Stripes { panel, .. } => self.length.div_ceil(panel * STRIPE),
        }
    }

    /// How many columns of quads.
    #[inline(always)]
    pub(super) fn columns(&self) -> usize {
        let maxima = if self.k <= F32_LANES {
            2 * self.k
        } else {
            4 * self.k
        };
        maxima
            .div_ceil(F32_LANES)
            .next_power_of_two()
            .min(MOST_COLUMNS)
    }

    /// The bound of a row whose largest score is `largest`.
    #[inline(always)]
    pub(super) fn bound<S: Simd, E: Lanes>(
        &self,
        simd: S,
        row: &[E],
        largest: f32,
        columns: &[[f32; F32_LANES]],
        peaks: &[[f32; F32_LANES]],
        prefetcher: &mut Prefetcher,
    ) -> f32 {
        let (k, least) = (self.k, self.least);
        match self.from {
            BoundFrom::Columns if k <= F32_LANES => {
                sampled_bound(simd, columns, k, least, prefetcher)
            }
            BoundFrom::Columns => lower_bound(simd, columns, k, least, prefetcher),
            BoundFrom::Peaks => lower_bound(simd, peaks, k, least, prefetcher),
            BoundFrom::Row => simd.outlined(RowBound {
                row,
                k,
                least,
                largest,
            }),
            BoundFrom::Nothing => least,
        }
    }

    /// [`Plan::bound`] of a row that was scanned in stripes, whose columns are put
    /// together as far as is useful.
    #[inline(always)]
    pub(super) fn bound_of_stripes<S: Simd, E: Lanes>(
        &self,
        simd: S,
        row: &[E],
        scanned: &Scan,
        peaks: &[[f32; F32_LANES]],
        prefetcher: &mut Prefetcher,
    ) -> f32 {
        debug_assert!(scanned.width > 0);
        let mut maxima = scanned.columns;
        let mut width = scanned.width;
        while width > 1 && serves(self.k, width / 2) {
            width /= 2;
            for i in 0..width {
                let folded = simd
                    .f32_load(&maxima[i])
                    .max(simd.f32_load(&maxima[i + width]));
                folded.store(&mut maxima[i]);
            }
        }
        self.bound(simd, row, scanned.max, &maxima[..width], peaks, prefetcher)
    }
}

/// [`row_bound`], in a function of its own.
struct RowBound<'a, E> {
    row: &'a [E],
    k: usize,
    least: f32,
    largest: f32,
}

impl<E: Lanes> Kernel for RowBound<'_, E> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        row_bound(simd, self.row, self.k, self.least, self.largest)
    }
}

/// Whether a bound from so many columns is as good as from more: four times k maxima
/// are enough.
#[inline(always)]
fn serves(k: usize, columns: usize) -> bool {
    columns * F32_LANES >= 4 * k
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::top_k::cases::random;
    use crate::scores::ScoreKind::{LogProbabilities, Logits, Probabilities};
    use crate::simd::{Dispatch, Kernel, Level};

    /// On both sides of every limit: stripes that share a peak in rows that are all
    /// scanned so; how other probabilities, or their logarithms, are read; what the bound
    /// comes from.
    #[test]
    fn what_serves_on_both_sides_of_every_limit() {
        use BoundFrom::{Columns, Nothing, Peaks, Row};
        const ALL: Option<Compared> = Some(Compared::All);
        const QUADS: Option<Compared> = Some(Compared::Quads);
        // In quads, and in stripes.
        for (k, length, panel, compared, of_quads, of_stripes) in [
            (1, 65, 1, ALL, Columns, Columns),
            (64, 65, 1, ALL, Columns, Columns),
            (65, 65, 1, ALL, Nothing, Nothing),
            (65, 359, 1, ALL, Row, Row),
            (65, 360, 1, ALL, Columns, Row),
            (65, 779, 1, ALL, Columns, Row),
            (65, 780, 1, ALL, Columns, Peaks),
            (128, 1024, 1, ALL, Columns, Row),
            (129, 1024, 1, ALL, Peaks, Row),
            (148, 1024, 1, ALL, Peaks, Row),
            (149, 1024, 1, ALL, Row, Row),
            (16, 1024, 1, ALL, Columns, Columns),
            (16, 1025, 1, QUADS, Columns, Columns),
            (17, 1024, 1, ALL, Columns, Columns),
            (17, 1025, 1, QUADS, Columns, Columns),
            (64, 1025, 1, QUADS, Columns, Columns),
            (65, 1025, 1, ALL, Columns, Peaks),
            (102, 8191, 1, QUADS, Columns, Peaks),
            (103, 8191, 1, ALL, Columns, Peaks),
            (128, 8191, 1, ALL, Columns, Peaks),
            (129, 8191, 1, ALL, Peaks, Peaks),
            (682, 8191, 1, ALL, Peaks, Peaks),
            (683, 8191, 1, ALL, Peaks, Row),
            (1043, 8191, 1, ALL, Peaks, Row),
            (1044, 8191, 1, ALL, Row, Row),
            (7665, 8191, 1, ALL, Row, Row),
            (7666, 8191, 1, ALL, Nothing, Nothing),
            (1, 8191, 1, QUADS, Columns, Columns),
            (1, 8192, 4, None, Columns, Columns),
            (64, 8192, 4, None, Columns, Columns),
            (163, 8191, 1, ALL, Peaks, Peaks),
            (163, 8192, 4, None, Peaks, Peaks),
            (164, 8192, 1, None, Peaks, Peaks),
            (682, 8192, 1, None, Peaks, Peaks),
            (683, 8192, 1, None, Row, Row),
            (7680, 8192, 1, None, Row, Row),
            (7681, 8192, 1, None, Nothing, Nothing),
            (200, 10_000, 4, None, Peaks, Peaks),
            (201, 10_000, 1, None, Peaks, Peaks),
        ] {
            for kind in [Probabilities, LogProbabilities, Logits] {
                let case = format!("{k} of {length} {kind:?}");
                let columns = if k <= 16 { 4 } else { 8 };
                let stripes = RowPath::Stripes { panel, columns };
                let plan = Plan::top_k(k, length, kind);
                let path = match compared {
                    Some(compared) if kind != Logits => RowPath::Quads(compared),
                    _ => stripes,
                };
                let from = if path == stripes {
                    of_stripes
                } else {
                    of_quads
                };
                assert_eq!((plan.path, plan.from), (path, from), "{case}");
                let tokens = if path == stripes { panel * 128 } else { 64 };
                assert_eq!(plan.peaks(), length.div_ceil(tokens), "{case}");
                let all_in_stripes = Plan::threshold(k, length, kind);
                let shared = if length < 4096 { 1 } else { 4 };
                assert_eq!(all_in_stripes.panel(), shared, "{case}");
                let peaks = length.div_ceil(shared * 128);
                assert_eq!(all_in_stripes.peaks(), peaks, "{case}");
                let least = [f32::from_bits(1), f32::MIN][usize::from(kind != Probabilities)];
                for plan in [plan, all_in_stripes] {
                    assert_eq!(
                        (plan.k, plan.length, plan.kind),
                        (k, length, kind),
                        "{case}"
                    );
                    assert!(!plan.is_short() && !plan.streams, "{case}");
                    assert_eq!(plan.least, least, "{case}");
                    let capacity = (2 * k + 512).min(length + 128);
                    assert_eq!(plan.capacity, capacity, "{case}");
                }
            }
        }
        let plan = Plan::top_k(9, 9000, Probabilities);
        assert!(!plan.of_tensor(UNCACHED_BYTES - 1).streams);
        assert!(plan.of_tensor(UNCACHED_BYTES).streams);
    }

    #[test]
    fn rows_are_short_up_to_64_tokens() {
        for kind in [Probabilities, LogProbabilities, Logits] {
            for length in [1, 63, 64] {
                let plan = Plan::top_k(length, length, kind);
                assert!(plan.is_short(), "{length} {kind:?}");
                assert_eq!(plan.peaks(), 0, "{length} {kind:?}");
                // Threshold rows of any length are read in stripes.
                let plan = Plan::threshold(length, length, kind);
                assert_eq!((plan.panel(), plan.peaks()), (1, 1), "{length} {kind:?}");
            }
            assert!(!Plan::top_k(64, 65, kind).is_short(), "{kind:?}");
        }
    }

    #[test]
    fn columns_of_about_four_times_k_maxima() {
        for (k, columns) in [
            (1, 1),
            (8, 1),
            (9, 2),
            (16, 2),
            (17, 8),
            (32, 8),
            (33, 16),
            (64, 16),
            (65, 32),
            (128, 32),
            (500, 32),
        ] {
            let plan = Plan::top_k(k, 8000, Probabilities);
            assert_eq!(plan.columns(), columns, "{k}");
        }
        for (k, columns) in [
            (1, 1),
            (4, 1),
            (5, 2),
            (8, 2),
            (9, 3),
            (16, 4),
            (17, 5),
            (32, 8),
        ] {
            assert!(serves(k, columns), "{k}");
            assert!(!serves(k, columns - 1), "{k}");
        }
    }

    struct BoundOfStripes<'a> {
        plan: &'a Plan,
        row: &'a [f32],
        scan: &'a Scan,
        peaks: &'a [[f32; F32_LANES]],
    }

    impl Kernel for BoundOfStripes<'_> {
        type Output = f32;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f32 {
            let prefetcher = &mut Prefetcher::default();
            self.plan
                .bound_of_stripes(simd, self.row, self.scan, self.peaks, prefetcher)
        }
    }

    /// Columns are maxima of groups of a row, and so are columns that are folded.
    #[test]
    fn the_bound_of_columns_is_one_that_k_of_them_reach() {
        let mut random = random(4);
        for width in [4, 8] {
            let mut columns = [[f32::NAN; F32_LANES]; 8];
            for lane in columns[..width].iter_mut().flatten() {
                *lane = random();
            }
            let scan = Scan {
                columns,
                width,
                max: 1.0,
                normaliser: 0.0,
            };
            let mut peaks = vec![[0.0; F32_LANES]; 80];
            for lane in peaks.iter_mut().flatten() {
                *lane = random();
            }
            let row: Vec<f32> = (0..9000).map(|_| random()).collect();
            let bound = |level, k| {
                let plan = &Plan::top_k(k, 9000, Probabilities);
                let (scan, peaks, row) = (&scan, &peaks[..], &row[..]);
                let bound = BoundOfStripes {
                    plan,
                    row,
                    scan,
                    peaks,
                };
                Dispatch::new(level).unwrap().run(bound)
            };
            let sorted = |maxima: &[[f32; F32_LANES]]| {
                let mut all = maxima.as_flattened().to_vec();
                all.sort_by(|a, b| b.total_cmp(a));
                all
            };
            for k in 1..=8 * width {
                // Columns are folded in pairs while at least 4 k maxima are left.
                let mut folded = columns[..width].to_vec();
                while folded.len() > 1 && folded.len() / 2 * F32_LANES >= 4 * k {
                    let half = folded.len() / 2;
                    let both = |i: usize| {
                        let pair = folded[i].iter().zip(&folded[i + half]);
                        let larger: Vec<f32> = pair.map(|(a, b)| a.max(*b)).collect();
                        <[f32; F32_LANES]>::try_from(larger).unwrap()
                    };
                    folded = (0..half).map(both).collect();
                }
                let sample = folded[0];
                let sorted = sorted(&folded);
                for level in Level::available() {
                    let found = bound(level, k);
                    if k <= F32_LANES {
                        let reached = sample.iter().filter(|&&x| x <= sorted[k - 1]);
                        let best = reached.copied().fold(f32::NEG_INFINITY, f32::max);
                        let smallest = sample.iter().copied().fold(1.0, f32::min);
                        assert_eq!(found, best.max(smallest), "{level} {k} of {width}");
                    } else {
                        let reached = sorted.iter().filter(|&&x| x >= found).count();
                        assert!((k..=k + k / 8).contains(&reached), "{level} {k} of {width}");
                    }
                }
            }
            // Beyond a k of 64 the bound comes from the peaks.
            let all = sorted(&peaks);
            for k in [65, 100, 750] {
                for level in Level::available() {
                    let found = bound(level, k);
                    let reached = all.iter().filter(|&&x| x >= found).count();
                    assert!((k..=k + k / 8).contains(&reached), "{level} {k}");
                }
            }
            // Then from the row, and at last from nothing.
            for k in [751, 2000, 8430] {
                for level in Level::available() {
                    let found = bound(level, k);
                    let reached = row.iter().filter(|&&x| x >= found).count();
                    assert!((k..=k + k / 16).contains(&reached), "{level} {k}");
                }
            }
            for level in Level::available() {
                assert_eq!(bound(level, 8431), f32::from_bits(1), "{level}");
            }
        }
    }
}
