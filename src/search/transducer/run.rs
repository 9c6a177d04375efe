//! The loop around the search, for callers with a model at hand.

use super::TransducerSearch;
use super::feed::Feed;
use crate::error::{Error, Kind};
use crate::memory::resize;
use crate::scorers::Scorer;
use crate::scores::ScoresView;

impl<S: Scorer + Sync> TransducerSearch<S> {
    /// Runs a model until no request wants a row: each is done, or waits for frames. What became
    /// of each, [`TransducerSearch::outcome`] says; a request that was refused is no error here.
    ///
    /// The model is called once a step. It runs the predictor on the steps of the feed, and
    /// writes the logits of every row into a slice of `rows x columns`, row after row, all zero
    /// beforehand.
    ///
    /// # Errors
    ///
    /// What the model returns; and those of [`TransducerSearch::advance`], such as that the search
    /// is cancelled. The step is then abandoned ([`TransducerSearch::abandon_step`]).
    pub fn run<E: From<Error>>(
        &mut self,
        mut model: impl FnMut(&Feed<'_>, &mut [f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut logits = Vec::new();
        while self.feed().rows() > 0 {
            let step = self.run_step(&mut model, &mut logits);
            if step.is_err() {
                self.abandon_step();
            }
            step?;
        }
        Ok(())
    }

    fn run_step<E: From<Error>>(
        &mut self,
        model: &mut impl FnMut(&Feed<'_>, &mut [f32]) -> Result<(), E>,
        logits: &mut Vec<f32>,
    ) -> Result<(), E> {
        self.check_cancellation()?;
        let columns = self.columns();
        let feed = self.feed();
        let shape = [feed.rows(), columns];
        let Some(size) = shape[0].checked_mul(shape[1]) else {
            let overflow = Kind::SizeOverflow {
                shape: [1, shape[0], columns],
                strides: [0, columns],
            };
            return Err(E::from(overflow.into()));
        };
        logits.clear();
        resize(logits, size, "the logits of a step")?;
        model(&feed, logits)?;
        Ok(self.advance(&ScoresView::logits(logits, shape)?)?)
    }
}
