//! One frame, as phase two sees it.

use super::pruning::CtcPruning;
use crate::kernels::log_probability;
use crate::scores::{Row, ScoreKind};
use crate::search::shortlist::Shortlist;

/// The blank's log-probability, the frame's best other tokens, best first, and
/// the log-probability of any other token that is asked for.
#[derive(Debug, Default)]
pub(super) struct Frame {
    blank: f64,
    /// The best tokens, then those that were asked for.
    tokens: Vec<u32>,
    log_probabilities: Vec<f64>,
    listed: usize,
    /// Of every token of the vocabulary, 1 + its place in `tokens`, or 0: the
    /// size of one row of f32, and written only where a frame's tokens are.
    places: Vec<u32>,
}

/// The row that a frame is read from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) row: Row<'a>,
    pub(super) kind: ScoreKind,
    pub(super) normaliser: f64,
    pub(super) pruning: &'a CtcPruning,
}

impl Frame {
    pub(super) fn reset(&mut self, vocab: usize) {
        self.tokens.clear();
        self.places.clear();
        self.places.resize(vocab, 0);
    }

    /// Takes the place of the frame before.
    pub(super) fn read(&mut self, list: Shortlist<'_>, source: &Source<'_>, blank: u32) {
        for &token in &self.tokens {
            self.places[token as usize] = 0;
        }
        self.tokens.clear();
        self.log_probabilities.clear();
        self.listed = 0;
        let value = source.row.get(blank as usize);
        self.blank = log_probability(source.kind, value, source.normaliser);
        let pruning = source.pruning;
        if pruning.blank_skip.is_some_and(|limit| self.blank >= limit) {
            return;
        }
        let most = pruning.top_tokens.unwrap_or(usize::MAX);
        let least = pruning
            .min_token_log_probability
            .unwrap_or(f64::NEG_INFINITY);
        for (&token, &log) in list.tokens.iter().zip(list.log_probabilities) {
            if log < least || self.tokens.len() == most {
                break;
            }
            if token != blank {
                self.push(token, log);
            }
        }
        self.listed = self.tokens.len();
    }

    fn push(&mut self, token: u32, log_probability: f64) {
        self.tokens.push(token);
        self.log_probabilities.push(log_probability);
        self.places[token as usize] = self.tokens.len() as u32;
    }

    pub(super) fn blank(&self) -> f64 {
        self.blank
    }

    /// The best tokens, without the blank and impossible ones.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens[..self.listed]
    }

    /// Of [`Frame::tokens`].
    pub(super) fn log_probabilities(&self) -> &[f64] {
        &self.log_probabilities[..self.listed]
    }

    /// The log-probability of any token but the blank, and its rank if it is
    /// among [`Frame::tokens`], else a number not below theirs.
    #[inline]
    pub(super) fn look_up(&mut self, token: u32, source: &Source<'_>) -> (f64, usize) {
        match self.places[token as usize] {
            0 => (self.gather(token, source), self.listed),
            place => {
                let place = place as usize - 1;
                (self.log_probabilities[place], place)
            }
        }
    }

    /// A token that is not listed is read from the row, once a frame.
    fn gather(&mut self, token: u32, source: &Source<'_>) -> f64 {
        let pruning = source.pruning;
        let skipped = pruning.blank_skip.is_some_and(|limit| self.blank >= limit);
        if skipped || pruning.top_tokens.is_some() {
            return f64::NEG_INFINITY;
        }
        let value = source.row.get(token as usize);
        let mut log = log_probability(source.kind, value, source.normaliser);
        if pruning
            .min_token_log_probability
            .is_some_and(|least| log < least)
        {
            log = f64::NEG_INFINITY;
        }
        self.push(token, log);
        log
    }
}
