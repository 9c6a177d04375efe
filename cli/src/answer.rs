//! The hypotheses of an item, as the formats write them.

use widebeam::ctc::CtcHypothesis;
use widebeam::{Error, independent};

use crate::transcript::{Reader, Transcript};

/// What the search says of one item.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The number of the item in the whole batch.
    pub(crate) item: usize,
    /// The hypotheses, best first, or why the item was refused.
    pub(crate) outcome: Outcome,
}

pub(crate) type Outcome = Result<Vec<Hypothesis>, Error>;

impl Answer {
    /// The hypotheses, best first. A refused item has none.
    pub(crate) fn hypotheses(&self) -> &[Hypothesis] {
        self.outcome.as_deref().unwrap_or_default()
    }
}

#[derive(Debug)]
pub(crate) struct Hypothesis {
    pub(crate) score: f64,
    pub(crate) tokens: Vec<u32>,
    /// Where there are labels.
    pub(crate) transcript: Option<Transcript>,
    /// Of a CTC search.
    pub(crate) alignment: Option<Alignment>,
    /// Where it was asked for.
    pub(crate) confidence: Option<Confidence>,
}

impl Hypothesis {
    /// A hypothesis of the independent search.
    pub(crate) fn independent(
        found: independent::Hypothesis<'_>,
        reader: Option<&Reader>,
    ) -> Result<Self, Error> {
        let text = reader.map(|reader| reader.text(found.tokens)).transpose()?;
        Ok(Hypothesis {
            score: found.score,
            tokens: found.tokens.to_vec(),
            transcript: text.map(|text| Transcript { text, words: None }),
            alignment: None,
            confidence: None,
        })
    }

    /// A hypothesis of the CTC search.
    pub(crate) fn ctc(found: CtcHypothesis<'_>, reader: Option<&Reader>) -> Result<Self, Error> {
        Ok(Hypothesis {
            score: found.score,
            tokens: found.tokens.to_vec(),
            transcript: reader.map(|reader| reader.read(&found)).transpose()?,
            alignment: Some(Alignment {
                score: found.alignment_score,
                frames: found.frames.to_vec(),
                last_frames: found.last_frames.to_vec(),
                log_mass: found.log_mass,
                scorer_score: found.scorer_score,
            }),
            confidence: None,
        })
    }

    /// The probability that the model alone gives it.
    pub(crate) fn probability(&self) -> f64 {
        let log = match &self.alignment {
            Some(alignment) => alignment.log_mass,
            None => self.score,
        };
        log.exp().min(1.0)
    }
}

/// How sure a hypothesis is, from 0 to 1.
#[derive(Debug)]
pub(crate) struct Confidence {
    /// The share of the hypothesis.
    pub(crate) share: f64,
    /// Of each token.
    pub(crate) tokens: Vec<f64>,
    /// Of each word that has frames.
    pub(crate) words: Vec<f64>,
}

/// What a CTC search says of a hypothesis beside its score.
#[derive(Debug)]
pub(crate) struct Alignment {
    /// The score of the best single alignment.
    pub(crate) score: f64,
    /// The frame at which it enters each token, and that of the end of the token's run.
    pub(crate) frames: Vec<u32>,
    pub(crate) last_frames: Vec<u32>,
    /// The mass of all alignments, and what a scorer adds to it.
    pub(crate) log_mass: f64,
    pub(crate) scorer_score: f64,
}
