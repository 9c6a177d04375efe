//! The repetition penalty.

#[cfg(feature = "serde")]
use super::occurrences::Fields;
use super::occurrences::Occurrences;
use super::{Earliest, LogitsProcessor, RowScores};
use crate::error::{Error, Kind};

/// Makes tokens of the history, the prompt included, less likely: a negative
/// score is multiplied by the penalty, a positive one divided by it (Keskar et
/// al. 2019, "CTRL", section 4.1, as Hugging Face has it).
///
/// CTranslate2 applies it before the log-softmax, Hugging Face's beam search
/// after. O(length) a row.
///
/// ```
/// use widebeam::autoregressive::{MaximumLength, RepetitionPenalty, Request};
///
/// let penalty = RepetitionPenalty::new(1.2)?.generated_only().with_exempt([13]);
/// let request = Request::new(4, MaximumLength(64)).process_logits(penalty);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Fields", into = "Fields"))]
pub struct RepetitionPenalty {
    penalty: f64,
    occurrences: Occurrences,
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
        Ok(RepetitionPenalty {
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

impl LogitsProcessor for RepetitionPenalty {
    fn process(&self, row: &mut RowScores<'_>) {
        let penalty = self.penalty;
        self.occurrences.map(row, |score, _| {
            if score < 0.0 {
                score * penalty
            } else {
                score / penalty
            }
        });
    }

    /// What is impossible stays so, and nothing else becomes so.
    fn find_earliest(&self, _: &mut Earliest<'_>) {}

    fn check(&self, vocab: usize) -> Result<(), Error> {
        self.occurrences.check(vocab)
    }
}

#[cfg(feature = "serde")]
impl From<RepetitionPenalty> for Fields {
    fn from(penalty: RepetitionPenalty) -> Self {
        Fields::of(penalty.penalty, penalty.occurrences)
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Fields> for RepetitionPenalty {
    type Error = Error;

    /// What [`RepetitionPenalty::new`] refuses is refused.
    fn try_from(fields: Fields) -> Result<Self, Error> {
        let mut penalty = RepetitionPenalty::new(fields.penalty)?;
        penalty.occurrences = fields.occurrences();
        Ok(penalty)
    }
}
