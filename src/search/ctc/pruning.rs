//! What the search may leave out, if it is told to.

use crate::error::{Error, Kind};

/// Pruning of a CTC search; none by default.
///
/// What is pruned from a frame is impossible in it, for repeats of a prefix's
/// last token too. The blank is never pruned.
///
/// Limits that leave no token, or are no numbers, are refused by
/// [`CtcSearch::with_pruning`](super::CtcSearch::with_pruning).
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct CtcPruning {
    pub(crate) top_tokens: Option<usize>,
    pub(crate) min_token_log_probability: Option<f64>,
    pub(crate) score_threshold: Option<f64>,
    pub(crate) blank_skip: Option<f64>,
    pub(crate) commit_delay: Option<usize>,
}

impl CtcPruning {
    /// No pruning.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Of each frame, only the `count` best tokens, 1 or more, beside the blank.
    #[must_use]
    pub fn with_top_tokens(mut self, count: usize) -> Self {
        self.top_tokens = Some(count);
        self
    }

    /// Of each frame, only tokens of at least this log-probability, 0 or less.
    #[must_use]
    pub fn with_min_token_log_probability(mut self, least: f64) -> Self {
        self.min_token_log_probability = Some(least);
        self
    }

    /// After each frame, only prefixes that score at most `distance`, 0 or more,
    /// below the best.
    #[must_use]
    pub fn with_score_threshold(mut self, distance: f64) -> Self {
        self.score_threshold = Some(distance);
        self
    }

    /// Of a frame whose blank has at least this log-probability, 0 or less
    /// (`0.99f64.ln()`, say), only the blank. The frame still separates repeats, and its blank still counts.
    #[must_use]
    pub fn with_blank_skip(mut self, log_probability: f64) -> Self {
        self.blank_skip = Some(log_probability);
        self
    }

    /// Every `delay` frames, 1 or more, only prefixes that agree with the best one
    /// in the tokens that its best alignment entered more than `delay` frames ago.
    ///
    /// The emissions of later frames never make up for a near-tie of earlier
    /// ones, so without this the two sides of the nearest tie of a stream live
    /// side by side for ever, and all tokens since then are held twice. This
    /// bounds the memory of a stream and the age of what is not yet stable.
    #[must_use]
    pub fn with_commit_delay(mut self, delay: usize) -> Self {
        self.commit_delay = Some(delay);
        self
    }

    /// See [`CtcPruning::with_top_tokens`]; `None` if it is off, as for all below.
    pub fn top_tokens(&self) -> Option<usize> {
        self.top_tokens
    }

    /// See [`CtcPruning::with_min_token_log_probability`].
    pub fn min_token_log_probability(&self) -> Option<f64> {
        self.min_token_log_probability
    }

    /// See [`CtcPruning::with_score_threshold`].
    pub fn score_threshold(&self) -> Option<f64> {
        self.score_threshold
    }

    /// See [`CtcPruning::with_blank_skip`].
    pub fn blank_skip(&self) -> Option<f64> {
        self.blank_skip
    }

    /// See [`CtcPruning::with_commit_delay`].
    pub fn commit_delay(&self) -> Option<usize> {
        self.commit_delay
    }

    /// Whether a frame whose blank has this log-probability is skipped.
    pub(super) fn skips(&self, blank: f64) -> bool {
        self.blank_skip.is_some_and(|limit| blank >= limit)
    }

    /// Whether any token may matter in any frame.
    pub(super) fn keeps_tokens(&self) -> bool {
        self.top_tokens.is_none()
            && self.min_token_log_probability.is_none()
            && self.blank_skip.is_none()
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        const INFINITY: f64 = f64::INFINITY;
        let count = |n: Option<usize>| n.map(|n| n as f64);
        let settings = [
            (
                "the number of top tokens",
                count(self.top_tokens),
                (1.0..=INFINITY, "1 or more"),
            ),
            (
                "the minimum token log-probability",
                self.min_token_log_probability,
                // Above that of a certain token none is left.
                (-INFINITY..=0.0, "0 or less"),
            ),
            (
                "the score threshold",
                self.score_threshold,
                (0.0..=INFINITY, "0 or more"),
            ),
            (
                "the blank skip",
                self.blank_skip,
                // Above that of a certain blank nothing is skipped.
                (-INFINITY..=0.0, "0 or less"),
            ),
            (
                "the commit delay",
                count(self.commit_delay),
                (1.0..=INFINITY, "1 or more"),
            ),
        ];
        for (what, value, (allowed, limit)) in settings {
            // No range holds NaN.
            if let Some(value) = value.filter(|value| !allowed.contains(value)) {
                return Err(Kind::InvalidSetting { what, value, limit }.into());
            }
        }
        Ok(())
    }
}
