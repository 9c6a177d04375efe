//! No n-gram twice.

use super::{Earliest, LogitsProcessor, RowScores};
use crate::error::{Error, Kind};

/// Makes impossible every token that would repeat an n-gram of the history,
/// the prompt included. O(length) a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct NoRepeatNgram {
    size: usize,
}

impl NoRepeatNgram {
    /// For n-grams of `size` tokens; of 1, no token comes twice.
    ///
    /// # Errors
    ///
    /// If `size` is 0.
    pub fn new(size: usize) -> Result<Self, Error> {
        if size == 0 {
            let what = "the size of n-grams that must not repeat";
            let (value, limit) = (0.0, "at least 1");
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        Ok(NoRepeatNgram { size })
    }
}

impl LogitsProcessor for NoRepeatNgram {
    fn process(&self, row: &mut RowScores<'_>) {
        let history = row.history();
        let Some(start) = (history.len() + 1).checked_sub(self.size) else {
            return;
        };
        let begun = &history[start..];
        for ngram in history.windows(self.size) {
            if ngram.starts_with(begun) {
                row.forbid(ngram[self.size - 1]);
            }
        }
    }

    fn find_earliest(&self, earliest: &mut Earliest<'_>) {
        if self.size == 1 {
            for at in 0..earliest.prompt().len() {
                earliest.raise(earliest.prompt()[at], usize::MAX);
            }
        }
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for NoRepeatNgram {
    /// What [`NoRepeatNgram::new`] refuses is refused.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(usize::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
