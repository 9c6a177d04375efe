//! The rules of Whisper's timestamps.

use super::{Earliest, LogitsProcessor, RowScores};
use crate::error::{Error, Kind};

/// The rules that make Whisper's timestamps come in pairs around each segment
/// (`ApplyTimestampRules` in `whisper/decoding.py`), to be applied before the log-softmax:
///
/// - A timestamp is followed by another one or by no text, in turn: after two, or after one
///   at the very beginning, comes text; after one, a timestamp or the end.
/// - Timestamps do not decrease, and a segment does not end where it begins.
/// - The first token is a timestamp, not later than the maximum for it.
/// - Where all timestamps together are more probable than each text token, only they are
///   possible.
///
/// Timestamps are the last tokens of the vocabulary. The end token lies below them, and text
/// below that. All is said of generated tokens: the prompt ends with the task's tokens.
/// O(length + vocabulary) a row.
///
/// ```
/// use widebeam::autoregressive::{MaximumLength, Request, WhisperTimestamps};
///
/// // The multilingual models of 99 languages.
/// let timestamps = WhisperTimestamps::new(50_364, 50_257)?
///     .with_no_timestamps(50_363)
///     .with_maximum_first(50);
/// let request = Request::new(5, MaximumLength(224))
///     .with_prompt([50_258, 50_259, 50_359])
///     .with_end_tokens([50_257])
///     .process_logits(timestamps);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Fields"))]
pub struct WhisperTimestamps {
    first: u32,
    end: u32,
    no_timestamps: Option<u32>,
    maximum_first: Option<u32>,
}

impl WhisperTimestamps {
    /// The rules for a vocabulary of which `first` is the first timestamp, and `end` the end
    /// token.
    ///
    /// # Errors
    ///
    /// If the end token is not below the timestamps.
    pub fn new(first: u32, end: u32) -> Result<Self, Error> {
        if end >= first {
            let what = "the end token of Whisper's timestamps";
            let (value, limit) = (f64::from(end), "below the first timestamp");
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        Ok(WhisperTimestamps {
            first,
            end,
            no_timestamps: None,
            maximum_first: None,
        })
    }

    /// The token that asks for no timestamps, which is forbidden.
    #[must_use]
    pub fn with_no_timestamps(mut self, token: u32) -> Self {
        self.no_timestamps = Some(token);
        self
    }

    /// How many tokens the first timestamp that is generated may be above that of 0 seconds:
    /// Whisper's `max_initial_timestamp`, 50 for a second.
    #[must_use]
    pub fn with_maximum_first(mut self, tokens: u32) -> Self {
        self.maximum_first = Some(tokens);
        self
    }

    fn is_timestamp(&self, token: &u32) -> bool {
        *token >= self.first
    }
}

impl LogitsProcessor for WhisperTimestamps {
    fn process(&self, row: &mut RowScores<'_>) {
        let WhisperTimestamps { first, end, .. } = *self;
        let all = u32::MAX;
        if let Some(token) = self.no_timestamps {
            row.forbid(token);
        }
        let tokens = row.generated();
        let latest = tokens.iter().rev().find(|token| self.is_timestamp(token));
        let last = tokens.last().is_some_and(|token| self.is_timestamp(token));
        let before_last = tokens.len().checked_sub(2).map(|at| &tokens[at]);
        let begins_segment = last && before_last.is_some_and(|token| !self.is_timestamp(token));
        if begins_segment {
            row.forbid_range(0..end);
        } else if last {
            row.forbid_range(first..all);
        }
        if let Some(&latest) = latest {
            row.forbid_range(first..latest.saturating_add(u32::from(!begins_segment)));
        }
        if tokens.is_empty() {
            row.forbid_range(0..first);
            if let Some(most) = self.maximum_first {
                row.forbid_range(first.saturating_add(most).saturating_add(1)..all);
            }
        }
        let text = row.largest(0..first);
        if row.log_sum_exp(first..all) > f64::from(text) {
            row.forbid_range(0..first);
        }
    }

    fn find_earliest(&self, earliest: &mut Earliest<'_>) {
        let most = self.maximum_first.unwrap_or(u32::MAX);
        let first = self.first..=self.first.saturating_add(most);
        earliest.update(|token, count| match first.contains(&token) {
            _ if self.no_timestamps == Some(token) => usize::MAX,
            true => count,
            false => count.max(1),
        });
    }

    fn check(&self, vocab: usize) -> Result<(), Error> {
        let named = [
            ("the first timestamp", Some(self.first)),
            ("the token of no timestamps", self.no_timestamps),
        ];
        for (what, token) in named {
            if let Some(token) = token.filter(|&token| token as usize >= vocab) {
                return Err(Kind::UnknownToken { what, token, vocab }.into());
            }
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    first: u32,
    end: u32,
    no_timestamps: Option<u32>,
    maximum_first: Option<u32>,
}

#[cfg(feature = "serde")]
impl TryFrom<Fields> for WhisperTimestamps {
    type Error = Error;

    /// What [`WhisperTimestamps::new`] refuses is refused.
    fn try_from(fields: Fields) -> Result<Self, Error> {
        Ok(WhisperTimestamps {
            no_timestamps: fields.no_timestamps,
            maximum_first: fields.maximum_first,
            ..WhisperTimestamps::new(fields.first, fields.end)?
        })
    }
}
