//! What an utterance has come to.

use super::nbest::{TransducerDetails, TransducerHypothesis, TransducerNBest};
use crate::error::Error;
use crate::nbest::Hypotheses;

/// What a request that is done has found: its n-best hypotheses.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    pub(super) nbest: &'a TransducerNBest,
}

impl<'a> Outcome<'a> {
    /// The hypotheses, best first: at most as many as were asked for, and fewer where fewer
    /// are possible.
    pub fn hypotheses(&self) -> Hypotheses<'a, TransducerDetails> {
        self.nbest.only_item()
    }

    /// The best hypothesis.
    ///
    /// # Errors
    ///
    /// If there is none: [`NoHypothesis`](crate::ErrorKind::NoHypothesis).
    pub fn best(&self) -> Result<TransducerHypothesis<'a>, Error> {
        self.hypotheses().best()
    }

    /// The hypotheses in flat arrays, as a list of one item. It outlives the search as a
    /// clone.
    pub fn nbest(&self) -> &'a TransducerNBest {
        self.nbest
    }
}
