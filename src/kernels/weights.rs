//! The weights e^x of a row's values, by which its tokens are drawn: of blocks, of groups and
//! of tokens. Every sum is that of the definition of the log-sum-exp
//! ([`log_sum_exp`](super::log_sum_exp)), to the bit.

use super::block::{BLOCK_GROUPS, GROUP, scan_block};
use super::element::Lanes;
use super::exp::{exp_f32, exp_nonpositive_f64};
use super::ln::ln;
use super::log_sum_exp::{BLOCK, LANES, SECTION, Sum, add_lanes};
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, F64_LANES, F64Lanes, Simd};

/// Vectors of a block.
const VECTORS: usize = BLOCK / F32_LANES;
/// Vectors of a section, and of those before the end of the first one.
const SECTION_VECTORS: usize = SECTION / F32_LANES;
const FIRST_SECTION_VECTORS: usize = SECTION_VECTORS - super::exp::LATE;

/// Reads the values of a block, times a factor, and none above the largest number; -infinity
/// beyond their end.
#[inline(always)]
pub(crate) fn cool<S: Simd, E: Lanes>(simd: S, read: &[E], factor: f32, values: &mut [f32; BLOCK]) {
    let (vectors, rest) = read.as_chunks::<F32_LANES>();
    let (factors, most) = (simd.f32_splat(factor), simd.f32_splat(f32::MAX));
    let mut outs = values.as_chunks_mut::<F32_LANES>().0.iter_mut();
    for (vector, out) in vectors.iter().zip(outs.by_ref()) {
        (E::load(simd, vector) * factors).min(most).store(out);
    }
    for out in outs {
        simd.f32_splat(f32::NEG_INFINITY).store(out);
    }
    let values = &mut values[vectors.len() * F32_LANES..];
    for (value, read) in values.iter_mut().zip(rest) {
        *value = (read.to_f32() * factor).min(f32::MAX);
    }
}

/// The sum of a block's weights; `None` if a value is NaN or +infinity.
#[inline(always)]
pub(crate) fn block_sum<S: Simd>(simd: S, values: &[f32]) -> Option<Sum> {
    let mut maxima = [0.0; BLOCK_GROUPS];
    scan_block(simd, ScoreKind::Logits, values, &[], &mut maxima)
}

/// Finds the token of a block at a share of its groups' weights, and one of that group's
/// tokens' weights; then makes it impossible. Returns its place, its value, and what the sum
/// of the block is without it.
///
/// `sum` is that of the block, which has `length` values and then -infinity.
#[inline(always)]
pub(crate) fn take_token<S: Simd>(
    simd: S,
    values: &mut [f32; BLOCK],
    length: usize,
    sum: Sum,
    [in_block, in_group]: [f64; 2],
) -> (usize, f32, Sum) {
    let mut weights = [[0f32; F32_LANES]; VECTORS];
    let reference = simd.f32_splat(sum.reference);
    let vectors = values.as_chunks::<F32_LANES>().0;
    for (weights, values) in weights.iter_mut().zip(vectors) {
        exp_f32(simd.f32_load(values) - reference).store(weights);
    }
    let mut groups = [0.0; BLOCK_GROUPS];
    let each = weights.as_chunks::<{ GROUP / F32_LANES }>().0;
    for (group, weights) in groups.iter_mut().zip(each) {
        *group = add_lanes(&lanes(simd, weights));
    }
    let group = choose(groups, in_block);
    let mut tokens = [0.0; GROUP];
    let start = group * GROUP;
    let own = weights.as_flattened()[start..start + GROUP].iter();
    for ((token, &weight), &value) in tokens.iter_mut().zip(own).zip(&values[start..]) {
        *token = match value {
            f32::NEG_INFINITY => 0.0,
            _ => f64::from(weight),
        };
    }
    let place = start + choose(tokens, in_group);

    let value = std::mem::replace(&mut values[place], f32::NEG_INFINITY);
    let vectors = values.as_chunks::<F32_LANES>().0;
    let first = largest(simd, &vectors[..GROUP / F32_LANES]);
    let rest = Sum {
        reference: first,
        largest: largest(simd, vectors),
        sum: 0.0,
    };
    let same = rest.reference == sum.reference && rest.in_reach();
    if rest.largest == f32::NEG_INFINITY || !same {
        let again = block_sum(simd, &values[..length]);
        return (place, value, again.unwrap_or(rest));
    }
    // The weights of all others are what they were.
    let impossible = exp_f32(simd.f32_splat(f32::NEG_INFINITY));
    let mut lane = [0.0; F32_LANES];
    impossible.store(&mut lane);
    weights.as_flattened_mut()[place] = lane[0];
    let (first, others) = weights.split_at(FIRST_SECTION_VECTORS);
    let mut sections = section(simd, first);
    for others in others.chunks(SECTION_VECTORS) {
        sections = sections + section(simd, others);
    }
    let mut lanes = [0.0; LANES];
    sections.store(&mut lanes);
    let sum = add_lanes(&lanes);
    (place, value, Sum { sum, ..rest })
}

#[inline(always)]
fn section<S: Simd>(simd: S, weights: &[[f32; F32_LANES]]) -> S::F32 {
    let mut sum = simd.f32_splat(0.0);
    for weights in weights {
        sum = sum + simd.f32_load(weights);
    }
    sum
}

#[inline(always)]
fn lanes<S: Simd>(simd: S, weights: &[[f32; F32_LANES]]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    section(simd, weights).store(&mut lanes);
    lanes
}

#[inline(always)]
fn largest<S: Simd>(simd: S, vectors: &[[f32; F32_LANES]]) -> f32 {
    let mut most = [simd.f32_splat(f32::NEG_INFINITY); 4];
    for (number, values) in vectors.iter().enumerate() {
        most[number % 4] = most[number % 4].max(simd.f32_load(values));
    }
    let [a, b, c, d] = most;
    a.max(b).max(c.max(d)).reduce_max()
}

/// The block at a share of a row's weight, from the sums of its blocks.
#[inline(always)]
pub(crate) fn choose_block<S: Simd>(simd: S, sums: &[Sum], share: f64) -> usize {
    let mut most = f32::NEG_INFINITY;
    for sum in sums {
        if sum.largest > f32::NEG_INFINITY {
            most = most.max(sum.reference);
        }
    }
    let most = f64::from(most);
    let mut total = 0.0;
    for sums in sums.chunks(F64_LANES) {
        for mass in masses(simd, sums, most) {
            total += mass;
        }
    }
    let target = share * total;
    let mut running = 0.0;
    for (number, sums) in sums.chunks(F64_LANES).enumerate() {
        for (place, mass) in masses(simd, sums, most).into_iter().enumerate() {
            running += mass;
            if running > target {
                return number * F64_LANES + place;
            }
        }
    }
    // A share is below 1, so one is, unless scores change while they are read.
    0
}

/// The weights of up to eight blocks, relative to a reference.
#[inline(always)]
fn masses<S: Simd>(simd: S, sums: &[Sum], reference: f64) -> [f64; F64_LANES] {
    let mut distances = [f64::NEG_INFINITY; F64_LANES];
    for (distance, sum) in distances.iter_mut().zip(sums) {
        if sum.largest > f32::NEG_INFINITY {
            *distance = f64::from(sum.reference) - reference;
        }
    }
    let mut masses = [0.0; F64_LANES];
    exp_nonpositive_f64(simd.f64_load(&distances)).store(&mut masses);
    for (mass, sum) in masses.iter_mut().zip(sums) {
        *mass *= sum.sum;
    }
    masses
}

/// The log-sum of a row from the sums of its blocks: the bits of
/// [`RunningSum`](super::log_sum_exp::RunningSum).
#[inline(always)]
pub(crate) fn log_sum<S: Simd>(simd: S, sums: &[Sum]) -> f64 {
    let (mut reference, mut largest, mut total) = (f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0);
    for sums in sums.chunks(F64_LANES) {
        let (mut distances, mut rises) = ([0.0; F64_LANES], [false; F64_LANES]);
        for ((distance, rises), sum) in distances.iter_mut().zip(&mut rises).zip(sums) {
            if sum.largest == f32::NEG_INFINITY {
                continue;
            }
            largest = largest.max(f64::from(sum.largest));
            let own = f64::from(sum.reference);
            *rises = own > reference;
            if *rises {
                *distance = reference - own;
                reference = own;
            } else {
                *distance = own - reference;
            }
        }
        let mut factors = [0.0; F64_LANES];
        exp_nonpositive_f64(simd.f64_load(&distances)).store(&mut factors);
        for ((factor, rises), sum) in factors.into_iter().zip(rises).zip(sums) {
            if sum.largest == f32::NEG_INFINITY {
                continue;
            }
            total = match rises {
                true => total * factor + sum.sum,
                false => total + sum.sum * factor,
            };
        }
    }
    match total > 0.0 {
        true => (reference + ln(total)).max(largest),
        false => largest,
    }
}

/// The first of some masses at which their running sum is above a share of the whole.
#[inline(always)]
fn choose<const N: usize>(mut masses: [f64; N], share: f64) -> usize {
    let mut sum = 0.0;
    for mass in &mut masses {
        sum += *mass;
        *mass = sum;
    }
    // They ascend. A share is below 1, so the last one is above, unless scores change while
    // they are read.
    let target = share * sum;
    masses.partition_point(|&sum| sum <= target).min(N - 1)
}

#[cfg(test)]
mod tests {
    use super::super::log_sum_exp::RunningSum;
    use super::*;
    use crate::random::Random;
    use crate::simd::{Dispatch, Kernel, Level};

    struct Take<'a> {
        values: &'a mut [f32; BLOCK],
        length: usize,
        shares: [f64; 2],
    }

    impl Kernel for Take<'_> {
        type Output = (usize, Sum, Sum);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> (usize, Sum, Sum) {
            let sum = block_sum(simd, &self.values[..self.length]).unwrap();
            let (place, _, rest) = take_token(simd, self.values, self.length, sum, self.shares);
            let again = block_sum(simd, &self.values[..self.length]).unwrap();
            (place, rest, again)
        }
    }

    struct Whole<'a>(&'a [Sum]);

    impl Kernel for Whole<'_> {
        type Output = f64;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f64 {
            log_sum(simd, self.0)
        }
    }

    /// One after the other, until nothing is left: the same places at every level, and each
    /// time the sum of what is left, of blocks whose first values are low or high.
    #[test]
    fn the_rest_of_a_block_has_the_sum_that_it_has_if_read_again() {
        let mut random = Random::new(3);
        for length in [1, 15, 130, 700, BLOCK] {
            for spread in [3.0, 40.0] {
                let mut block = [f32::NEG_INFINITY; BLOCK];
                for value in &mut block[..length] {
                    *value = random.unit() * spread;
                }
                if spread > 30.0 {
                    block[..length.min(128)].fill(-5.0);
                }
                let mut order = Vec::new();
                for level in Level::available() {
                    let dispatch = Dispatch::new(level).unwrap();
                    let mut values = block;
                    let (mut random, mut places) = (Random::new(7), Vec::new());
                    for _ in 0..length.min(150) {
                        let shares = [0; 2].map(|_| f64::from(random.unit()));
                        let (place, rest, again) = dispatch.run(Take {
                            values: &mut values,
                            length,
                            shares,
                        });
                        assert!(block[place] > f32::NEG_INFINITY && !places.contains(&place));
                        places.push(place);
                        if again.largest == f32::NEG_INFINITY {
                            assert_eq!(rest.largest, again.largest);
                            continue;
                        }
                        let bits = |sum: Sum| (sum.reference, sum.largest, sum.sum.to_bits());
                        assert_eq!(bits(rest), bits(again), "{level} {length} {spread}");
                    }
                    order.push(places);
                }
                assert!(order.windows(2).all(|pair| pair[0] == pair[1]));
            }
        }
    }

    #[test]
    fn the_log_sum_of_blocks_is_that_of_adding_them_one_by_one() {
        let mut random = Random::new(5);
        for count in 0..40 {
            let sums: Vec<Sum> = (0..count)
                .map(|_| {
                    let reference = random.unit() * 60.0 - 30.0;
                    let (largest, sum) = match random.unit() {
                        part if part < 0.2 => (f32::NEG_INFINITY, 0.0),
                        part => (reference + 3.0 * part, f64::from(1.0 + 50.0 * part)),
                    };
                    Sum {
                        reference,
                        largest,
                        sum,
                    }
                })
                .collect();
            let mut expected = RunningSum::EMPTY;
            sums.iter().for_each(|&sum| expected.add(sum));
            for level in Level::available() {
                let found = Dispatch::new(level).unwrap().run(Whole(&sums));
                assert_eq!(found.to_bits(), expected.ln().to_bits(), "{level} {count}");
            }
        }
    }
}
