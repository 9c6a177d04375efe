//! The minimum length.

use super::{Earliest, LogitsProcessor, RowScores};

/// Makes the end tokens impossible until this many tokens have been generated.
/// The end token itself does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MinimumLength(pub usize);

impl LogitsProcessor for MinimumLength {
    fn process(&self, row: &mut RowScores<'_>) {
        if row.generated().len() < self.0 {
            for &token in row.end_tokens() {
                row.forbid(token);
            }
        }
    }

    fn find_earliest(&self, earliest: &mut Earliest<'_>) {
        for at in 0..earliest.end_tokens().len() {
            earliest.raise(earliest.end_tokens()[at], self.0);
        }
    }
}
