//! What a word of an n-gram model adds to a score.

use std::f64::consts::LN_10;

use super::ngram::{NgramModel, NgramState};
use crate::error::{Error, Kind};

/// Whether the word under way is scored before it is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Lookahead {
    /// No: a word scores when it is complete.
    #[default]
    None,
    /// By the best log-probability without a context of the words that begin so. It is taken
    /// back when the word is complete and has its own score (Steinbiss et al. 1994).
    Unigram,
}

/// The weights of a word n-gram model.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordScore {
    pub(super) weight: f64,
    pub(super) bonus: f64,
    pub(super) unknown: f64,
}

impl WordScore {
    pub(super) const DEFAULT: WordScore = WordScore {
        weight: 1.0,
        bonus: 0.0,
        unknown: 0.0,
    };

    /// A log10-probability as a part of the score. With a weight of 0, what is impossible for
    /// the model is possible.
    #[inline]
    pub(super) fn weighted(&self, log10: f32) -> f64 {
        let log10 = f64::from(log10);
        if self.weight == 0.0 && log10 == f64::NEG_INFINITY {
            return 0.0;
        }
        self.weight * (log10 * LN_10)
    }

    /// The score of a word.
    #[inline]
    pub(super) fn of(&self, log10: f32, is_unknown: bool) -> f64 {
        let score = self.weighted(log10) + self.bonus;
        match is_unknown {
            true => score + self.unknown,
            false => score,
        }
    }

    /// An upper bound of the score of any word after a state; infinity if there is none.
    #[inline]
    pub(super) fn max(&self, state: &NgramState) -> f64 {
        if self.weight < 0.0 {
            return f64::INFINITY;
        }
        let score = self.weighted(state.max_log10()) + self.bonus;
        score.max(score + self.unknown)
    }
}

/// The id of the unknown word in every model.
pub(super) const UNKNOWN: u32 = 0;

/// The state that a model begins with.
pub(super) fn start_of(model: &impl AsRef<NgramModel>, bos: bool) -> NgramState {
    match bos {
        true => model.as_ref().start_state(),
        false => NgramState::EMPTY,
    }
}

/// The word that a model ends with.
pub(super) fn end_of(model: &impl AsRef<NgramModel>, eos: bool) -> Option<u32> {
    model.as_ref().word("</s>").filter(|_| eos)
}

/// The value of a setting.
///
/// # Errors
///
/// If it is not finite.
pub(super) fn finite(what: &'static str, value: f64) -> Result<f64, Error> {
    if value.is_finite() {
        return Ok(value);
    }
    let limit = "a finite number";
    Err(Kind::InvalidSetting { what, value, limit }.into())
}
