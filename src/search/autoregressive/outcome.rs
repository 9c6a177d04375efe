//! What a finished request has found.

use super::pool::{Finish, Finished};
use super::sampling::{Sampled, log_weight};
use super::tree::HypothesisTree;
use crate::error::{Error, Kind};
use crate::memory::reserve;
use crate::nbest::{Details, Hypotheses, Internal, NBest, Place, Sealed};
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
    /// No hypothesis finished, whatever ended the search: nothing was possible any more, or
    /// what was live at the maximum length was dropped.
    NothingFound,
}

/// One hypothesis that a request has found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Completion<'a> {
    /// The generated tokens, with the end token if it ended with one; not the prompt.
    pub tokens: &'a [u32],
    /// The log-probability of each of the tokens, as processed.
    pub token_scores: &'a [f64],
    /// The sum of the token scores, in order.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub log_probability: f64,
    /// What hypotheses are ranked by: the log-probability under the length
    /// penalty.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub score: f64,
    /// Why it finished.
    pub finish: Finish,
    /// How it was drawn, if sequences are
    /// ([`Sampling::stochastic_beams`](super::Sampling::stochastic_beams)).
    pub sampled: Option<Sampled>,
}

impl Completion<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> OwnedCompletion {
        OwnedCompletion {
            tokens: self.tokens.to_vec(),
            token_scores: self.token_scores.to_vec(),
            log_probability: self.log_probability,
            score: self.score,
            finish: self.finish,
            sampled: self.sampled,
        }
    }
}

/// A [`Completion`] that borrows nothing.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OwnedCompletion {
    /// See [`Completion::tokens`].
    pub tokens: Vec<u32>,
    /// See [`Completion::token_scores`].
    pub token_scores: Vec<f64>,
    /// See [`Completion::log_probability`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub log_probability: f64,
    /// See [`Completion::score`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub score: f64,
    /// See [`Completion::finish`].
    pub finish: Finish,
    /// See [`Completion::sampled`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub sampled: Option<Sampled>,
}

/// The hypotheses of one request, as an n-best list of one item. See [`NBest`].
pub type CompletionNBest = NBest<CompletionDetails>;

/// What a [`Completion`] has beside its tokens and its score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionDetails {
    token_scores: Vec<f64>,
    log_probabilities: Vec<f64>,
    finishes: Vec<Finish>,
    sampled: Vec<Option<Sampled>>,
}

impl Sealed for CompletionDetails {}

impl Details for CompletionDetails {
    type Hypothesis<'a> = Completion<'a>;

    fn view<'a>(&'a self, place: Place<'a>) -> Completion<'a> {
        Completion {
            tokens: place.tokens,
            token_scores: &self.token_scores[place.range],
            log_probability: self.log_probabilities[place.index],
            score: place.score,
            finish: self.finishes[place.index],
            sampled: self.sampled[place.index],
        }
    }

    fn clear(&mut self, _: Internal) {
        self.token_scores.clear();
        self.log_probabilities.clear();
        self.finishes.clear();
        self.sampled.clear();
    }

    fn reserve(&mut self, hypotheses: usize, tokens: usize, _: Internal) -> Result<(), Error> {
        let what = "the results of a request";
        reserve(&mut self.token_scores, tokens, what)?;
        reserve(&mut self.log_probabilities, hypotheses, what)?;
        reserve(&mut self.finishes, hypotheses, what)?;
        reserve(&mut self.sampled, hypotheses, what)
    }

    fn append(&mut self, other: &Self, _: Internal) {
        self.token_scores.extend_from_slice(&other.token_scores);
        self.log_probabilities
            .extend_from_slice(&other.log_probabilities);
        self.finishes.extend_from_slice(&other.finishes);
        self.sampled.extend_from_slice(&other.sampled);
    }
}

impl NBest<CompletionDetails> {
    /// The log-probability of each of [`NBest::tokens`], as processed.
    pub fn token_scores(&self) -> &[f64] {
        &self.details.token_scores
    }

    /// The log-probability of each of all hypotheses, flat.
    pub fn log_probabilities(&self) -> &[f64] {
        &self.details.log_probabilities
    }

    /// Why each of all hypotheses finished, flat.
    pub fn finishes(&self) -> &[Finish] {
        &self.details.finishes
    }
}

/// The results of one request, in flat arrays that keep their memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Results {
    nbest: CompletionNBest,
    finished: Vec<Finished>,
    /// The best perturbed log-probability that is not among them, if sequences were drawn.
    threshold: Option<f64>,
}

impl Results {
    /// At most the bytes of so many hypotheses of up to `length` tokens.
    pub(super) fn bytes_needed(hypotheses: usize, length: usize) -> usize {
        let token = size_of::<u32>() + size_of::<f64>();
        let hypothesis =
            size_of::<Finished>() + size_of::<usize>() + 2 * size_of::<f64>() + size_of::<Finish>();
        let hypothesis = hypothesis + size_of::<Option<Sampled>>();
        let tokens = length.saturating_mul(token);
        // Where memory grows, it is doubled.
        let each = tokens.saturating_add(hypothesis).saturating_mul(2);
        hypotheses.saturating_mul(each)
    }

    pub(super) fn clear(&mut self) {
        self.nbest.clear();
        self.finished.clear();
        self.threshold = None;
    }

    /// Takes the best of the finished hypotheses, up to a limit, which have
    /// `longest` tokens at most. `dropped` is the best perturbed log-probability among those
    /// that were dropped, if sequences were drawn.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn gather<'a>(
        &mut self,
        finished: impl Iterator<Item = &'a Finished> + Clone,
        tree: &HypothesisTree,
        limit: usize,
        longest: usize,
        dropped: Option<f64>,
    ) -> Result<(), Error> {
        self.clear();
        let count = finished.clone().count();
        reserve(&mut self.finished, count, "the results of a request")?;
        self.finished.extend(finished);
        self.finished.sort_unstable();
        let left_out = self.finished.get(limit).map(|finished| finished.score);
        self.threshold =
            dropped.map(|dropped| left_out.map_or(dropped, |score| score.max(dropped)));
        self.finished.truncate(limit);
        let nbest = &mut self.nbest;
        for finished in &self.finished {
            nbest.reserve(0, 1, longest)?;
            tree.tokens_into(finished.node, &mut nbest.tokens);
            nbest.token_ends.push(nbest.tokens.len());
            nbest.scores.push(finished.score);
            let details = &mut nbest.details;
            tree.scores_into(finished.node, &mut details.token_scores);
            details.log_probabilities.push(finished.log_probability);
            details.finishes.push(finished.finish);
            details
                .sampled
                .push(self.threshold.map(|threshold| Sampled {
                    log_probability: finished.sampled,
                    perturbed: finished.score,
                    log_weight: log_weight(finished.sampled, threshold),
                }));
        }
        nbest.end_item()
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.finished.is_empty()
    }
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

    /// The hypotheses, best first: at most as many as beams, and fewer where
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
