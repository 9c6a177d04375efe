//! One row of the joiner.

use crate::reference::{log_probabilities, row_ranks};
use crate::scores::ScoreKind;

/// The log-probabilities of a row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) tokens: Vec<f64>,
    /// One 0 where there are no durations.
    pub(super) durations: Vec<f64>,
    ranks: Vec<usize>,
}

impl Row {
    /// Tokens and durations are normalised apart. Returns the place of the first invalid score.
    pub(super) fn read(kind: ScoreKind, row: &[f32], durations: usize) -> Result<Self, usize> {
        if let Some(place) = row.iter().position(|&value| !kind.accepts(value)) {
            return Err(place);
        }
        let (tokens, durations) = row.split_at(row.len() - durations);
        Ok(Row {
            tokens: log_probabilities(kind, tokens),
            durations: match durations {
                [] => vec![0.0],
                durations => log_probabilities(kind, durations),
            },
            ranks: row_ranks(tokens),
        })
    }

    /// The ranks and the tokens without the blank, best first. The blank counts in ranks.
    pub(super) fn by_rank(&self, blank: usize) -> Vec<(usize, usize)> {
        let tokens = (0..self.tokens.len()).filter(|&token| token != blank);
        let mut ranked: Vec<(usize, usize)> =
            tokens.map(|token| (self.ranks[token], token)).collect();
        ranked.sort_unstable();
        ranked
    }
}
