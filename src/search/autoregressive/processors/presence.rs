//! The presence penalty.

#[cfg(feature = "serde")]
use super::occurrences::Fields;
use super::occurrences::Occurrences;
use super::{Earliest, LogitsProcessor, RowScores};
use crate::error::{Error, Kind};

/// Takes a penalty off the score of a token of the history, the prompt included, once (the
/// parameter `presence_penalty` of OpenAI's completions, which looks at generated tokens only
/// and applies before the log-softmax).
///
/// O(length) a row.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Fields", into = "Fields"))]
pub struct PresencePenalty {
    penalty: f64,
    occurrences: Occurrences,
}

impl PresencePenalty {
    /// Above 0 it discourages repetition, below 0 it invites it.
    ///
    /// # Errors
    ///
    /// If the penalty is not finite.
    pub fn new(penalty: f64) -> Result<Self, Error> {
        if !(penalty.is_finite()) {
            let what = "the presence penalty";
            let (value, limit) = (penalty, "finite");
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        Ok(PresencePenalty {
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

impl LogitsProcessor for PresencePenalty {
    fn process(&self, row: &mut RowScores<'_>) {
        let penalty = self.penalty;
        self.occurrences.map(row, |score, _| score - penalty);
    }

    /// What is impossible stays so, and nothing else becomes so.
    fn find_earliest(&self, _: &mut Earliest<'_>) {}

    fn check(&self, vocab: usize) -> Result<(), Error> {
        self.occurrences.check(vocab)
    }
}

#[cfg(feature = "serde")]
impl From<PresencePenalty> for Fields {
    fn from(penalty: PresencePenalty) -> Self {
        Fields::of(penalty.penalty, penalty.occurrences)
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Fields> for PresencePenalty {
    type Error = Error;

    /// What [`PresencePenalty::new`] refuses is refused.
    fn try_from(fields: Fields) -> Result<Self, Error> {
        let mut penalty = PresencePenalty::new(fields.penalty)?;
        penalty.occurrences = fields.occurrences();
        Ok(penalty)
    }
}
