//! A row as processors and constraints leave it, for what is drawn.

use crate::kernels::log_probability;
use crate::scores::ScoreKind;
use crate::search::autoregressive::step_rows::TokenScores;

/// A row as processors and constraints leave it.
pub(in crate::search::autoregressive) struct ProcessedRow<'a> {
    /// As it was read.
    pub(in crate::search::autoregressive) read: TokenScores<'a>,
    /// Tokens whose log-probabilities are not those that were read.
    pub(in crate::search::autoregressive) entries: &'a [(u32, f64)],
    /// Tokens whose scores were changed before the log-softmax, and those scores, by token.
    pub(super) logits: &'a [(u32, f32)],
    /// Whether nothing but the entries is possible.
    pub(in crate::search::autoregressive) only: bool,
    /// How scores turn into log-probabilities.
    pub(in crate::search::autoregressive) kind: ScoreKind,
    pub(in crate::search::autoregressive) normaliser: f64,
}

impl ProcessedRow<'_> {
    /// The place of a token in the row, if that has one.
    pub(in crate::search::autoregressive) fn place(&self, token: u32) -> Option<u32> {
        match self.read.given {
            None => Some(token),
            Some(given) => given.places[token as usize].checked_sub(1),
        }
    }

    /// The score of an entry as the row holds it, so that it is comparable to those of the
    /// others: what it was before the log-softmax, unless that does not give the
    /// log-probability because it was changed after.
    pub(in crate::search::autoregressive) fn value(&self, token: u32, log_probability: f64) -> f32 {
        if log_probability == f64::NEG_INFINITY {
            return f32::NEG_INFINITY;
        }
        let changed = self
            .logits
            .binary_search_by_key(&token, |&(token, _)| token);
        let value = changed.map_or_else(|_| self.read.get(token), |at| self.logits[at].1);
        match log_probability == log_of(self, value) {
            true => value,
            false => (log_probability + self.normaliser) as f32,
        }
    }
}

fn log_of(row: &ProcessedRow<'_>, value: f32) -> f64 {
    log_probability(row.kind, value, row.normaliser)
}
