//! How the best k of a row of some length are found: by which groups, and with
//! which bound. (Why: `top_k`.)

use super::ahead::Ahead;
use super::bound::{lower_bound, sampled_bound};
use super::quads::{MOST_COLUMNS, QUAD};
use super::scan::{STRIPE, Scan};
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, Simd};

/// Rows of so many tokens are long.
const LONG: usize = 64 * STRIPE;

/// How the best k of a row of some length are found.
pub(super) struct Plan {
    pub(super) k: usize,
    /// How many tokens share a peak.
    pub(super) panel: usize,
    /// Whether there are groups enough for a bound.
    bounded: bool,
    /// How many survivors may be held.
    pub(super) capacity: usize,
    /// The least possible score.
    pub(super) least: f32,
}

impl Plan {
    /// For the top k of a row.
    #[inline(always)]
    pub(super) fn new(k: usize, length: usize, kind: ScoreKind) -> Self {
        let mut plan = Plan::in_stripes(k, length, kind);
        if plan.bounded && length < LONG && kind != ScoreKind::Logits {
            plan.panel = QUAD;
        }
        plan
    }

    /// As [`Plan::new`], of rows that are all scanned in stripes.
    #[inline(always)]
    pub(super) fn in_stripes(k: usize, length: usize, kind: ScoreKind) -> Self {
        let bounded = k <= 64 || k <= length / 12;
        let panel = if length >= LONG && (k <= 64 || k <= length / 50) {
            4 * STRIPE
        } else {
            STRIPE
        };
        Plan {
            k,
            panel,
            bounded,
            capacity: if bounded {
                2 * k + 4 * STRIPE
            } else {
                length + STRIPE
            },
            least: kind.least_possible(),
        }
    }

    /// Whether a bound from so many columns is as good as from more: four times
    /// k maxima are enough.
    #[inline(always)]
    pub(super) fn worth(&self, columns: usize) -> bool {
        columns * F32_LANES >= 4 * self.k
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

    /// The bound from columns, which serve for k up to 64, or from peaks.
    #[inline(always)]
    pub(super) fn bound<S: Simd, E>(
        &self,
        simd: S,
        columns: &[[f32; F32_LANES]],
        peaks: &[[f32; F32_LANES]],
        ahead: &mut Ahead<E>,
    ) -> f32 {
        let k = self.k;
        if k <= F32_LANES {
            sampled_bound(simd, columns, k, self.least, ahead)
        } else if k <= 64 {
            lower_bound(simd, columns, k, self.least, ahead)
        } else {
            lower_bound(simd, peaks, k, self.least, ahead)
        }
    }

    /// [`Plan::bound`] of a row that was scanned in stripes, whose columns are put
    /// together as far as is useful.
    #[inline(always)]
    pub(super) fn bound_of_stripes<S: Simd>(
        &self,
        simd: S,
        scanned: &Scan,
        peaks: &[[f32; F32_LANES]],
    ) -> f32 {
        if !self.bounded {
            return self.least;
        }
        let mut maxima = scanned.columns;
        let mut width = scanned.width;
        while width > 1 && self.worth(width / 2) {
            width /= 2;
            for i in 0..width {
                let folded = simd
                    .f32_load(&maxima[i])
                    .max(simd.f32_load(&maxima[i + width]));
                folded.store(&mut maxima[i]);
            }
        }
        let ahead = &mut Ahead::<f32>::nothing();
        self.bound(simd, &maxima[..width], peaks, ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::top_k::cases::random;
    use crate::scores::ScoreKind::{LogProbabilities, Logits, Probabilities};
    use crate::simd::{Dispatch, Kernel, Level};

    /// On both sides of every limit: tokens that share a peak in rows that are all
    /// scanned in stripes, of probabilities or their logarithms, and of logits;
    /// whether a bound is looked for.
    #[test]
    fn what_serves_on_both_sides_of_every_limit() {
        const FOUR: usize = 4 * STRIPE;
        for (k, length, in_stripes, quads, bounded) in [
            (1, 65, STRIPE, QUAD, true),
            (64, 65, STRIPE, QUAD, true),
            (65, 65, STRIPE, STRIPE, false),
            (65, 779, STRIPE, STRIPE, false),
            (65, 780, STRIPE, QUAD, true),
            (682, 8191, STRIPE, QUAD, true),
            (683, 8191, STRIPE, STRIPE, false),
            (1, 8191, STRIPE, QUAD, true),
            (1, 8192, FOUR, FOUR, true),
            (64, 8192, FOUR, FOUR, true),
            (163, 8191, STRIPE, QUAD, true),
            (163, 8192, FOUR, FOUR, true),
            (164, 8192, STRIPE, STRIPE, true),
            (682, 8192, STRIPE, STRIPE, true),
            (683, 8192, STRIPE, STRIPE, false),
            (200, 10_000, FOUR, FOUR, true),
            (201, 10_000, STRIPE, STRIPE, true),
        ] {
            for kind in [Probabilities, LogProbabilities, Logits] {
                let case = format!("{k} of {length} {kind:?}");
                let plan = Plan::new(k, length, kind);
                let expected = if kind == Logits { in_stripes } else { quads };
                assert_eq!(plan.panel, expected, "{case}");
                let all_in_stripes = Plan::in_stripes(k, length, kind);
                assert_eq!(all_in_stripes.panel, in_stripes, "{case}");
                let least = [f32::from_bits(1), f32::MIN][usize::from(kind != Probabilities)];
                for plan in [plan, all_in_stripes] {
                    assert_eq!((plan.k, plan.bounded), (k, bounded), "{case}");
                    assert_eq!(plan.least, least, "{case}");
                    let capacity = if bounded { 2 * k + 512 } else { length + 128 };
                    assert_eq!(plan.capacity, capacity, "{case}");
                }
            }
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
            (65, 16),
            (500, 16),
        ] {
            let plan = Plan::new(k, 8000, Probabilities);
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
            let plan = Plan::new(k, 8000, Probabilities);
            assert!(plan.worth(columns), "{k}");
            assert!(!plan.worth(columns - 1), "{k}");
        }
    }

    struct BoundOfStripes<'a> {
        plan: &'a Plan,
        scan: &'a Scan,
        peaks: &'a [[f32; F32_LANES]],
    }

    impl Kernel for BoundOfStripes<'_> {
        type Output = f32;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f32 {
            self.plan.bound_of_stripes(simd, self.scan, self.peaks)
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
            let bound = |level, k| {
                let plan = &Plan::new(k, 9000, Probabilities);
                let (scan, peaks) = (&scan, &peaks[..]);
                let bound = BoundOfStripes { plan, scan, peaks };
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
            for k in [65, 100, 700] {
                for level in Level::available() {
                    let found = bound(level, k);
                    let reached = all.iter().filter(|&&x| x >= found).count();
                    assert!((k..=k + k / 8).contains(&reached), "{level} {k}");
                }
            }
            // There are fewer peaks than k, so they give no bound.
            for level in Level::available() {
                assert_eq!(bound(level, 2000), f32::from_bits(1), "{level}");
            }
        }
    }
}
