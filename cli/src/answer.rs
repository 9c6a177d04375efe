//! The hypotheses of an item, as the formats write them.

use widebeam::ctc::CtcHypothesis;
use widebeam::{Error, independent};

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
    /// Of a CTC search.
    pub(crate) alignment: Option<Alignment>,
}

impl From<independent::Hypothesis<'_>> for Hypothesis {
    fn from(found: independent::Hypothesis<'_>) -> Self {
        Hypothesis {
            score: found.score,
            tokens: found.tokens.to_vec(),
            alignment: None,
        }
    }
}

impl From<CtcHypothesis<'_>> for Hypothesis {
    fn from(found: CtcHypothesis<'_>) -> Self {
        Hypothesis {
            score: found.score,
            tokens: found.tokens.to_vec(),
            alignment: Some(Alignment {
                score: found.alignment_score,
                frames: found.frames.to_vec(),
            }),
        }
    }
}

/// The best single alignment of a hypothesis.
#[derive(Debug)]
pub(crate) struct Alignment {
    pub(crate) score: f64,
    /// The frame at which each token begins.
    pub(crate) frames: Vec<u32>,
}
