//! Results of a CTC search: hypotheses with their alignments, in flat arrays.

use crate::error::Error;
use crate::memory::reserve;
use crate::nbest::{Details, Internal, NBest, Place, Sealed};

/// The best hypotheses of each item of a batch, best first, each with a frame
/// for every token and the score of its best alignment. See [`NBest`].
pub type CtcNBest = NBest<CtcDetails>;

/// What a CTC hypothesis has beside its tokens and its score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CtcDetails {
    frames: Vec<u32>,
    last_frames: Vec<u32>,
    log_masses: Vec<f64>,
    alignment_scores: Vec<f64>,
    scorer_scores: Vec<f64>,
}

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
            frames: &self.frames[place.range.clone()],
            last_frames: &self.last_frames[place.range],
            score: place.score,
            log_mass: self.log_masses[place.index],
            alignment_score: self.alignment_scores[place.index],
            scorer_score: self.scorer_scores[place.index],
        }
    }

    fn clear(&mut self, _: Internal) {
        self.frames.clear();
        self.last_frames.clear();
        self.log_masses.clear();
        self.alignment_scores.clear();
        self.scorer_scores.clear();
    }

    fn reserve(&mut self, hypotheses: usize, tokens: usize, _: Internal) -> Result<(), Error> {
        let what = "the hypotheses";
        reserve(&mut self.frames, tokens, what)?;
        reserve(&mut self.last_frames, tokens, what)?;
        reserve(&mut self.log_masses, hypotheses, what)?;
        reserve(&mut self.alignment_scores, hypotheses, what)?;
        reserve(&mut self.scorer_scores, hypotheses, what)
    }

    fn append(&mut self, other: &Self, _: Internal) {
        self.frames.extend_from_slice(&other.frames);
        self.last_frames.extend_from_slice(&other.last_frames);
        self.log_masses.extend_from_slice(&other.log_masses);
        self.alignment_scores
            .extend_from_slice(&other.alignment_scores);
        self.scorer_scores.extend_from_slice(&other.scorer_scores);
    }
}

/// The scores of a [`CtcHypothesis`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Scores {
    pub(super) score: f64,
    pub(super) log_mass: f64,
    pub(super) alignment: f64,
    pub(super) scorer: f64,
}

impl NBest<CtcDetails> {
    /// The frame of each of [`NBest::tokens`].
    pub fn frames(&self) -> &[u32] {
        &self.details.frames
    }

    /// The last frame of each of [`NBest::tokens`]: see [`CtcHypothesis::last_frames`].
    pub fn last_frames(&self) -> &[u32] {
        &self.details.last_frames
    }

    /// The log mass of each of all hypotheses, flat.
    pub fn log_masses(&self) -> &[f64] {
        &self.details.log_masses
    }

    /// The best alignment's score of each of all hypotheses, flat.
    pub fn alignment_scores(&self) -> &[f64] {
        &self.details.alignment_scores
    }

    /// The scorer's part of each of [`NBest::scores`].
    pub fn scorer_scores(&self) -> &[f64] {
        &self.details.scorer_scores
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
        let start = self.tokens.len();
        let length = tokens.iter().map(|part| part.len()).sum();
        self.reserve(0, 1, length)?;
        for part in tokens {
            self.tokens.extend_from_slice(part);
        }
        self.token_ends.push(start + length);
        self.scores.push(scores.score);
        let details = &mut self.details;
        details.frames.resize(start + length, 0);
        details.last_frames.resize(start + length, 0);
        details.log_masses.push(scores.log_mass);
        details.alignment_scores.push(scores.alignment);
        details.scorer_scores.push(scores.scorer);
        Ok([
            &mut details.frames[start..],
            &mut details.last_frames[start..],
        ])
    }
}
