//! The hash that toy models draw their scores from, and a toy scorer of the CTC search.

use super::scorers::PrefixScorer;
use crate::Scorer;

/// A hash of 64 bits (the finaliser of SplitMix64); `perf/peers/toy.py` has
/// the same.
pub fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A scorer that gives any score to any prefix.
///
/// A score is a hash of the prefix; some are equal, some forbid the prefix.
#[derive(Clone, Copy, Debug)]
pub struct Anything {
    /// Scorers of different seeds give different scores.
    pub seed: u64,
    /// Whether the end of input is scored.
    pub ends: bool,
}

impl Scorer for Anything {
    type State = u64;

    fn start(&self) -> u64 {
        self.seed
    }

    fn extend(&self, state: &u64, token: u32) -> (f64, u64) {
        let next = (state ^ u64::from(token + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let next = next ^ next >> 29;
        let score = match next % 17 {
            0 => f64::NEG_INFINITY,
            said => (said as f64 - 8.0) / 4.0,
        };
        (score, next)
    }

    fn finish(&self, state: &u64) -> f64 {
        if !self.ends {
            return 0.0;
        }
        match state / 17 % 11 {
            0 => f64::NEG_INFINITY,
            1 => f64::NAN,
            2 => f64::INFINITY,
            said => (said as f64 - 6.0) / 2.0,
        }
    }
}

impl PrefixScorer for Anything {
    fn last(&self, prefix: &[u32]) -> f64 {
        let walk = |(_, state): (f64, u64), &token| self.extend(&state, token);
        prefix.iter().fold((0.0, self.start()), walk).0
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        let walk = |state: u64, &token| self.extend(&state, token).1;
        self.finish(&prefix.iter().fold(self.start(), walk))
    }
}
