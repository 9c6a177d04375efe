//! Results of a CTC search: hypotheses with their alignments, in flat arrays.

use crate::error::Error;
use crate::nbest::{Details, Internal, NBest, Place, Sealed};
use crate::search::aligned::{self, Aligned, Alignments, Scores};

/// The best hypotheses of each item of a batch, best first, each with a frame
/// for every token and the score of its best alignment. See [`NBest`].
pub type CtcNBest = NBest<CtcDetails>;

/// What a CTC hypothesis has beside its tokens and its score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CtcDetails(Alignments);

/// One hypothesis of a [`CtcNBest`] list.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CtcHypothesis<'a> {
    /// Its token ids, first to last, without blanks.
    pub tokens: &'a [u32],
    /// The frame at which the best alignment enters each token: strictly
    /// increasing.
    pub frames: &'a [u32],
    /// The last frame of each token in the best alignment, which repeats the token from
    /// its frame in [`CtcHypothesis::frames`] to this one.
    pub last_frames: &'a [u32],
    /// What it is ranked by: the natural logarithm of the mass of all its
    /// alignments that was found under the beam, plus what a scorer said.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub score: f64,
    /// The natural logarithm of the mass alone.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub log_mass: f64,
    /// The natural logarithm of the probability of its best single alignment
    /// found under the beam.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub alignment_score: f64,
    /// The scorer's part of `score`; 0 without a scorer.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub scorer_score: f64,
}

impl CtcHypothesis<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> OwnedCtcHypothesis {
        OwnedCtcHypothesis {
            tokens: self.tokens.to_vec(),
            frames: self.frames.to_vec(),
            last_frames: self.last_frames.to_vec(),
            score: self.score,
            log_mass: self.log_mass,
            alignment_score: self.alignment_score,
            scorer_score: self.scorer_score,
        }
    }
}

/// A [`CtcHypothesis`] that borrows nothing.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OwnedCtcHypothesis {
    /// See [`CtcHypothesis::tokens`].
    pub tokens: Vec<u32>,
    /// See [`CtcHypothesis::frames`].
    pub frames: Vec<u32>,
    /// See [`CtcHypothesis::last_frames`].
    pub last_frames: Vec<u32>,
    /// See [`CtcHypothesis::score`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub score: f64,
    /// See [`CtcHypothesis::log_mass`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub log_mass: f64,
    /// See [`CtcHypothesis::alignment_score`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub alignment_score: f64,
    /// See [`CtcHypothesis::scorer_score`].
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub scorer_score: f64,
}

impl Sealed for CtcDetails {}

impl Details for CtcDetails {
    type Hypothesis<'a> = CtcHypothesis<'a>;

    fn view<'a>(&'a self, place: Place<'a>) -> CtcHypothesis<'a> {
        CtcHypothesis {
            tokens: place.tokens,
            frames: &self.0.frames[place.range.clone()],
            last_frames: &self.0.extents[place.range],
            score: place.score,
            log_mass: self.0.log_masses[place.index],
            alignment_score: self.0.scores[place.index],
            scorer_score: self.0.scorer_scores[place.index],
        }
    }

    fn clear(&mut self, _: Internal) {
        self.0.clear();
    }

    fn reserve(&mut self, hypotheses: usize, tokens: usize, _: Internal) -> Result<(), Error> {
        self.0.reserve(hypotheses, tokens)
    }

    fn append(&mut self, other: &Self, _: Internal) {
        self.0.append(&other.0);
    }
}

impl Aligned for CtcDetails {
    fn alignments(&self) -> &Alignments {
        &self.0
    }

    fn alignments_mut(&mut self) -> &mut Alignments {
        &mut self.0
    }
}

impl NBest<CtcDetails> {
    /// The frame of each of [`NBest::tokens`].
    pub fn frames(&self) -> &[u32] {
        &self.details.0.frames
    }

    /// The last frame of each of [`NBest::tokens`]: see [`CtcHypothesis::last_frames`].
    pub fn last_frames(&self) -> &[u32] {
        &self.details.0.extents
    }

    /// The log mass of each of all hypotheses, flat.
    pub fn log_masses(&self) -> &[f64] {
        &self.details.0.log_masses
    }

    /// The best alignment's score of each of all hypotheses, flat.
    pub fn alignment_scores(&self) -> &[f64] {
        &self.details.0.scores
    }

    /// The scorer's part of each of [`NBest::scores`].
    pub fn scorer_scores(&self) -> &[f64] {
        &self.details.0.scorer_scores
    }

    /// Appends a hypothesis to the item being built; its tokens come in two parts. Returns
    /// the first and the last frames of its tokens, to be filled in.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn push(
        &mut self,
        tokens: [&[u32]; 2],
        scores: Scores,
    ) -> Result<[&mut [u32]; 2], Error> {
        let length = tokens.iter().map(|part| part.len()).sum();
        let [all, frames, last_frames] = aligned::push(self, length, scores, 1.0)?;
        let (first, second) = all.split_at_mut(tokens[0].len());
        first.copy_from_slice(tokens[0]);
        second.copy_from_slice(tokens[1]);
        Ok([frames, last_frames])
    }
}
