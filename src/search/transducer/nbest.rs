//! Results of a transducer search: hypotheses with their alignments, in flat arrays.

use std::ops::RangeInclusive;

use crate::error::Error;
use crate::memory::reserve;
use crate::nbest::{Details, Internal, NBest, Place, Sealed};
use crate::scorers::Word;

/// The hypotheses of an utterance, best first, as an n-best list of one item. See [`NBest`].
pub type TransducerNBest = NBest<TransducerDetails>;

/// What a transducer hypothesis has beside its tokens and its score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransducerDetails {
    frames: Vec<u32>,
    durations: Vec<u32>,
    log_masses: Vec<f64>,
    alignment_scores: Vec<f64>,
    scorer_scores: Vec<f64>,
}

/// One hypothesis of a [`TransducerNBest`] list.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TransducerHypothesis<'a> {
    /// Its token ids, first to last, without blanks.
    pub tokens: &'a [u32],
    /// The frame at which the best alignment emits each token. They never fall; several
    /// tokens may have one frame, but for [`Topology::OneSymbol`](super::Topology::OneSymbol).
    pub frames: &'a [u32],
    /// How many frames the best alignment goes on with each token: of a TDT model the
    /// duration, else 0 ([`Topology::Standard`](super::Topology::Standard)) or 1
    /// ([`Topology::OneSymbol`](super::Topology::OneSymbol)). The last one may reach beyond
    /// the frames there are.
    pub durations: &'a [u32],
    /// What it is ranked by: the natural logarithm of the mass of all its alignments that
    /// was found under the beam, plus what a scorer said, under the
    /// [`LengthNormalisation`](super::LengthNormalisation).
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub score: f64,
    /// The natural logarithm of the mass alone.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub log_mass: f64,
    /// The natural logarithm of the probability of its best single alignment found under the
    /// beam.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub alignment_score: f64,
    /// The scorer's part; 0 without a scorer.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub scorer_score: f64,
}

impl TransducerHypothesis<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> OwnedTransducerHypothesis {
        OwnedTransducerHypothesis {
            tokens: self.tokens.to_vec(),
            frames: self.frames.to_vec(),
            durations: self.durations.to_vec(),
            score: self.score,
            log_mass: self.log_mass,
            alignment_score: self.alignment_score,
            scorer_score: self.scorer_score,
        }
    }

    /// The frames of one of its words in the best alignment: from the frame of the word's
    /// first token to the last frame that its last token goes on through, at least its own.
    /// `None` if it has no such tokens.
    pub fn word_frames(&self, word: &Word) -> Option<RangeInclusive<u32>> {
        let first = *self.frames.get(word.tokens.start)?;
        let last = word.tokens.end.checked_sub(1)?;
        let goes_on = self.durations.get(last)?.saturating_sub(1);
        Some(first..=self.frames.get(last)?.saturating_add(goes_on))
    }
}

/// A [`TransducerHypothesis`] that borrows nothing.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OwnedTransducerHypothesis {
    /// See [`TransducerHypothesis::tokens`].
    pub tokens: Vec<u32>,
    /// See [`TransducerHypothesis::frames`].
    pub frames: Vec<u32>,
    /// See [`TransducerHypothesis::durations`].
    pub durations: Vec<u32>,
    /// See [`TransducerHypothesis::score`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub score: f64,
    /// See [`TransducerHypothesis::log_mass`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub log_mass: f64,
    /// See [`TransducerHypothesis::alignment_score`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub alignment_score: f64,
    /// See [`TransducerHypothesis::scorer_score`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub scorer_score: f64,
}

impl Sealed for TransducerDetails {}

impl Details for TransducerDetails {
    type Hypothesis<'a> = TransducerHypothesis<'a>;

    fn view<'a>(&'a self, place: Place<'a>) -> TransducerHypothesis<'a> {
        TransducerHypothesis {
            tokens: place.tokens,
            frames: &self.frames[place.range.clone()],
            durations: &self.durations[place.range],
            score: place.score,
            log_mass: self.log_masses[place.index],
            alignment_score: self.alignment_scores[place.index],
            scorer_score: self.scorer_scores[place.index],
        }
    }

    fn clear(&mut self, _: Internal) {
        self.frames.clear();
        self.durations.clear();
        self.log_masses.clear();
        self.alignment_scores.clear();
        self.scorer_scores.clear();
    }

    fn reserve(&mut self, hypotheses: usize, tokens: usize, _: Internal) -> Result<(), Error> {
        let what = "the hypotheses";
        reserve(&mut self.frames, tokens, what)?;
        reserve(&mut self.durations, tokens, what)?;
        reserve(&mut self.log_masses, hypotheses, what)?;
        reserve(&mut self.alignment_scores, hypotheses, what)?;
        reserve(&mut self.scorer_scores, hypotheses, what)
    }

    fn append(&mut self, other: &Self, _: Internal) {
        self.frames.extend_from_slice(&other.frames);
        self.durations.extend_from_slice(&other.durations);
        self.log_masses.extend_from_slice(&other.log_masses);
        self.alignment_scores
            .extend_from_slice(&other.alignment_scores);
        self.scorer_scores.extend_from_slice(&other.scorer_scores);
    }
}

/// The scores of a [`TransducerHypothesis`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Scores {
    pub(super) score: f64,
    pub(super) log_mass: f64,
    pub(super) alignment: f64,
    pub(super) scorer: f64,
}

impl NBest<TransducerDetails> {
    /// The frame of each of [`NBest::tokens`].
    pub fn frames(&self) -> &[u32] {
        &self.details.frames
    }

    /// The duration of each of [`NBest::tokens`]: see [`TransducerHypothesis::durations`].
    pub fn durations(&self) -> &[u32] {
        &self.details.durations
    }

    /// The log mass of each of all hypotheses, flat.
    pub fn log_masses(&self) -> &[f64] {
        &self.details.log_masses
    }

    /// The best alignment's score of each of all hypotheses, flat.
    pub fn alignment_scores(&self) -> &[f64] {
        &self.details.alignment_scores
    }

    /// The scorer's part of each of all hypotheses, flat.
    pub fn scorer_scores(&self) -> &[f64] {
        &self.details.scorer_scores
    }

    /// Appends a hypothesis to the item being built and returns its tokens, their frames and
    /// their durations, to be filled in.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn push(&mut self, length: usize, scores: Scores) -> Result<[&mut [u32]; 3], Error> {
        let start = self.tokens.len();
        self.reserve(0, 1, length)?;
        self.tokens.resize(start + length, 0);
        self.token_ends.push(start + length);
        self.scores.push(scores.score);
        let details = &mut self.details;
        details.frames.resize(start + length, 0);
        details.durations.resize(start + length, 0);
        details.log_masses.push(scores.log_mass);
        details.alignment_scores.push(scores.alignment);
        details.scorer_scores.push(scores.scorer);
        Ok([
            &mut self.tokens[start..],
            &mut details.frames[start..],
            &mut details.durations[start..],
        ])
    }
}
