//! The repetition penalty.

use super::{LogitsProcessor, RowScores};
use crate::error::{Error, Kind};

/// Makes tokens of the history, the prompt included, less likely: a negative
/// score is multiplied by the penalty, a positive one divided by it (Keskar et
/// al. 2019, "CTRL", section 4.1, as Hugging Face has it).
///
/// CTranslate2 applies it before the log-softmax, Hugging Face's beam search
/// after. O(length) a row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct RepetitionPenalty {
    penalty: f64,
}

impl RepetitionPenalty {
    /// Above 1 it discourages repetition, below 1 it invites it.
    ///
    /// # Errors
    ///
    /// If the penalty is not finite and above 0.
    pub fn new(penalty: f64) -> Result<Self, Error> {
        if !(penalty > 0.0 && penalty.is_finite()) {
            let what = "the repetition penalty";
            let (value, limit) = (penalty, "finite and above 0");
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        Ok(RepetitionPenalty { penalty })
    }
}

impl LogitsProcessor for RepetitionPenalty {
    fn process(&self, row: &mut RowScores<'_>) {
        let penalty = self.penalty;
        row.map_history(|score| {
            if score < 0.0 {
                score * penalty
            } else {
                score / penalty
            }
        });
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for RepetitionPenalty {
    /// What [`RepetitionPenalty::new`] refuses is refused.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
