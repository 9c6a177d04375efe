//! Processors of a row's scores, before or after the log-softmax.
//!
//! They never copy a row. A processor names the tokens whose scores it
//! changes; the search takes the best of all others from its one scan of the
//! row, and puts the changed ones among them.

mod forced;
mod length;
mod ngram;
mod overrides;
mod repetition;
mod row;
mod suppress;

pub use forced::{ForcedFirst, ForcedLast, ForcedScore};
pub use length::MinimumLength;
pub use ngram::NoRepeatNgram;
pub(super) use overrides::Overrides;
pub use repetition::RepetitionPenalty;
pub use row::RowScores;
pub(super) use row::{Base, Position};
pub use suppress::Suppress;

use crate::error::Error;

/// A change to the scores of the tokens of one row.
///
/// [`Request::process_logits`](super::Request::process_logits) applies it before
/// the log-softmax, so that what it takes from one token goes to the others;
/// [`Request::process_log_probabilities`](super::Request::process_log_probabilities)
/// after, so that it does not. What a processor does must follow from what
/// the row shows it.
///
/// Any closure over [`RowScores`] is one:
///
/// ```
/// use widebeam::autoregressive::{MaximumLength, Request, RowScores};
///
/// let favoured = 7;
/// let favour = move |row: &mut RowScores<'_>| row.set(favoured, row.get(favoured) + 0.5);
/// let request = Request::new(4, MaximumLength(32)).process_log_probabilities(favour);
/// assert_eq!(request.beams(), 4);
/// ```
pub trait LogitsProcessor: Send + Sync {
    /// Changes the scores of one row.
    fn process(&self, row: &mut RowScores<'_>);

    /// Whether the processor makes sense for a vocabulary; asked once, when
    /// its request is admitted.
    ///
    /// # Errors
    ///
    /// If it names a token beyond the vocabulary.
    fn check(&self, vocab: usize) -> Result<(), Error> {
        let _ = vocab;
        Ok(())
    }
}

impl<F: Fn(&mut RowScores<'_>) + Send + Sync> LogitsProcessor for F {
    fn process(&self, row: &mut RowScores<'_>) {
        self(row);
    }
}
