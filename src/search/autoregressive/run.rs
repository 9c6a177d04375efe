//! The loop around the search, for callers with a model at hand.

use super::feed::Feed;
use super::search::AutoregressiveSearch;
use crate::error::Error;
use crate::memory::resize;
use crate::scores::ScoresView;

/// What the model of [`AutoregressiveSearch::run`] returns: nothing, if it cannot fail, or a
/// `Result` with an error that those of the search become too.
///
/// Only this crate implements it.
pub trait ModelResult: sealed::Sealed {
    /// The error of the model and of the search.
    type Error: From<Error>;

    /// It as a result.
    ///
    /// # Errors
    ///
    /// If the model has failed.
    fn into_result(self) -> Result<(), Self::Error>;
}

mod sealed {
    #[allow(unreachable_pub)]
    pub trait Sealed {}

    impl Sealed for () {}
    impl<E> Sealed for Result<(), E> {}
}

impl ModelResult for () {
    type Error = Error;

    fn into_result(self) -> Result<(), Error> {
        Ok(())
    }
}

impl<E: From<Error>> ModelResult for Result<(), E> {
    type Error = E;

    fn into_result(self) -> Result<(), E> {
        self
    }
}

impl AutoregressiveSearch {
    /// Runs a model until no request is running. What became of each,
    /// [`AutoregressiveSearch::outcome`] says; a request that was refused is no error here.
    ///
    /// The model is called once a step; it returns nothing, or a `Result`. It writes the logits of every row of
    /// the feed into a slice of `rows x vocab`, row after row, all zero
    /// beforehand.
    ///
    /// ```
    /// use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
    ///
    /// let mut search = AutoregressiveSearch::new(3)?;
    /// let short = search.admit(Request::new(2, MaximumLength(2)).with_prompt([0]))?;
    /// let long = Request::new(4, MaximumLength(6)).with_prompt([1]).with_end_tokens([2]);
    /// let long = search.admit(long)?;
    /// let mut sequence = Vec::new();
    /// search.run(|feed, logits| {
    ///     for (row, logits) in logits.chunks_mut(3).enumerate() {
    ///         feed.sequence(row, &mut sequence);
    ///         // Repeats itself, until it has had enough.
    ///         logits[sequence[sequence.len() - 1] as usize] = 3.0;
    ///         logits[2] = if sequence.len() < 5 { -9.0 } else { 9.0 };
    ///     }
    /// })?;
    /// for (id, tokens) in [(short, &[0, 0][..]), (long, &[1, 1, 1, 1, 2])] {
    ///     let outcome = search.outcome(id)?.expect("it is done");
    ///     assert_eq!(outcome.best()?.tokens, tokens);
    /// }
    /// # Ok::<(), widebeam::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the model returns; and those of [`AutoregressiveSearch::advance`]. The step is
    /// then abandoned ([`AutoregressiveSearch::abandon_step`]), unless it was cancelled after
    /// some requests had taken their scores: then it is still under way.
    pub fn run<R: ModelResult>(
        &mut self,
        mut model: impl FnMut(&Feed<'_>, &mut [f32]) -> R,
    ) -> Result<(), R::Error> {
        let mut logits = Vec::new();
        if self.fed == self.gone {
            // No request is left of a step that the caller has begun.
            self.abandon_step();
        }
        while !self.is_idle() {
            let step = self.run_step(&mut model, &mut logits);
            if step.is_err() && self.taken == 0 {
                self.abandon_step();
            }
            step?;
        }
        Ok(())
    }

    fn run_step<R: ModelResult>(
        &mut self,
        model: &mut impl FnMut(&Feed<'_>, &mut [f32]) -> R,
        logits: &mut Vec<f32>,
    ) -> Result<(), R::Error> {
        self.check_cancellation()?;
        let vocab = self.vocab;
        let feed = self.feed();
        let shape = [feed.rows(), vocab];
        let Some(size) = shape[0].checked_mul(shape[1]) else {
            return Err(overflow(shape).into());
        };
        logits.clear();
        resize(logits, size, "the logits of a step")?;
        model(&feed, logits).into_result()?;
        Ok(self.advance(&ScoresView::logits(logits, shape)?)?)
    }
}

fn overflow([rows, vocab]: [usize; 2]) -> Error {
    let kind = crate::error::Kind::SizeOverflow {
        shape: [1, rows, vocab],
        strides: [0, vocab],
    };
    kind.into()
}
