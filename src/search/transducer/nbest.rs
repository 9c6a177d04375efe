//! Results of a transducer search: hypotheses with their alignments, in flat arrays.

use std::ops::RangeInclusive;

use crate::error::Error;
use crate::memory::reserve;
use crate::nbest::{Details, Internal, NBest, Place, Sealed};
use crate::scorers::{Vocabulary, Word};
use crate::search::aligned::{self, Aligned, Alignments};

/// The hypotheses of an utterance, best first, as an n-best list of one item. See [`NBest`].
pub type TransducerNBest = NBest<TransducerDetails>;

/// What a transducer hypothesis has beside its tokens and its score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransducerDetails {
    alignments: Alignments,
    /// What the score of each hypothesis was divided by.
    divisors: Vec<f64>,
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
        let Alignments {
            frames,
            extents,
            log_masses,
            scores,
            scorer_scores,
        } = &self.alignments;
        TransducerHypothesis {
            tokens: place.tokens,
            frames: &frames[place.range.clone()],
            durations: &extents[place.range],
            score: place.score,
            log_mass: log_masses[place.index],
            alignment_score: scores[place.index],
            scorer_score: scorer_scores[place.index],
        }
    }

    fn clear(&mut self, _: Internal) {
        self.alignments.clear();
        self.divisors.clear();
    }

    fn reserve(&mut self, hypotheses: usize, tokens: usize, _: Internal) -> Result<(), Error> {
        reserve(&mut self.divisors, hypotheses, "the hypotheses")?;
        self.alignments.reserve(hypotheses, tokens)
    }

    fn append(&mut self, other: &Self, _: Internal) {
        self.alignments.append(&other.alignments);
        self.divisors.extend_from_slice(&other.divisors);
    }
}

impl Aligned for TransducerDetails {
    fn alignments(&self) -> &Alignments {
        &self.alignments
    }

    fn alignments_mut(&mut self) -> &mut Alignments {
        &mut self.alignments
    }

    fn divisor(&self, index: usize) -> f64 {
        self.divisors[index]
    }

    fn push_divisor(&mut self, divisor: f64) {
        self.divisors.push(divisor);
    }
}

impl NBest<TransducerDetails> {
    /// The frame of each of [`NBest::tokens`].
    pub fn frames(&self) -> &[u32] {
        &self.details.alignments.frames
    }

    /// The duration of each of [`NBest::tokens`]: see [`TransducerHypothesis::durations`].
    pub fn durations(&self) -> &[u32] {
        &self.details.alignments.extents
    }

    /// The log mass of each of all hypotheses, flat.
    pub fn log_masses(&self) -> &[f64] {
        &self.details.alignments.log_masses
    }

    /// The best alignment's score of each of all hypotheses, flat.
    pub fn alignment_scores(&self) -> &[f64] {
        &self.details.alignments.scores
    }

    /// The scorer's part of each of all hypotheses, flat.
    pub fn scorer_scores(&self) -> &[f64] {
        &self.details.alignments.scorer_scores
    }

    /// The same results with one hypothesis for each text: of those whose tokens spell the
    /// same, the best one stays, with the sum of all their masses. They are ranked by that sum
    /// and the scorer's score of the one that stays, under the
    /// [`LengthNormalisation`](super::LengthNormalisation) for its tokens.
    ///
    /// Tokens that are segmentations of one text are different prefixes, whose masses count
    /// apart otherwise. Tokens that were taken from a stream are no part of the text.
    ///
    /// # Errors
    ///
    /// If a token is not in the vocabulary, or memory runs out.
    pub fn merged_by_text(&self, vocabulary: &Vocabulary) -> Result<TransducerNBest, Error> {
        self.merged_by(|tokens| vocabulary.text(tokens))
    }

    /// [`NBest::merged_by_text`] with the text that `text` makes of tokens, such as the words
    /// of a [`SpellingLexicon`](crate::scorers::SpellingLexicon).
    ///
    /// # Errors
    ///
    /// The first error of `text`, or if memory runs out.
    pub fn merged_by(
        &self,
        text: impl FnMut(&[u32]) -> Result<String, Error>,
    ) -> Result<TransducerNBest, Error> {
        aligned::merged_by(self, text)
    }
}
