//! Processors of a row's scores, before or after the log-softmax.
//!
//! They never copy a row. A processor names the tokens whose scores it
//! changes; the search takes the best of all others from its one scan of the
//! row, and puts the changed ones among them.

mod base;
mod earliest;
mod forced;
mod frequency;
mod length;
mod ngram;
mod occurrences;
mod overrides;
mod part;
mod presence;
mod repetition;
mod row;
mod suppress;
mod timestamps;

pub(super) use base::Base;
pub use earliest::Earliest;
pub use forced::{ForcedFirst, ForcedLast, ForcedScore};
pub use frequency::FrequencyPenalty;
pub use length::MinimumLength;
pub use ngram::NoRepeatNgram;
pub(super) use overrides::{Overrides, Rest};
pub(super) use part::{Part, add_block, log_sum_exp};
pub use presence::PresencePenalty;
pub use repetition::RepetitionPenalty;
pub(super) use row::Position;
pub use row::RowScores;
pub use suppress::Suppress;
pub use timestamps::WhisperTimestamps;

use std::fmt;
use std::sync::Arc;

use crate::error::Error;

/// A change to the scores of the tokens of one row.
///
/// [`Request::process_logits`](super::Request::process_logits) applies it before
/// the log-softmax, so that what it takes from one token goes to the others;
/// [`Request::process_log_probabilities`](super::Request::process_log_probabilities)
/// after, so that it does not. What a processor does must follow from what
/// the row shows it.
///
/// [`processor_fn`] makes one of a closure:
///
/// ```
/// use widebeam::autoregressive::{MaximumLength, Request, processor_fn};
///
/// let favoured = 7;
/// let favour = processor_fn(move |row| row.set(favoured, row.get(favoured) + 0.5));
/// let request = Request::new(4, MaximumLength(32)).process_log_probabilities(favour);
/// assert_eq!(request.beams(), 4);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a logits processor",
    note = "a closure becomes one by `widebeam::autoregressive::processor_fn(|row| ...)`"
)]
pub trait LogitsProcessor: Send + Sync {
    /// Changes the scores of one row.
    fn process(&self, row: &mut RowScores<'_>);

    /// Says when tokens can be generated at the earliest, whatever the scores: updates what the
    /// processors before it have said. It is asked when a request is admitted, so that one that
    /// cannot end is refused. A number that is too small refuses nothing.
    ///
    /// By default any token may be the first: a processor can make possible again what others
    /// have forbidden.
    fn find_earliest(&self, earliest: &mut Earliest<'_>) {
        earliest.update(|_, _| 0);
    }

    /// Whether the processor makes sense for a vocabulary; asked once, when
    /// its request is admitted.
    ///
    /// # Errors
    ///
    /// If it names a token beyond the vocabulary, say: a sentence as
    /// [`Error::invalid_setting`].
    fn check(&self, vocab: usize) -> Result<(), Error> {
        let _ = vocab;
        Ok(())
    }
}

/// Shared by the requests that have it.
impl<P: LogitsProcessor + ?Sized> LogitsProcessor for Arc<P> {
    fn process(&self, row: &mut RowScores<'_>) {
        P::process(self, row);
    }

    fn find_earliest(&self, earliest: &mut Earliest<'_>) {
        P::find_earliest(self, earliest);
    }

    fn check(&self, vocab: usize) -> Result<(), Error> {
        P::check(self, vocab)
    }
}

/// A processor of a closure. See [`LogitsProcessor`].
pub fn processor_fn<F: Fn(&mut RowScores<'_>) + Send + Sync>(process: F) -> ProcessorFn<F> {
    ProcessorFn(process)
}

/// What [`processor_fn`] makes.
#[derive(Clone, Copy)]
pub struct ProcessorFn<F>(F);

impl<F: Fn(&mut RowScores<'_>) + Send + Sync> LogitsProcessor for ProcessorFn<F> {
    fn process(&self, row: &mut RowScores<'_>) {
        self.0(row);
    }
}

impl<F> fmt::Debug for ProcessorFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessorFn")
    }
}
