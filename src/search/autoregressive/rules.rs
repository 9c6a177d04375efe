//! The rules by which hypotheses finish, are ranked, and end a search.

use crate::error::{Error, Kind};

/// What a finished hypothesis is ranked by: its log-probability divided by a
/// penalty on its length.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LengthPenalty {
    /// No penalty: the log-probability itself.
    None,
    /// `length^alpha`, where a length of 0 counts as 1. At an exponent of 1, the mean
    /// log-probability of a token.
    Power {
        /// The exponent; above 0 favours long hypotheses.
        alpha: f64,
    },
    /// `((5 + length) / 6)^alpha` (Wu et al. 2016, "Google's Neural Machine
    /// Translation System", section 7).
    Gnmt {
        /// The exponent; above 0 favours long hypotheses.
        alpha: f64,
    },
}

impl LengthPenalty {
    /// The score of a hypothesis of `length` tokens. Where the divisor underflows to 0, it
    /// is -infinity.
    pub(crate) fn apply(self, log_probability: f64, length: usize) -> f64 {
        let divisor = match self {
            LengthPenalty::None => return log_probability,
            LengthPenalty::Power { alpha } => (length.max(1) as f64).powf(alpha),
            LengthPenalty::Gnmt { alpha } => ((5.0 + length as f64) / 6.0).powf(alpha),
        };
        if divisor == 0.0 {
            f64::NEG_INFINITY
        } else {
            log_probability / divisor
        }
    }
}

/// Which tokens the length of a hypothesis counts, for its penalty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CountedLength {
    /// The generated tokens, those of the ending among them: an end token, or a stop sequence.
    Generated,
    /// The generated tokens but for the ending.
    WithoutEnd,
    /// The tokens of the prompt and the generated ones, but for the ending.
    WithPrompt,
}

impl CountedLength {
    /// The length of a hypothesis of `generated` tokens, of which the last `ending` are its
    /// ending: an end token or a stop sequence.
    pub(crate) fn count(self, prompt: usize, generated: usize, ending: usize) -> usize {
        match self {
            CountedLength::Generated => generated,
            CountedLength::WithoutEnd => generated - ending,
            CountedLength::WithPrompt => prompt.saturating_add(generated - ending),
        }
    }
}

/// When a request has found what it can, before its maximum length.
///
/// The first two rules need a full pool: as many finished hypotheses as beams.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Stopping {
    /// When the leader, at the length that it has now, would not beat the worst
    /// finished hypothesis. A longer one still might, where the penalty favours
    /// length.
    Heuristic {
        /// Whose log-probability is held against the pool.
        leader: Leader,
    },
    /// When no live hypothesis can beat the worst finished one at any length
    /// up to the maximum, provided that no processor raises a score above 0.
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

/// Which of a step's candidates that end with an end token finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EndRank {
    /// Those among the best k, for k beams.
    WithinBeam,
    /// Those among the best `(1 + max(1, end tokens)) * k`.
    Any,
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
        match self.stopping {
            Stopping::FirstFinished { patience } if !(patience > 0.0 && patience.is_finite()) => {
                refuse("patience", patience, "finite and above 0")
            }
            _ => Ok(()),
        }
    }
}
