//! The log-sum-exp of a row, the same bits at every level.
//!
//! The row is cut into blocks of [`BLOCK`] values. A block is summed relative
//! to its own maximum m: value i adds e^(x - m), in f32, to lane i mod
//! [`LANES`], in order of i; the lanes, as f64, are then added in a tree (lane
//! j and lane j + w, for w = 16, 8, ... 1), those below [`LEAST`] as nothing.
//! The blocks are put together in order, in f64. Nothing depends on registers,
//! threads or what else is scanned, and the blocks of one row can be summed
//! apart.
//!
//! f32 holds at most BLOCK / LANES = 64 additions of numbers in [0, 1], each
//! rounded by 2^-24 of a lane: 4e-6. An exponential is off by 6.1 + 5/4 |x| ULP,
//! which weighs most where 2047 values lie about 7 below the one maximum of a
//! block: 2e-6. So the error of the sum stays below 6e-6 relative and is
//! typically 1e-7; that is the absolute error of the result.

use super::exp::exp_nonpositive_f64;
use super::ln::ln;
use crate::simd::ScalarF64;

/// Values summed relative to one maximum.
pub(crate) const BLOCK: usize = 2048;
/// Running sums within a block.
///
/// As 32 take four registers of AVX2, they stay in registers beside the
/// exponentials; 64 did not, and took 7 % more time.
pub(crate) const LANES: usize = 32;
/// A lane below it counts as nothing; the lane of a block's maximum is above 1.
///
/// So what fills up a row, by 2^-120 a value, changes no bit: a lane of
/// `LEAST` or more is too large for that, and a smaller one remains smaller.
const LEAST: f32 = f32::from_bits((127 - 64) << 23);

/// The sum of exponentials of the blocks so far, as `sum * e^max`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunningSum {
    max: f64,
    sum: f64,
}

impl RunningSum {
    /// Of nothing.
    pub(crate) const EMPTY: RunningSum = RunningSum {
        max: f64::NEG_INFINITY,
        sum: 0.0,
    };

    /// Adds a block by its maximum and its sum relative to that. A block whose
    /// maximum is -infinity adds nothing.
    #[inline]
    pub(crate) fn add(&mut self, max: f32, sum: f64) {
        let max = f64::from(max);
        if max == f64::NEG_INFINITY {
            return;
        }
        if max > self.max {
            self.sum = self.sum * exp(self.max - max) + sum;
            self.max = max;
        } else {
            self.sum += sum * exp(max - self.max);
        }
    }

    /// The log-sum-exp; -infinity of nothing.
    #[inline]
    pub(crate) fn ln(self) -> f64 {
        if self.sum > 0.0 {
            self.max + ln(self.sum)
        } else {
            f64::NEG_INFINITY
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
    use super::*;
    use crate::measure::random_score;
    use crate::reference::log_sum_exp;
    use crate::scores::ScoreKind::Logits;

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
        let mut total = 0.0;
        for row in 0..200u64 {
            let logit = |token| random_score(Logits, 5000, row * 5000 + token);
            let error = error(&(0..5000).map(logit).collect::<Vec<f32>>());
            assert!(error < 1e-6, "{error:e} in row {row}");
            total += error;
        }
        assert!(total / 200.0 < 1e-7, "{:e} on average", total / 200.0);
    }

    /// One maximum, and all others at one distance from it.
    #[test]
    fn largest_error_is_below_6e_6() {
        let mut worst = 0.0f64;
        for distance in 0..3000 {
            for length in [BLOCK, 2 * LANES, 5 * BLOCK + 700] {
                let mut row = vec![-(distance as f32) / 150.0; length];
                row[length / 3] = 0.0;
                worst = worst.max(error(&row));
            }
        }
        assert!(worst < 6e-6, "{worst:e}");
        assert!(worst > 4e-7, "the rows are not bad: {worst:e}");
    }
}
