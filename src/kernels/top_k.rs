//! The best k tokens of a row, in order, and for logits its log-sum-exp, in
//! one read from memory.
//!
//! # The algorithm
//!
//! ```text
//! for each stripe of 128 tokens of the row:                    (`scan`)
//!     columns[lane] = max(columns[lane], stripe[lane])   for its 128 lanes
//!     peaks[stripe][lane mod 16] = max over the stripe's 8 vectors
//! bound = k-th largest of some of these maxima                 (`bound`)
//! for each stripe with a peak >= bound:                        (below)
//!     survivors += its tokens of value >= bound
//! put the survivors in order, keep k                           (`rank`)
//! ```
//!
//! The maxima are those of disjoint groups of tokens, so at least k tokens
//! reach the bound, and the best k are among the survivors. With many more
//! groups than k there are few more survivors than k.
//!
//! # Departures
//!
//! 1. Which maxima serve depends on k: columns for small k, folded together so
//!    that there are no more of them than is useful; peaks for large k.
//! 2. Groups can be bad: a row of period 128 puts all its best tokens in a few
//!    columns, and a constant row makes every token a survivor. So the list of
//!    survivors is bounded; when it is full it is cut to the best k, and from
//!    there on only tokens above the k-th are collected. (An equal one comes
//!    later, has a higher id, and loses the tie.)
//! 3. Where k is a large part of the row no bound is looked for: every
//!    possible token is a survivor.
//! 4. While a row is read, the scores behind it are prefetched, so that memory
//!    does not idle while the survivors are collected.
//!
//! # Cost
//!
//! One read of the row; O(k log k + k V / 128) work besides, at worst O(V)
//! more; O(V / 8 + k) memory.

use super::bound::lower_bound;
use super::element::Lanes;
use super::rank::Survivors;
use super::scan::{COLUMNS, STRIPE, Scan, Stripes, scan};
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, Simd};

/// Memory that is kept from row to row.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopK {
    peaks: Vec<[f32; F32_LANES]>,
    survivors: Survivors,
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
    /// Writes the best tokens of `row` with their values, best first, to the
    /// front of `tokens` and `values`, which have the same length k, from 1 to
    /// the length of the row. `next` is what will be read next.
    ///
    /// `None` if the row holds an invalid score.
    #[inline(always)]
    pub(crate) fn of_row<S: Simd, E: Lanes>(
        &mut self,
        simd: S,
        kind: ScoreKind,
        row: &[E],
        next: &[E],
        tokens: &mut [u32],
        values: &mut [f32],
    ) -> Option<Found> {
        let k = tokens.len();
        let stripes = Stripes::new(row, next, kind);
        if self.peaks.len() < stripes.len() {
            self.peaks.resize(stripes.len(), [0.0; F32_LANES]);
        }
        let peaks = &mut self.peaks[..stripes.len()];
        let scanned = match kind {
            ScoreKind::Logits => scan::<S, E, true>(simd, kind, &stripes, peaks)?,
            _ => scan::<S, E, false>(simd, kind, &stripes, peaks)?,
        };
        let plan = Plan::new(k, row.len(), kind);
        let bound = plan.bound(simd, &scanned, peaks);
        self.survivors.clear(plan.capacity);
        if scanned.max >= plan.least {
            collect(simd, &stripes, peaks, bound, &plan, &mut self.survivors);
        }
        Some(Found {
            count: self.survivors.rank_into(simd, tokens, values),
            normaliser: scanned.normaliser,
        })
    }
}

/// How the best k of a row of some length are found.
struct Plan {
    k: usize,
    /// Whether there are groups enough for a bound.
    bounded: bool,
    /// How many survivors may be held.
    capacity: usize,
    /// The least possible score.
    least: f32,
}

impl Plan {
    #[inline(always)]
    fn new(k: usize, length: usize, kind: ScoreKind) -> Self {
        let bounded = k <= 64 || k * 12 <= length;
        Plan {
            k,
            bounded: bounded && k < length,
            capacity: if bounded {
                2 * k + 4 * STRIPE
            } else {
                length + STRIPE
            },
            least: match kind {
                ScoreKind::Probabilities => f32::from_bits(1),
                _ => f32::MIN,
            },
        }
    }

    #[inline(always)]
    fn bound<S: Simd>(&self, simd: S, scanned: &Scan, peaks: &[[f32; F32_LANES]]) -> f32 {
        let k = self.k;
        if !self.bounded {
            self.least
        } else if k <= 64 {
            let mut maxima = scanned.columns;
            let mut width = COLUMNS;
            // No more than are worth it: two to four times k.
            while width > 1 && width * F32_LANES / 2 >= 2 * k {
                width /= 2;
                for i in 0..width {
                    let folded = simd
                        .f32_load(&maxima[i])
                        .max(simd.f32_load(&maxima[i + width]));
                    folded.store(&mut maxima[i]);
                }
            }
            lower_bound(simd, &maxima[..width], k, self.least)
        } else {
            lower_bound(simd, peaks, k, self.least)
        }
    }
}

/// Collects the tokens of at least `bound` from the stripes that have one.
#[inline(always)]
fn collect<S: Simd, E: Lanes>(
    simd: S,
    stripes: &Stripes<'_, E>,
    peaks: &[[f32; F32_LANES]],
    bound: f32,
    plan: &Plan,
    survivors: &mut Survivors,
) {
    let mut bound = simd.f32_splat(bound);
    for (index, peak) in peaks.iter().enumerate() {
        if simd.f32_load(peak).ge(bound) == 0 {
            continue;
        }
        let stripe = stripes.get(index);
        let (vectors, _) = stripe.as_chunks::<F32_LANES>();
        for (half, vectors) in vectors.as_chunks::<{ COLUMNS / 2 }>().0.iter().enumerate() {
            let mut reached = 0u64;
            for (i, lanes) in vectors.iter().enumerate() {
                let bits = E::load(simd, lanes).ge(bound);
                reached |= u64::from(bits) << (i * F32_LANES);
            }
            while reached != 0 {
                let lane = half * (STRIPE / 2) + reached.trailing_zeros() as usize;
                survivors.push(stripe[lane].to_f32(), (index * STRIPE + lane) as u32);
                reached &= reached - 1;
            }
        }
        if survivors.len() + STRIPE > plan.capacity {
            let last = survivors.keep_best(plan.k);
            bound = simd.f32_splat(last.next_up());
        }
    }
}
