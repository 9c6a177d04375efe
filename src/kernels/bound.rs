//! A number that the k best tokens of a row reach, from the maxima of groups.
//!
//! If k disjoint groups of tokens each hold a token of at least b, then so do
//! the k best tokens. The k-th largest maximum is the best such b.

use super::prefetch::Prefetcher;
use crate::order::{from_sortable, sortable};
use crate::simd::{F32_LANES, F32Lanes, Simd};

/// [`lower_bound`] for k of up to [`F32_LANES`], without a branch: the best of
/// the first vector's maxima, for each of which the larger ones among all are
/// counted. So it may be one that some more than k reach.
#[inline(always)]
pub(crate) fn sampled_bound<S: Simd>(
    simd: S,
    maxima: &[[f32; F32_LANES]],
    k: usize,
    least: f32,
    prefetcher: &mut Prefetcher,
) -> f32 {
    // Counts that do not wait for each other.
    const WAYS: usize = 4;
    let sample = simd.f32_load(&maxima[0]);
    let mut larger = [simd.f32_splat(0.0); WAYS];
    for some in maxima.as_flattened().as_chunks::<WAYS>().0 {
        for (larger, &maximum) in larger.iter_mut().zip(some) {
            *larger = sample.count_less(simd.f32_splat(maximum), *larger);
        }
        prefetcher.prefetch_next::<2>();
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
pub(crate) fn lower_bound<S: Simd>(
    simd: S,
    maxima: &[[f32; F32_LANES]],
    k: usize,
    least: f32,
    prefetcher: &mut Prefetcher,
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
        mark!("fewer maxima than k");
        return from_sortable(least);
    }
    let enough = k + k / 8;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let bound = simd.f32_splat(from_sortable(middle));
        let mut reached = 0;
        prefetcher.prefetch_next::<2>();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::top_k::cases::random;
    use crate::marks;
    use crate::simd::{Dispatch, Kernel, Level};

    struct Bound<'a> {
        sampled: bool,
        maxima: &'a [[f32; F32_LANES]],
        k: usize,
        least: f32,
    }

    impl Kernel for Bound<'_> {
        type Output = f32;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f32 {
            let Bound {
                sampled,
                maxima,
                k,
                least,
            } = self;
            let prefetcher = &mut Prefetcher::default();
            if sampled {
                sampled_bound(simd, maxima, k, least, prefetcher)
            } else {
                lower_bound(simd, maxima, k, least, prefetcher)
            }
        }
    }

    /// Some maxima: all different, few values, equal, impossible but for some, of
    /// both signs, neighbours.
    fn maxima(vectors: usize) -> Vec<Vec<[f32; F32_LANES]>> {
        let mut random = random(vectors as u32);
        let len = vectors * F32_LANES;
        let mut all = vec![
            (0..len).map(|_| random()).collect(),
            (0..len).map(|_| (random() * 4.0).ceil() / 8.0).collect(),
            vec![0.5; len],
            vec![f32::NEG_INFINITY; len],
            (0..len).map(|i| i as f32 - 7.0).collect(),
            (0..len).map(|i| 7.0 - i as f32).collect(),
            (0..len).map(|_| (random() - 0.5) * 2e38).collect(),
            (0..len)
                .map(|i| f32::from_bits(0x3f7f_fff8 + (i * 7 % 13) as u32))
                .collect(),
            (0..len).map(|i| [0.0, -0.0][i / 3 % 2]).collect(),
            vec![f32::NEG_INFINITY; len],
        ];
        let last: &mut Vec<f32> = &mut all[9];
        for i in (0..len).step_by(5) {
            last[i] = -(i as f32);
        }
        let vectors = all.iter().map(|all| all.as_chunks().0.to_vec());
        vectors.collect()
    }

    /// Calls `f` with each pattern, each least value and each level.
    fn for_each_case(
        vectors: &[usize],
        mut f: impl FnMut(&[[f32; F32_LANES]], f32, Dispatch, &str),
    ) {
        for &vectors in vectors {
            for (number, maxima) in maxima(vectors).iter().enumerate() {
                for least in [f32::MIN, f32::from_bits(1), -3.0, 0.5] {
                    for level in Level::available() {
                        let case = format!("{level} pattern {number} of {vectors}, {least}");
                        f(maxima, least, Dispatch::new(level).unwrap(), &case);
                    }
                }
            }
        }
    }

    #[test]
    fn a_sampled_bound_is_the_best_of_the_sample_that_k_reach() {
        for_each_case(&[1, 2, 3, 4, 5, 8], |maxima, least, dispatch, case| {
            let larger = |than: f32| maxima.as_flattened().iter().filter(|&&x| x > than).count();
            let sample = maxima[0];
            let smallest = sample.iter().copied().fold(f32::INFINITY, f32::min);
            for k in 1..=F32_LANES {
                // With itself k reach one that is smaller than k - 1 others.
                let reached = sample.iter().copied().filter(|&x| larger(x) >= k - 1);
                let expected = reached.fold(smallest, f32::max).max(least);
                let sampled = true;
                let found = dispatch.run(Bound {
                    sampled,
                    maxima,
                    k,
                    least,
                });
                assert_eq!(found, expected, "{case} k {k}");
            }
        });
    }

    #[test]
    fn a_lower_bound_is_one_that_k_reach_and_few_more() {
        for_each_case(&[1, 2, 3, 4, 5, 9], |maxima, least, dispatch, case| {
            let mut sorted = maxima.as_flattened().to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            for k in (1..=sorted.len()).chain([sorted.len() + 1]) {
                let sampled = false;
                let found = dispatch.run(Bound {
                    sampled,
                    maxima,
                    k,
                    least,
                });
                let case = format!("{case} k {k}: {found}");
                let reached = sorted.iter().filter(|&&x| x >= found).count();
                let Some(&kth) = sorted.get(k - 1).filter(|&&kth| kth > least) else {
                    assert_eq!(found, least, "{case}");
                    continue;
                };
                assert!(reached >= k && found >= least, "{case}");
                // It is not below what all reach.
                assert!(found >= sorted[sorted.len() - 1], "{case}");
                // There may be more only where there is no better one.
                assert!(reached <= k + k / 8 || found == kth, "{case}");
            }
        });
    }

    #[test]
    fn bounds_of_fewer_maxima_than_k() {
        for_each_case(&[1, 3], |maxima, least, dispatch, case| {
            for k in [maxima.len() * F32_LANES + 1, 64] {
                let bound = Bound {
                    sampled: false,
                    maxima,
                    k,
                    least,
                };
                let found = marks::expect("fewer maxima than k", || dispatch.run(bound));
                assert_eq!(found, least, "{case} {k}");
            }
        });
    }
}
