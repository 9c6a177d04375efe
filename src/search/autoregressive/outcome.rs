//! What a finished request has found.

use super::completion::{Completion, CompletionDetails, CompletionNBest};
use super::results::Results;
use crate::error::{Error, Kind};
use crate::nbest::Hypotheses;
use crate::request_id::RequestId;

/// Why a request is done. Of several diverse groups, the reason of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Ended {
    /// Its stopping rule was met.
    StoppingRule,
    /// It reached its maximum length.
    Length,
    /// No live hypothesis had a possible continuation; others had finished before.
    Exhausted,
    /// The caller said so ([`AutoregressiveSearch::finish`](super::AutoregressiveSearch::finish)).
    Told,
    /// No hypothesis finished, whatever ended the search: nothing was possible any more, or
    /// what was live at the maximum length was dropped. Settings that are known to end so are
    /// refused on admission ([`AutoregressiveSearch::admit`](super::AutoregressiveSearch::admit)).
    NothingFound,
}

/// What a request that is done has found: its n-best hypotheses, and why it is
/// done.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    pub(super) id: RequestId,
    pub(super) ended: Ended,
    pub(super) results: &'a Results,
}

impl<'a> Outcome<'a> {
    /// Why the request is done.
    pub fn ended(&self) -> Ended {
        self.ended
    }

    /// The hypotheses, best first: at most as many as are wanted
    /// ([`Request::with_n_best`](super::Request::with_n_best), else the beams), and fewer where
    /// fewer finished.
    pub fn hypotheses(&self) -> Hypotheses<'a, CompletionDetails> {
        self.results.nbest.only_item()
    }

    /// The best hypothesis.
    ///
    /// # Errors
    ///
    /// If none finished: [`NoHypothesis`](crate::ErrorKind::NoHypothesis).
    pub fn best(&self) -> Result<Completion<'a>, Error> {
        let (best, request) = (self.hypotheses().next(), self.id);
        best.ok_or(Kind::NoCompletion { request }.into())
    }

    /// The best perturbed log-probability that is not among the hypotheses, if sequences were
    /// drawn ([`Sampling::stochastic_beams`](super::Sampling::stochastic_beams)); -infinity if
    /// they are all that is possible.
    pub fn threshold(&self) -> Option<f64> {
        self.results.threshold
    }

    /// The hypotheses in flat arrays, as a list of one item. It outlives the search as a
    /// clone.
    pub fn nbest(&self) -> &'a CompletionNBest {
        &self.results.nbest
    }
}
