//! When a request has found what it can.

/// When a request has found what it can, before its maximum length.
///
/// Where a rule needs a full pool, [`PoolSize`](super::PoolSize) says how many finished
/// hypotheses that is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Stopping {
    /// When the pool is full and the leader, at the length that it has now, would not beat the worst
    /// finished hypothesis. A longer one still might, where the penalty favours
    /// length.
    Heuristic {
        /// Whose log-probability is held against the pool.
        leader: Leader,
    },
    /// When the pool is full and no live hypothesis can beat the worst finished one at any length
    /// up to the maximum, provided that no processor raises a score above 0. The length of one
    /// that a stop sequence ends may be less than it is now, where endings are not counted
    /// ([`CountedLength`](super::CountedLength)).
    Exhaustive,
    /// When `round(patience * beams)` hypotheses, and at least one, have
    /// finished (Kasai et al. 2022, "A Call for Clarity in Beam Search").
    /// Those that were later pushed out of the pool count.
    FirstFinished {
        /// 1 stops at as many finished hypotheses as beams.
        patience: f64,
    },
    /// When the best candidate of some step has ended, and this many
    /// hypotheses have finished. Without a length penalty nothing found later
    /// can beat that candidate.
    BestFinished {
        /// How many to wait for; more than there are beams means the beams.
        hypotheses: usize,
    },
    /// Never before the maximum length, unless nothing is live any more.
    Never,
    /// When the pool is full.
    PoolFull,
}

/// The candidate that [`Stopping::Heuristic`] looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Leader {
    /// The best that goes on.
    Live,
    /// The best of the step, even where it has just ended.
    Any,
}
