//! A hypothesis that a request has found, and lists of them in flat arrays.

use super::finish::Finish;
use super::sampling::Sampled;
use crate::error::Error;
use crate::memory::reserve;
use crate::nbest::{Details, Internal, NBest, Place, Sealed};

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
    /// penalty, plus [`Completion::coverage`]; of sequences that are drawn
    /// ([`Sampling::stochastic_beams`](super::Sampling::stochastic_beams)) the perturbed
    /// log-probability, without either.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub score: f64,
    /// Why it finished.
    pub finish: Finish,
    /// How many of the tokens, at the end, are its ending: an end token, or a stop sequence.
    pub ending: usize,
    /// The model's own log-probability of each of the tokens, if the request asked for it
    /// ([`Request::with_own_scores`](super::Request::with_own_scores)); else empty.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score::list"))]
    pub own_scores: &'a [f64],
    /// The coverage term of the score
    /// ([`Request::with_coverage`](super::Request::with_coverage)); else 0. The score of a
    /// sequence that was drawn is without it.
    pub coverage: f64,
    /// How it was drawn, if sequences are
    /// ([`Sampling::stochastic_beams`](super::Sampling::stochastic_beams)).
    pub sampled: Option<Sampled>,
    /// The group that found it, of a request with diverse groups
    /// ([`Request::with_diverse_groups`](super::Request::with_diverse_groups)); else 0.
    pub group: usize,
}

impl<'a> Completion<'a> {
    /// The tokens but for the end token or stop sequence that they end with.
    pub fn tokens_without_ending(&self) -> &'a [u32] {
        &self.tokens[..self.tokens.len() - self.ending]
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> OwnedCompletion {
        OwnedCompletion {
            tokens: self.tokens.to_vec(),
            token_scores: self.token_scores.to_vec(),
            log_probability: self.log_probability,
            score: self.score,
            finish: self.finish,
            ending: self.ending,
            own_scores: self.own_scores.to_vec(),
            coverage: self.coverage,
            sampled: self.sampled,
            group: self.group,
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
    /// See [`Completion::ending`].
    pub ending: usize,
    /// See [`Completion::own_scores`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score::list"))]
    pub own_scores: Vec<f64>,
    /// See [`Completion::coverage`].
    pub coverage: f64,
    /// See [`Completion::sampled`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub sampled: Option<Sampled>,
    /// See [`Completion::group`].
    pub group: usize,
}

/// The hypotheses of one request, as an n-best list of one item. See [`NBest`].
pub type CompletionNBest = NBest<CompletionDetails>;

/// What a [`Completion`] has beside its tokens and its score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionDetails {
    pub(super) token_scores: Vec<f64>,
    pub(super) log_probabilities: Vec<f64>,
    pub(super) finishes: Vec<Finish>,
    pub(super) endings: Vec<usize>,
    /// As many as token scores; or as far as they were asked for, the rest as NaN.
    pub(super) own_scores: Vec<f64>,
    pub(super) coverages: Vec<f64>,
    pub(super) sampled: Vec<Option<Sampled>>,
    pub(super) groups: Vec<usize>,
}

impl Sealed for CompletionDetails {}

impl Details for CompletionDetails {
    type Hypothesis<'a> = Completion<'a>;

    fn view<'a>(&'a self, place: Place<'a>) -> Completion<'a> {
        Completion {
            tokens: place.tokens,
            token_scores: &self.token_scores[place.range.clone()],
            log_probability: self.log_probabilities[place.index],
            score: place.score,
            finish: self.finishes[place.index],
            ending: self.endings[place.index],
            own_scores: self.own_scores.get(place.range).unwrap_or_default(),
            coverage: self.coverages[place.index],
            sampled: self.sampled[place.index],
            group: self.groups[place.index],
        }
    }

    fn clear(&mut self, _: Internal) {
        self.token_scores.clear();
        self.log_probabilities.clear();
        self.finishes.clear();
        self.endings.clear();
        self.own_scores.clear();
        self.coverages.clear();
        self.sampled.clear();
        self.groups.clear();
    }

    fn reserve(&mut self, hypotheses: usize, tokens: usize, _: Internal) -> Result<(), Error> {
        let what = "the results of a request";
        reserve(&mut self.token_scores, tokens, what)?;
        reserve(&mut self.log_probabilities, hypotheses, what)?;
        reserve(&mut self.finishes, hypotheses, what)?;
        reserve(&mut self.endings, hypotheses, what)?;
        reserve(&mut self.coverages, hypotheses, what)?;
        reserve(&mut self.sampled, hypotheses, what)?;
        reserve(&mut self.groups, hypotheses, what)
    }

    fn append(&mut self, other: &Self, _: Internal) {
        if !(self.own_scores.is_empty() && other.own_scores.is_empty()) {
            self.own_scores.resize(self.token_scores.len(), f64::NAN);
            self.own_scores.extend_from_slice(&other.own_scores);
        }
        self.coverages.extend_from_slice(&other.coverages);
        self.token_scores.extend_from_slice(&other.token_scores);
        self.log_probabilities
            .extend_from_slice(&other.log_probabilities);
        self.finishes.extend_from_slice(&other.finishes);
        self.endings.extend_from_slice(&other.endings);
        self.sampled.extend_from_slice(&other.sampled);
        self.groups.extend_from_slice(&other.groups);
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

    /// How many tokens at the end of each of all hypotheses are its ending, flat.
    pub fn endings(&self) -> &[usize] {
        &self.details.endings
    }

    /// The model's own log-probability of each of [`NBest::tokens`], if the request asked for
    /// it; else empty.
    pub fn own_scores(&self) -> &[f64] {
        &self.details.own_scores
    }

    /// The coverage term of each of all hypotheses, flat.
    pub fn coverages(&self) -> &[f64] {
        &self.details.coverages
    }

    /// The group of each of all hypotheses, flat.
    pub fn groups(&self) -> &[usize] {
        &self.details.groups
    }
}
