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
