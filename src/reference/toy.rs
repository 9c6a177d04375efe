//! The hash that toy models draw their scores from, and a toy scorer of the CTC search.

use super::scorers::PrefixScorer;
use crate::scorers::Scorer;

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

    fn score(&self, state: &u64, token: u32) -> f64 {
        match self.advance(state, token) % 17 {
            0 => f64::NEG_INFINITY,
            said => (said as f64 - 8.0) / 4.0,
        }
    }

    fn advance(&self, state: &u64, token: u32) -> u64 {
        let next = (state ^ u64::from(token + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        next ^ next >> 29
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
        let (last, before) = prefix.split_last().expect("a token");
        self.score(&self.after(before), *last)
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        self.finish(&self.after(prefix))
    }
}

impl Anything {
    fn after(&self, prefix: &[u32]) -> u64 {
        let walk = |state: u64, &token| self.advance(&state, token);
        prefix.iter().fold(self.start(), walk)
    }
}
