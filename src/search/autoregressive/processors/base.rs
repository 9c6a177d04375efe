//! The scores of one row as they were read.

use crate::kernels::log_probability;
use crate::scores::{Data, Row, ScoreKind};

/// The scores that were read, and what turns them into what is processed.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Base<'a> {
    /// Before the log-softmax.
    Logits(Row<'a>),
    /// After it.
    LogProbabilities(Row<'a>, ScoreKind, f64),
}

impl Base<'_> {
    pub(in super::super) fn score(self, token: u32) -> f64 {
        match self {
            Base::Logits(row) => f64::from(row.get(token as usize)),
            Base::LogProbabilities(row, kind, normaliser) => {
                log_probability(kind, row.get(token as usize), normaliser)
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
        let end = start + block.len();
        match row {
            Data::F32(row) => block.copy_from_slice(&row[start..end]),
            Data::F16(row) => convert(&row[start..end], block),
            Data::Bf16(row) => convert(&row[start..end], block),
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
