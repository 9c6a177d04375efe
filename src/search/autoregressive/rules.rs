//! The rules by which hypotheses finish, are ranked, and end a search.

use super::length_penalty::{CountedLength, LengthPenalty};
use super::stopping::Stopping;
use crate::error::{Error, Kind};

/// Which of a step's candidates that end finish, where k is the number of beams that go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EndRank {
    /// Those among the best k, for k beams.
    WithinBeam,
    /// Those among the best `(1 + max(1, end tokens)) * k`; with stop sequences, their last
    /// tokens are counted with the end tokens, each once.
    Any,
    /// Those that are better than the last of the k that go on.
    BeforeLastBeam,
    /// Those of the best 2k tokens of their row, whatever their rank in the step. It is the one
    /// rule whose steps take more than O(k log k) beside the read of the rows: the best 2k of
    /// each of k rows are found, O(k^2 log k).
    WithinRow,
}

/// What a full pool does with one more finished hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WhenFull {
    /// A better one takes the place of the worst.
    ReplaceWorst,
    /// First come, first served.
    Keep,
}

/// What becomes of the hypotheses that are live at the maximum length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AtMaximum {
    /// They finish, cut by length, and compete with those that ended.
    Finish,
    /// They finish, cut by length, unless the stopping rule is met just then;
    /// else they are dropped.
    FinishUnlessDone,
    /// They finish, cut by length, if no hypothesis ended; else they are
    /// dropped.
    FinishIfNoneEnded,
    /// The last token is always an end token, at its own log-probability.
    /// Without end tokens this is [`AtMaximum::Finish`].
    ForceEnd,
    /// However the search ends, by the maximum length, its stopping rule or the caller, the
    /// best of them finish until the pool holds as many as there are beams.
    FillUp,
}

/// How many finished hypotheses the pool of a group holds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PoolSize {
    /// As many as beams, or as hypotheses are wanted
    /// ([`Request::with_n_best`](super::Request::with_n_best)) if these are more.
    Beams,
    /// `patience * beams`, rounded half to even, and at least one.
    Patience {
        /// 1 holds as many as beams.
        patience: f64,
    },
    /// All that finish. Its memory grows with every step.
    All,
}

/// How the hypotheses of a request finish, are ranked, and end its search.
///
/// [`Rules::plain`] and the published rules of other libraries are starting points; every
/// part can be set by itself.
///
/// ```
/// use widebeam::autoregressive::{LengthPenalty, Rules, Stopping};
///
/// let rules = Rules::plain()
///     .with_length_penalty(LengthPenalty::Gnmt { alpha: 0.6 })
///     .with_stopping(Stopping::FirstFinished { patience: 2.0 });
/// assert_ne!(rules, Rules::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Rules {
    pub(crate) length_penalty: LengthPenalty,
    pub(crate) counted: CountedLength,
    pub(crate) stopping: Stopping,
    pub(crate) end_rank: EndRank,
    pub(crate) when_full: WhenFull,
    pub(crate) at_maximum: AtMaximum,
    pub(crate) pool_size: PoolSize,
}

impl Default for Rules {
    /// [`Rules::plain`].
    fn default() -> Self {
        Rules::plain()
    }
}

impl Rules {
    /// What the log-probability is divided by.
    #[must_use]
    pub fn with_length_penalty(mut self, length_penalty: LengthPenalty) -> Self {
        self.length_penalty = length_penalty;
        self
    }

    /// Which tokens a length counts.
    #[must_use]
    pub fn with_counted(mut self, counted: CountedLength) -> Self {
        self.counted = counted;
        self
    }

    /// When a request is done.
    #[must_use]
    pub fn with_stopping(mut self, stopping: Stopping) -> Self {
        self.stopping = stopping;
        self
    }

    /// Which candidates finish.
    #[must_use]
    pub fn with_end_rank(mut self, end_rank: EndRank) -> Self {
        self.end_rank = end_rank;
        self
    }

    /// What a full pool does.
    #[must_use]
    pub fn with_when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// What the maximum length does.
    #[must_use]
    pub fn with_at_maximum(mut self, at_maximum: AtMaximum) -> Self {
        self.at_maximum = at_maximum;
        self
    }

    /// How many finished hypotheses a pool holds.
    #[must_use]
    pub fn with_pool_size(mut self, pool_size: PoolSize) -> Self {
        self.pool_size = pool_size;
        self
    }

    /// See [`Rules::with_length_penalty`].
    pub fn length_penalty(&self) -> LengthPenalty {
        self.length_penalty
    }

    /// See [`Rules::with_counted`].
    pub fn counted(&self) -> CountedLength {
        self.counted
    }

    /// See [`Rules::with_stopping`].
    pub fn stopping(&self) -> Stopping {
        self.stopping
    }

    /// See [`Rules::with_end_rank`].
    pub fn end_rank(&self) -> EndRank {
        self.end_rank
    }

    /// See [`Rules::with_when_full`].
    pub fn when_full(&self) -> WhenFull {
        self.when_full
    }

    /// See [`Rules::with_at_maximum`].
    pub fn at_maximum(&self) -> AtMaximum {
        self.at_maximum
    }

    /// See [`Rules::with_pool_size`].
    pub fn pool_size(&self) -> PoolSize {
        self.pool_size
    }

    /// If a number among the rules is not finite, or patience is not above 0.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |what, value, limit| Err(Kind::InvalidSetting { what, value, limit }.into());
        match self.length_penalty {
            LengthPenalty::Power { alpha } | LengthPenalty::Gnmt { alpha }
                if !alpha.is_finite() =>
            {
                return refuse("the exponent of the length penalty", alpha, "finite");
            }
            _ => {}
        }
        let patience = match self.stopping {
            Stopping::FirstFinished { patience } => Some(patience),
            _ => None,
        };
        let of_pool = match self.pool_size {
            PoolSize::Patience { patience } => Some(patience),
            _ => None,
        };
        let mut all = patience.into_iter().chain(of_pool);
        match all.find(|patience| !(*patience > 0.0 && patience.is_finite())) {
            Some(patience) => refuse("patience", patience, "finite and above 0"),
            None => Ok(()),
        }
    }
}
