//! The log-sum-exp of a row, the same bits at every level.
//!
//! The row is cut into blocks of [`BLOCK`] values. The exponentials of a block are
//! taken relative to its *reference*, the largest of its first
//! [`STRIPE`](super::scan::STRIPE) values, so that one read is enough: no need to
//! know its maximum first. If its largest value is more than [`REACH`] above that,
//! or the reference is -infinity, the block is summed again, relative to its own
//! largest value.
//!
//! Value i of a block adds e^(x - reference), in f32, to lane i mod [`LANES`], in
//! order of i. A lane is summed in sections, which are then added up, in f32 and in
//! order: the first is of 29 values, the others of 32. (Exponentials come out three
//! vectors late, and that is how many have come out at the end of [`SECTION`]
//! values.) The lanes, as f64, are added in a tree (lane j and lane j + w, for
//! w = 8, 4, 2, 1), those below [`LEAST`] as nothing. The blocks are put together in
//! order, in f64. The logarithm of that is at least the largest value of the row,
//! or is made so: no log-probability is above 0.
//!
//! Nothing depends on registers, threads or what else is scanned, and the blocks of
//! one row can be summed apart.
//!
//! A value passes through at most 32 + 5 additions in f32, each rounded by 2^-24 of
//! what it adds to: 2.2e-6. An exponential is off by 6.1 + 5/4 |x| ULP, which
//! weighs most where all that counts lies [`REACH`] above the reference: 3.2e-6; and
//! their difference, rounded, by up to 5e-7. So the error of the sum stays below
//! 6e-6 relative and is typically 1e-7; that is the absolute error of the result.

use super::exp::exp_nonpositive_f64;
use super::ln::ln;
use crate::simd::ScalarF64;

/// Values whose sum is put together in f64.
pub(crate) const BLOCK: usize = 2048;
/// Running sums within a block: two registers of AVX2, which leaves enough of them
/// for the exponentials on their way. Two more did not, and took 18 % more time.
pub(crate) const LANES: usize = 16;
/// Values of a block between the ends of two sections.
pub(crate) const SECTION: usize = 512;
/// How far above the reference a value may lie.
pub(crate) const REACH: f32 = 16.0;
/// A lane below it counts as nothing; the lane of a block's reference is at least 1.
///
/// So what fills up a row, by 2^-120 a value, changes no bit: a lane of
/// `LEAST` or more is too large for that, and a smaller one remains smaller.
const LEAST: f32 = f32::from_bits((127 - 64) << 23);

/// The exponentials of a block added up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    /// What they are relative to.
    pub(crate) reference: f32,
    /// The largest value.
    pub(crate) largest: f32,
    /// Of e^(x - reference).
    pub(crate) sum: f64,
}

impl Sum {
    /// Whether no value is too far above the reference. False if it cannot be told,
    /// because of a NaN.
    #[inline(always)]
    pub(crate) fn in_reach(&self) -> bool {
        self.largest == f32::NEG_INFINITY || self.largest - self.reference <= REACH
    }
}

/// The sum of exponentials of the blocks so far, as `sum * e^reference`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunningSum {
    reference: f64,
    largest: f64,
    sum: f64,
}

impl RunningSum {
    /// Of nothing.
    pub(crate) const EMPTY: RunningSum = RunningSum {
        reference: f64::NEG_INFINITY,
        largest: f64::NEG_INFINITY,
        sum: 0.0,
    };

    /// Adds a block. One whose values are all -infinity adds nothing.
    #[inline]
    pub(crate) fn add(&mut self, block: Sum) {
        if block.largest == f32::NEG_INFINITY {
            return;
        }
        self.largest = self.largest.max(f64::from(block.largest));
        let reference = f64::from(block.reference);
        if self.sum == 0.0 {
            // Most rows are one block, and an exponential of nothing takes as long as any.
            (self.sum, self.reference) = (block.sum, reference);
        } else if reference > self.reference {
            self.sum = self.sum * exp(self.reference - reference) + block.sum;
            self.reference = reference;
        } else {
            self.sum += block.sum * exp(reference - self.reference);
        }
    }

    /// The log-sum-exp, at least the largest value; -infinity of nothing, and of a
    /// sum that is NaN.
    #[inline]
    pub(crate) fn ln(self) -> f64 {
        if self.sum > 0.0 {
            (self.reference + ln(self.sum)).max(self.largest)
        } else if self.sum.is_nan() {
            f64::NEG_INFINITY
        } else {
            // -infinity of nothing. Else scores changed while they were read, as
            // those of a mapped file can, and nothing is left of the sum.
            self.largest
        }
    }
}

#[inline]
fn exp(x: f64) -> f64 {
    exp_nonpositive_f64(ScalarF64(x)).0
}

/// The lanes of a block added in a tree.
#[inline(always)]
pub(crate) fn add_lanes(lanes: &[f32; LANES]) -> f64 {
    let mut sums = [0.0; LANES];
    for (sum, &lane) in sums.iter_mut().zip(lanes) {
        // NaN is not below.
        *sum = f64::from(if lane < LEAST { 0.0 } else { lane });
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::super::scan::STRIPE;
    use super::*;
    use crate::random::Random;
    use crate::reference::log_sum_exp;

    /// The error of the definition, which every level keeps to the bit: the
    /// tests of `top_k` see to that.
    fn error(row: &[f32]) -> f64 {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let distances = row.iter().map(|&x| f64::from(x) - f64::from(max));
        let exact = f64::from(max) + distances.map(f64::exp).sum::<f64>().ln();
        (log_sum_exp(row) - exact).abs()
    }

    #[test]
    fn typical_error_is_1e_7() {
        let mut random = Random::new(1);
        let mut total = 0.0;
        for row in 0..200 {
            // Bell-shaped, within 14 of 0.
            let mut logit = || ((0..4).map(|_| random.unit()).sum::<f32>() - 2.0) * 7.0;
            let error = error(&(0..5000).map(|_| logit()).collect::<Vec<f32>>());
            assert!(error < 1e-6, "{error:e} in row {row}");
            total += error;
        }
        assert!(total / 200.0 < 1e-7, "{:e} on average", total / 200.0);
    }

    /// One maximum, and all others at one distance from it; the first of them lower
    /// by up to what a reference may be, so that it is, or lower than that.
    #[test]
    fn largest_error_is_below_6e_6() {
        let mut worst = 0.0f64;
        for step in 0..3000 {
            let distance = step as f32 / 150.0;
            // Several blocks are as bad as one: a few distances of them will do.
            let longest = if step % 10 == 0 { 3 } else { 2 };
            for &length in &[BLOCK, 2 * STRIPE, 5 * BLOCK + 700][..longest] {
                for lower in [0.0, REACH - distance, REACH, 3.0 * REACH] {
                    let mut row = vec![-distance; length];
                    if lower > 0.0 {
                        for block in row.chunks_mut(BLOCK) {
                            let first = STRIPE.min(block.len() / 2);
                            block[..first].fill(-distance - lower);
                        }
                    }
                    row[length - 300.min(length / 3)] = 0.0;
                    worst = worst.max(error(&row));
                }
            }
        }
        assert!(worst < 6e-6, "{worst:e}");
        assert!(worst > 4e-7, "the rows are not bad: {worst:e}");
    }

    /// Of one value, that many times.
    fn block(reference: f32, largest: f32, times: f64) -> Sum {
        Sum {
            reference,
            largest,
            sum: times,
        }
    }

    #[test]
    fn blocks_are_added_relative_to_the_higher_reference() {
        for (first, second) in [
            (0.0, 0.0),
            (0.0, 3.0),
            (3.0, 0.0),
            (-5.0, -900.0),
            (-900.0, -5.0),
        ] {
            let mut sum = RunningSum::EMPTY;
            sum.add(block(first, first, 2.0));
            sum.add(block(second, second, 5.0));
            let higher = f64::from(first.max(second));
            let of = |reference: f32| (f64::from(reference) - higher).exp();
            let exact = higher + (2.0 * of(first) + 5.0 * of(second)).ln();
            assert!(
                (sum.ln() - exact).abs() < 1e-12,
                "{first} {second}: {}",
                sum.ln()
            );
        }
    }

    #[test]
    fn the_largest_value_is_that_of_all_blocks() {
        // A sum too small for its largest value, as rounding can leave it.
        for order in [[0, 1, 2], [1, 0, 2], [1, 2, 0]] {
            let blocks = [
                block(-3.0, 7.0, 0.5),
                block(-3.0, -3.0, 1.0),
                block(-4.0, -2.0, 1.0),
            ];
            let mut sum = RunningSum::EMPTY;
            for number in order {
                sum.add(blocks[number]);
            }
            assert_eq!(sum.ln(), 7.0, "{order:?}");
        }
    }

    #[test]
    fn sums_of_nothing_and_of_no_number() {
        let nothing = f32::NEG_INFINITY;
        assert_eq!(RunningSum::EMPTY.ln(), f64::NEG_INFINITY);
        let mut sum = RunningSum::EMPTY;
        sum.add(block(nothing, nothing, 3.0));
        assert_eq!(sum.ln(), f64::NEG_INFINITY);
        sum.add(block(1.5, 1.5, 1.0));
        sum.add(block(nothing, nothing, 3.0));
        assert_eq!(sum.ln(), 1.5);
        // As of scores that change while they are read.
        sum.add(block(1.5, 1.5, f64::NAN));
        assert_eq!(sum.ln(), f64::NEG_INFINITY);
        let mut sum = RunningSum::EMPTY;
        sum.add(block(1.5, 2.5, 0.0));
        assert_eq!(sum.ln(), 2.5);
    }

    #[test]
    fn values_are_in_reach_up_to_16_above_the_reference() {
        let in_reach = |reference, largest| block(reference, largest, 1.0).in_reach();
        assert!(in_reach(-9.0, 7.0) && in_reach(7.0, 7.0) && in_reach(8.0, 7.0));
        assert!(in_reach(0.0, REACH) && !in_reach(0.0, REACH.next_up()));
        let nothing = f32::NEG_INFINITY;
        assert!(in_reach(nothing, nothing) && !in_reach(nothing, -1e30));
        assert!(!in_reach(f32::NAN, 0.0) && !in_reach(0.0, f32::NAN));
    }

    /// Powers of 2 that f64 adds exactly: every lane counts once, if it is not too small.
    #[test]
    fn lanes_are_added_once_each() {
        let powers: [f32; LANES] = std::array::from_fn(|lane| 2f32.powi(lane as i32));
        assert_eq!(add_lanes(&powers), 65_535.0);
        for lane in 0..LANES {
            let mut lanes = [0.0; LANES];
            for (value, counts) in [(3.5, true), (LEAST, true), (LEAST.next_down(), false)] {
                lanes[lane] = value;
                let expected = if counts { f64::from(value) } else { 0.0 };
                assert_eq!(add_lanes(&lanes), expected, "{lane}");
            }
            lanes[lane] = f32::NAN;
            assert!(add_lanes(&lanes).is_nan(), "{lane}");
        }
        // Lane j and lane j + 8 first: what they make together is not lost beside 1.
        let small = 0.75 * f32::EPSILON * f32::EPSILON;
        let mut lanes = [0.0; LANES];
        (lanes[0], lanes[8]) = (1.0, 2f32.powi(-53));
        (lanes[4], lanes[12]) = (2f32.powi(-53), small);
        let first = (1.0 + 2f64.powi(-53)) + (2f64.powi(-53) + f64::from(small));
        assert_eq!(add_lanes(&lanes), first);
    }

    /// e^-16 = 1.1e-7, of which the other values make no more than the error.
    #[test]
    fn never_below_the_largest_value() {
        for step in 0..=1600 {
            let mut row = vec![-1e4; 200];
            row[0] = -(step as f32) / 100.0;
            row[150] = 0.0;
            let sum = log_sum_exp(&row);
            assert!(
                (0.0..6e-6 + f64::from(row[0]).exp()).contains(&sum),
                "{sum:e}"
            );
        }
    }
}
