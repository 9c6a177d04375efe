//! What finished hypotheses are ranked by: their log-probability under a penalty on length.

use crate::kernels::power::power;

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
            LengthPenalty::Power { alpha } => power(length.max(1) as f64, alpha),
            LengthPenalty::Gnmt { alpha } => power((5.0 + length as f64) / 6.0, alpha),
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
