//! The frequency penalty.

#[cfg(feature = "serde")]
use super::occurrences::Fields;
use super::occurrences::Occurrences;
use super::{Earliest, LogitsProcessor, RowScores};
use crate::error::{Error, Kind};

/// Takes a penalty off the score of a token of the history, the prompt included, for each
/// time that it has occurred (the parameter `frequency_penalty` of OpenAI's completions,
/// which counts generated tokens only and applies before the log-softmax).
///
/// O(length) a row.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Fields", into = "Fields"))]
pub struct FrequencyPenalty {
    penalty: f64,
    occurrences: Occurrences,
}

impl FrequencyPenalty {
    /// Above 0 it discourages repetition, below 0 it invites it.
    ///
    /// # Errors
    ///
    /// If the penalty is not finite.
    pub fn new(penalty: f64) -> Result<Self, Error> {
        if !(penalty.is_finite()) {
            let what = "the frequency penalty";
            let (value, limit) = (penalty, "finite");
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        Ok(FrequencyPenalty {
            penalty,
            occurrences: Occurrences::default(),
        })
    }

    /// Tokens of the prompt do not count, only those that were generated.
    #[must_use]
    pub fn generated_only(mut self) -> Self {
        self.occurrences.generated_only = true;
        self
    }

    /// Leaves these tokens as they are, beside those given before.
    #[must_use]
    pub fn with_exempt(mut self, tokens: impl IntoIterator<Item = u32>) -> Self {
        self.occurrences = self.occurrences.with_exempt(tokens);
        self
    }
}

impl LogitsProcessor for FrequencyPenalty {
    fn process(&self, row: &mut RowScores<'_>) {
        let penalty = self.penalty;
        self.occurrences
            .map(row, |score, count| score - penalty * count as f64);
    }

    /// What is impossible stays so, and nothing else becomes so.
    fn find_earliest(&self, _: &mut Earliest<'_>) {}

    fn check(&self, vocab: usize) -> Result<(), Error> {
        self.occurrences.check(vocab)
    }
}

#[cfg(feature = "serde")]
impl From<FrequencyPenalty> for Fields {
    fn from(penalty: FrequencyPenalty) -> Self {
        Fields::of(penalty.penalty, penalty.occurrences)
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Fields> for FrequencyPenalty {
    type Error = Error;

    /// What [`FrequencyPenalty::new`] refuses is refused.
    fn try_from(fields: Fields) -> Result<Self, Error> {
        let mut penalty = FrequencyPenalty::new(fields.penalty)?;
        penalty.occurrences = fields.occurrences();
        Ok(penalty)
    }
}
