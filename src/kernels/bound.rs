//! A number that the k best tokens of a row reach, from the maxima of groups.
//!
//! If k disjoint groups of tokens each hold a token of at least b, then so do
//! the k best tokens. The k-th largest maximum is the best such b.

use std::ops::RangeInclusive;

use super::element::Lanes;
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

/// [`lower_bound`] from the tokens of a row themselves, for k that are a large part of it:
/// one that at least `k` of them reach, and (unless many are equal) at most a sixteenth
/// more. `largest` is that of the row, in which none may be NaN.
///
/// In a long row a sample says between which two numbers the bound most likely lies.
#[inline(always)]
pub(crate) fn row_bound<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    k: usize,
    least: f32,
    largest: f32,
) -> f32 {
    let reached = count_reaching(simd, row, 1, least);
    if reached <= k {
        return least;
    }
    let mut bracket = Bracket {
        low: sortable(least),
        reach_low: reached,
        high: sortable(largest).saturating_add(1),
        reach_high: 0,
    };
    let step = row.len() / SAMPLE;
    if step > 1 {
        let sampled = row.len().div_ceil(QUAD).div_ceil(step) * QUAD;
        let expected = (k as f64 * sampled as f64 / row.len() as f64) as usize;
        // Three standard deviations, and some more.
        let margin = 3 * (expected as f64).sqrt() as usize + QUAD;
        let mut sample = Bracket {
            reach_low: count_reaching(simd, row, step, least),
            ..bracket
        };
        let wanted = expected + margin / 2..=expected + margin;
        sample.narrow(simd, row, step, wanted);
        bracket.try_bound(simd, row, 1, k, sample.low);
        let wanted = expected.saturating_sub(margin)..=expected.saturating_sub(margin / 2);
        sample.high = bracket.high;
        sample.reach_high = 0;
        sample.narrow(simd, row, step, wanted);
        bracket.try_bound(simd, row, 1, k, sample.low);
    }
    bracket.narrow(simd, row, 1, k..=k + k / 16);
    from_sortable(bracket.low)
}

/// About how many tokens are sampled.
const SAMPLE: usize = 2048;
/// Tokens that are sampled together.
const QUAD: usize = 4 * F32_LANES;

/// Two sortable integers of numbers, of which enough tokens reach the first (or it is the
/// least there may be), and not enough the second.
#[derive(Clone, Copy)]
struct Bracket {
    low: u32,
    reach_low: usize,
    high: u32,
    reach_high: usize,
}

impl Bracket {
    /// Narrows it until as many as are wanted reach the low end, or there is no such number.
    /// Bisection takes turns with interpolation: both end, and of the usual rows the second
    /// needs few passes.
    #[inline(always)]
    fn narrow<S: Simd, E: Lanes>(
        &mut self,
        simd: S,
        row: &[E],
        step: usize,
        wanted: RangeInclusive<usize>,
    ) {
        let (least, most) = wanted.into_inner();
        let mut bisect = false;
        while self.high.saturating_sub(self.low) > 1 && self.reach_low > most {
            let span = self.high - self.low;
            let share = if bisect {
                0.5
            } else {
                let excess = self.reach_low.saturating_sub((least + most) / 2);
                let all = self.reach_low.saturating_sub(self.reach_high).max(1);
                excess as f64 / all as f64
            };
            bisect = !bisect;
            let middle = self.low + ((f64::from(span) * share) as u32).clamp(1, span - 1);
            self.try_bound(simd, row, step, least, middle);
        }
    }

    /// Makes a number between its ends one of them.
    #[inline(always)]
    fn try_bound<S: Simd, E: Lanes>(
        &mut self,
        simd: S,
        row: &[E],
        step: usize,
        least: usize,
        bound: u32,
    ) {
        if bound <= self.low || bound >= self.high {
            return;
        }
        let reached = count_reaching(simd, row, step, from_sortable(bound));
        if reached >= least {
            (self.low, self.reach_low) = (bound, reached);
        } else {
            (self.high, self.reach_high) = (bound, reached);
        }
    }
}

/// How many tokens of a row are at least `bound`, in one quad of every `step`. None may be
/// NaN.
#[inline(always)]
fn count_reaching<S: Simd, E: Lanes>(simd: S, row: &[E], step: usize, bound: f32) -> usize {
    /// What an f32 counts to.
    const LONGEST: usize = 1 << f32::MANTISSA_DIGITS;
    let bounds = simd.f32_splat(bound);
    let mut reached = 0;
    for row in row.chunks(LONGEST) {
        let mut below = [simd.f32_splat(0.0); QUAD / F32_LANES];
        let (quads, rest) = row.as_chunks::<QUAD>();
        for quad in quads.iter().step_by(step) {
            for (below, lanes) in below.iter_mut().zip(quad.as_chunks().0) {
                *below = E::load(simd, lanes).count_less(bounds, *below);
            }
        }
        reached += quads.len().div_ceil(step) * QUAD;
        let (vectors, rest) = rest.as_chunks();
        for (below, lanes) in below.iter_mut().zip(vectors) {
            *below = E::load(simd, lanes).count_less(bounds, *below);
        }
        let reach = |&&token: &&E| token.to_f32() >= bound;
        reached += vectors.len() * F32_LANES + rest.iter().filter(reach).count();
        let [a, b, c, d] = below;
        let mut lanes = [0.0; F32_LANES];
        ((a + b) + (c + d)).store(&mut lanes);
        reached -= lanes.into_iter().sum::<f32>() as usize;
    }
    reached
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::kernels::top_k::cases::{Rounded, patterns, random, sparse_patterns};
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

    struct OfRow<'a, E> {
        row: &'a [E],
        k: usize,
        least: f32,
    }

    impl<E: Lanes> Kernel for OfRow<'_, E> {
        type Output = f32;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f32 {
            let OfRow { row, k, least } = self;
            let values = row.iter().map(|token| token.to_f32());
            let largest = values.fold(f32::NEG_INFINITY, f32::max);
            row_bound(simd, row, k, least, largest)
        }
    }

    #[test]
    fn a_row_bound_is_one_that_k_tokens_reach_and_few_more() {
        fn check<E: Rounded>(row: &[f32], least: f32) {
            let row: Vec<E> = row.iter().map(|&value| E::rounded(value)).collect();
            let mut sorted: Vec<f32> = row.iter().map(|value| value.to_f32()).collect();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let len = row.len();
            for k in [
                1,
                2,
                len / 9,
                len / 2,
                len - len / 16,
                len - 1,
                len,
                len + 1,
            ] {
                let k = k.max(1);
                for level in Level::available() {
                    let row = &row[..];
                    let found = Dispatch::new(level).unwrap().run(OfRow { row, k, least });
                    let case = format!("{level} {k} of {len}: {found}");
                    let reached = sorted.iter().filter(|&&x| x >= found).count();
                    let Some(&kth) = sorted.get(k - 1).filter(|&&kth| kth > least) else {
                        assert_eq!(found, least, "{case}");
                        continue;
                    };
                    assert!(reached >= k && found >= least, "{case}");
                    // There may be more only where there is no better one.
                    assert!(reached <= k + k / 16 || found == kth, "{case}");
                }
            }
        }
        for length in [1, 15, 16, 17, 63, 64, 65, 700, 4095, 4096, 9000] {
            for row in patterns(length, length / 3)
                .iter()
                .chain(&sparse_patterns(length))
            {
                check::<f32>(row, f32::from_bits(1));
                check::<f16>(row, f32::from_bits(1));
                let logs: Vec<f32> = row.iter().map(|value| value.ln()).collect();
                check::<bf16>(&logs, f32::MIN);
            }
        }
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
