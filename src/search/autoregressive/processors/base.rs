//! The scores of one row as they were read.

use super::super::step_rows::{Given, TokenScores};
use crate::kernels::log_probability;
use crate::scores::{Data, ScoreKind};

/// The scores that were read, and what turns them into what is processed.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Base<'a> {
    /// Before the log-softmax.
    Logits(TokenScores<'a>),
    /// After it.
    LogProbabilities(TokenScores<'a>, ScoreKind, f64),
}

impl Base<'_> {
    pub(in super::super) fn score(self, token: u32) -> f64 {
        match self {
            Base::Logits(row) => f64::from(row.get(token)),
            Base::LogProbabilities(row, kind, normaliser) => {
                log_probability(kind, row.get(token), normaliser)
            }
        }
    }

    /// A score that is set, as it is kept.
    pub(in super::super) fn rounded(self, score: f64) -> f64 {
        match self {
            Base::Logits(_) => f64::from(score as f32),
            Base::LogProbabilities(..) => score,
        }
    }

    /// Copies the scores of the tokens from `start` on to a block, as f32.
    pub(in super::super) fn copy(self, start: usize, block: &mut [f32]) {
        let (Base::Logits(row) | Base::LogProbabilities(row, ..)) = self;
        let range = start..start + block.len();
        match (row.given, row.scores) {
            (Some(Given { tokens, .. }), scores) => {
                block.fill(row.kind.impossible());
                for (place, &token) in (0..).zip(tokens) {
                    if range.contains(&(token as usize)) {
                        block[token as usize - start] = scores.get(place);
                    }
                }
            }
            (None, Data::F32(row)) => block.copy_from_slice(&row[range]),
            (None, Data::F16(row)) => convert(&row[range], block),
            (None, Data::Bf16(row)) => convert(&row[range], block),
        }
        if let Base::LogProbabilities(_, kind, normaliser) = self {
            for value in block {
                *value = log_probability(kind, *value, normaliser) as f32;
            }
        }
    }
}

fn convert<T: Copy + Into<f32>>(values: &[T], block: &mut [f32]) {
    for (to, &value) in block.iter_mut().zip(values) {
        *to = value.into();
    }
}
