//! Hypotheses with a best alignment, in flat arrays: what the results of the CTC and the
//! transducer search share.

mod by_text;

pub(crate) use by_text::merged_by;

use crate::error::Error;
use crate::memory::reserve;
use crate::nbest::{Details, NBest};

/// What hypotheses have beside tokens and scores, in flat arrays.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Alignments {
    /// The frame of each token.
    pub(crate) frames: Vec<u32>,
    /// How far each token goes: its last frame, or its duration.
    pub(crate) extents: Vec<u32>,
    pub(crate) log_masses: Vec<f64>,
    /// The score of the best alignment of each hypothesis.
    pub(crate) scores: Vec<f64>,
    pub(crate) scorer_scores: Vec<f64>,
}

/// The scores of a hypothesis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scores {
    pub(crate) score: f64,
    pub(crate) log_mass: f64,
    pub(crate) alignment: f64,
    pub(crate) scorer: f64,
}

impl Alignments {
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.extents.clear();
        self.log_masses.clear();
        self.scores.clear();
        self.scorer_scores.clear();
    }

    /// Makes room for more hypotheses, which have so many tokens in all.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn reserve(&mut self, hypotheses: usize, tokens: usize) -> Result<(), Error> {
        let what = "the hypotheses";
        reserve(&mut self.frames, tokens, what)?;
        reserve(&mut self.extents, tokens, what)?;
        reserve(&mut self.log_masses, hypotheses, what)?;
        reserve(&mut self.scores, hypotheses, what)?;
        reserve(&mut self.scorer_scores, hypotheses, what)
    }

    /// Appends those of other hypotheses; there is room for them.
    pub(crate) fn append(&mut self, other: &Self) {
        self.frames.extend_from_slice(&other.frames);
        self.extents.extend_from_slice(&other.extents);
        self.log_masses.extend_from_slice(&other.log_masses);
        self.scores.extend_from_slice(&other.scores);
        self.scorer_scores.extend_from_slice(&other.scorer_scores);
    }
}

/// [`Details`] of hypotheses with alignments.
pub(crate) trait Aligned: Details {
    fn alignments(&self) -> &Alignments;

    fn alignments_mut(&mut self) -> &mut Alignments;

    /// What the score of a hypothesis is divided by where it is ranked.
    fn divisor(&self, _index: usize) -> f64 {
        1.0
    }

    /// Takes the divisor of the next hypothesis; there is room for it.
    fn push_divisor(&mut self, _divisor: f64) {}
}

/// Appends a hypothesis to the item of a list that is being built. Returns its tokens, their
/// frames and their extents, to be filled in.
///
/// # Errors
///
/// If memory runs out.
pub(crate) fn push<D: Aligned>(
    nbest: &mut NBest<D>,
    length: usize,
    scores: Scores,
    divisor: f64,
) -> Result<[&mut [u32]; 3], Error> {
    let start = nbest.tokens.len();
    let end = start + length;
    nbest.reserve(0, 1, length)?;
    nbest.tokens.resize(end, 0);
    nbest.token_ends.push(end);
    nbest.scores.push(scores.score);
    nbest.details.push_divisor(divisor);
    let alignments = nbest.details.alignments_mut();
    alignments.frames.resize(end, 0);
    alignments.extents.resize(end, 0);
    alignments.log_masses.push(scores.log_mass);
    alignments.scores.push(scores.alignment);
    alignments.scorer_scores.push(scores.scorer);
    Ok([
        &mut nbest.tokens[start..],
        &mut alignments.frames[start..],
        &mut alignments.extents[start..],
    ])
}
