//! A number that the k best tokens of a row reach, from the maxima of groups.
//!
//! If k disjoint groups of tokens each hold a token of at least b, then so do
//! the k best tokens. The k-th largest maximum is the best such b.

use super::ahead::Ahead;
use crate::order::{from_sortable, sortable};
use crate::simd::{F32_LANES, F32Lanes, Simd};

/// [`lower_bound`] for k of up to [`F32_LANES`], without a branch: the best of
/// the first vector's maxima, for each of which the larger ones among all are
/// counted. So it may be one that some more than k reach.
#[inline(always)]
pub(crate) fn sampled_bound<S: Simd, E>(
    simd: S,
    maxima: &[[f32; F32_LANES]],
    k: usize,
    least: f32,
    ahead: &mut Ahead<E>,
) -> f32 {
    // Counts that do not wait for each other.
    const WAYS: usize = 4;
    let sample = simd.f32_load(&maxima[0]);
    let mut larger = [simd.f32_splat(0.0); WAYS];
    for some in maxima.as_flattened().as_chunks::<WAYS>().0 {
        for (larger, &maximum) in larger.iter_mut().zip(some) {
            *larger = sample.count_less(simd.f32_splat(maximum), *larger);
        }
        ahead.fetch::<2>();
    }
    let [a, b, c, d] = larger;
    // With k - 1 larger ones and itself, k reach it. All of the sample reach
    // the smallest of them.
    let wanted = simd.f32_splat((k - 1) as f32);
    let smallest = sample.reduce_min();
    let reached = sample.where_ge((a + b) + (c + d), wanted, simd.f32_splat(smallest));
    reached.reduce_max().max(least)
}

/// The largest b found such that at least `k` of the `maxima` reach it, or
/// `least` if fewer than k reach that.
///
/// b is found by bisection of the sortable integers, and need not be the best:
/// the search ends as soon as at most an eighth more than k maxima reach it.
/// At most 32 passes over the maxima; none of them may be NaN.
#[inline(always)]
pub(crate) fn lower_bound<S: Simd, E>(
    simd: S,
    maxima: &[[f32; F32_LANES]],
    k: usize,
    least: f32,
    ahead: &mut Ahead<E>,
) -> f32 {
    let (mut smallest, mut largest) = (simd.f32_splat(f32::INFINITY), simd.f32_splat(least));
    for lanes in maxima {
        let lanes = simd.f32_load(lanes);
        smallest = smallest.min(lanes);
        largest = largest.max(lanes);
    }
    let least = sortable(least);
    // Between the two lies the bound: all reach `low` (or it is the least
    // there may be), none reaches `high`.
    let mut low = least.max(sortable(smallest.reduce_min()));
    let mut high = sortable(largest.reduce_max()).saturating_add(1);
    if maxima.len() * F32_LANES < k {
        return from_sortable(least);
    }
    let enough = k + k / 8;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let bound = simd.f32_splat(from_sortable(middle));
        let mut reached = 0;
        ahead.fetch::<2>();
        let (fours, rest) = maxima.as_chunks::<4>();
        for [a, b, c, d] in fours {
            let four = [
                simd.f32_load(a),
                simd.f32_load(b),
                simd.f32_load(c),
                simd.f32_load(d),
            ];
            reached += S::F32::four_ge(four, bound).count_ones() as usize;
        }
        for lanes in rest {
            reached += simd.f32_load(lanes).ge(bound).count_ones() as usize;
        }
        // Which way it goes cannot be predicted, so there is no branch.
        let up = u32::from(reached >= k).wrapping_neg();
        low ^= (low ^ middle) & up;
        high ^= (high ^ middle) & !up;
        if (k..=enough).contains(&reached) {
            break;
        }
    }
    from_sortable(low)
}
