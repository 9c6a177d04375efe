//! The loop around the search, for callers with a model at hand.

use super::AutoregressiveSearch;
use super::feed::Feed;
use crate::error::Error;
use crate::memory::resize;
use crate::scores::ScoresView;

impl AutoregressiveSearch {
    /// Runs a model until no request is running.
    ///
    /// The model is called once a step. It writes the logits of every row of
    /// the feed into a slice of `rows x vocab`, row after row, all zero
    /// beforehand.
    ///
    /// ```
    /// use widebeam::Error;
    /// use widebeam::autoregressive::{AutoregressiveSearch, Request};
    ///
    /// let mut search = AutoregressiveSearch::new(3)?;
    /// let short = search.admit(Request::new(2, 2).prompt([0]))?;
    /// let long = search.admit(Request::new(4, 6).prompt([1]).end_tokens([2]))?;
    /// let mut sequence = Vec::new();
    /// search.run(|feed, logits| {
    ///     for (row, logits) in logits.chunks_mut(3).enumerate() {
    ///         feed.sequence(row, &mut sequence);
    ///         // Repeats itself, until it has had enough.
    ///         logits[sequence[sequence.len() - 1] as usize] = 3.0;
    ///         logits[2] = if sequence.len() < 5 { -9.0 } else { 9.0 };
    ///     }
    ///     Ok::<(), Error>(())
    /// })?;
    /// let best = |id| search.outcome(id).and_then(|outcome| outcome.best()).unwrap();
    /// assert_eq!(best(short).tokens, [0, 0]);
    /// assert_eq!(best(long).tokens, [1, 1, 1, 1, 2]);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the model returns; and those of [`AutoregressiveSearch::advance`].
    pub fn run<E: From<Error>>(
        &mut self,
        mut model: impl FnMut(&Feed<'_>, &mut [f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut logits = Vec::new();
        while !self.is_idle() {
            let feed = self.feed();
            let shape = [feed.rows(), self.vocab];
            let Some(size) = shape[0].checked_mul(shape[1]) else {
                return Err(E::from(overflow(shape)));
            };
            logits.clear();
            resize(&mut logits, size, "the logits of a step")?;
            model(&feed, &mut logits)?;
            self.advance(&ScoresView::logits(&logits, shape)?)?;
        }
        Ok(())
    }
}

fn overflow([rows, vocab]: [usize; 2]) -> Error {
    let kind = crate::error::Kind::SizeOverflow {
        shape: [1, rows, vocab],
        strides: [0, vocab],
    };
    kind.into()
}
