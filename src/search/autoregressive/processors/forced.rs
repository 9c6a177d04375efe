//! Forced first and last tokens.

use super::{Earliest, LogitsProcessor, RowScores};
use crate::error::{Error, Kind};

/// The score of a forced token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ForcedScore {
    /// The one the model gives it: fairseq's way.
    Own,
    /// 0, a probability of 1, even where the model has it impossible: Hugging
    /// Face's way, after the log-softmax.
    Certain,
}

fn force(row: &mut RowScores<'_>, token: u32, score: ForcedScore) {
    row.permit_only([token]);
    if score == ForcedScore::Certain {
        row.set(token, 0.0);
    }
}

fn check_token(what: &'static str, token: u32, vocab: usize) -> Result<(), Error> {
    if token as usize >= vocab {
        return Err(Kind::UnknownToken { what, token, vocab }.into());
    }
    Ok(())
}

/// Makes one token the only possible first token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ForcedFirst {
    token: u32,
    score: ForcedScore,
}

impl ForcedFirst {
    /// Forces `token`, which gets this score.
    pub fn new(token: u32, score: ForcedScore) -> Self {
        ForcedFirst { token, score }
    }
}

impl LogitsProcessor for ForcedFirst {
    fn process(&self, row: &mut RowScores<'_>) {
        if row.generated().is_empty() {
            force(row, self.token, self.score);
        }
    }

    fn find_earliest(&self, earliest: &mut Earliest<'_>) {
        let certain = self.score == ForcedScore::Certain;
        earliest.update(|token, count| match token == self.token {
            false => count.max(1),
            true if certain => 0,
            true => count,
        });
    }

    fn check(&self, vocab: usize) -> Result<(), Error> {
        check_token("the forced first token", self.token, vocab)
    }
}

/// Makes one token the only possible one at the maximum length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ForcedLast {
    token: u32,
    score: ForcedScore,
}

impl ForcedLast {
    /// Forces `token`, which gets this score.
    pub fn new(token: u32, score: ForcedScore) -> Self {
        ForcedLast { token, score }
    }
}

impl LogitsProcessor for ForcedLast {
    fn process(&self, row: &mut RowScores<'_>) {
        if row.is_last() {
            force(row, self.token, self.score);
        }
    }

    fn find_earliest(&self, earliest: &mut Earliest<'_>) {
        let before = earliest.max_length().saturating_sub(1);
        let certain = self.score == ForcedScore::Certain;
        earliest.update(|token, count| match token == self.token {
            // The first token is the last one.
            false if before == 0 => usize::MAX,
            true if certain => count.min(before),
            _ => count,
        });
    }

    fn check(&self, vocab: usize) -> Result<(), Error> {
        check_token("the forced last token", self.token, vocab)
    }
}
