//! The log-sum-exp of a row, the same bits at every level.
//!
//! The row is cut into blocks of [`BLOCK`] values. A block is summed relative
//! to its own maximum m: value i adds e^(x - m), in f32, to lane i mod
//! [`LANES`], in order of i; the lanes, as f64, are then added in a tree (lane
//! j and lane j + w, for w = 32, 16, ... 1). The blocks are put together in
//! order, in f64. Nothing depends on registers, threads or what else is
//! scanned, and the blocks of one row can be summed apart.
//!
//! f32 holds at most BLOCK / LANES = 32 additions of numbers in [0, 1], so
//! the error of the sum, exponentials included, stays below 4e-6 relative
//! and is typically 1e-7; that is the absolute error of the result.

use super::exp::exp_nonpositive_f64;
use super::ln::ln;
use crate::simd::ScalarF64;

/// Values summed relative to one maximum.
pub(crate) const BLOCK: usize = 2048;
/// Running sums within a block.
pub(crate) const LANES: usize = 64;

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
        *sum = f64::from(lane);
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
