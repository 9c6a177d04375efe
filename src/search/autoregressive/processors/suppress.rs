//! Tokens that must not come up.

use super::{Earliest, LogitsProcessor, RowScores};
use crate::error::{Error, Kind};

/// Makes tokens impossible, at every step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Suppress(pub Vec<u32>);

impl LogitsProcessor for Suppress {
    fn process(&self, row: &mut RowScores<'_>) {
        for &token in &self.0 {
            row.forbid(token);
        }
    }

    fn find_earliest(&self, earliest: &mut Earliest<'_>) {
        let tokens = self.0.iter();
        tokens.for_each(|&token| earliest.raise(token, usize::MAX));
    }

    fn check(&self, vocab: usize) -> Result<(), Error> {
        let what = "suppressed tokens";
        match self.0.iter().find(|&&token| token as usize >= vocab) {
            Some(&token) => Err(Kind::UnknownToken { what, token, vocab }.into()),
            None => Ok(()),
        }
    }
}
