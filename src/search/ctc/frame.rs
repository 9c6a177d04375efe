//! One frame, as phase two sees it.

use super::pruning::CtcPruning;
use crate::kernels::{log_probabilities, log_probability};
use crate::scores::{Row, ScoreKind};
use crate::search::shortlist::Shortlist;
use crate::simd::{Dispatch, Kernel, Simd};

/// The blank's log-probability, the frame's best other tokens, best first, and
/// the log-probability of any other token that is asked for.
#[derive(Debug, Default)]
pub(super) struct Frame {
    blank: f64,
    /// The best tokens, then those that were asked for.
    tokens: Vec<u32>,
    log_probabilities: Vec<f64>,
    listed: usize,
    /// The scores of the tokens that were asked for.
    asked: Vec<f32>,
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
        self.asked.clear();
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

    /// Makes sure of a place for `token`, which is not the blank. Its
    /// log-probability is there after [`Frame::complete`].
    #[inline(always)]
    pub(super) fn ask(&mut self, token: u32, source: &Source<'_>) {
        if self.places[token as usize] == 0 {
            self.gather(token, source);
        }
    }

    /// A token that is not listed is read from the row, once a frame.
    fn gather(&mut self, token: u32, source: &Source<'_>) {
        let pruning = source.pruning;
        let skipped = pruning.blank_skip.is_some_and(|limit| self.blank >= limit);
        let value = if skipped || pruning.top_tokens.is_some() {
            source.kind.impossible()
        } else {
            source.row.get(token as usize)
        };
        self.asked.push(value);
        self.tokens.push(token);
        self.places[token as usize] = self.tokens.len() as u32;
    }

    /// Takes the logarithms of all that was asked for.
    pub(super) fn complete(&mut self, source: &Source<'_>, dispatch: Dispatch) {
        if self.asked.is_empty() {
            return;
        }
        self.log_probabilities.resize(self.tokens.len(), 0.0);
        let asked = &mut self.log_probabilities[self.listed..];
        dispatch.run(LogProbabilities {
            kind: source.kind,
            values: &self.asked,
            normaliser: source.normaliser,
            out: asked,
        });
        let least = source.pruning.min_token_log_probability;
        for (log, &value) in asked.iter_mut().zip(&self.asked) {
            if value == source.kind.impossible() || least.is_some_and(|least| *log < least) {
                *log = f64::NEG_INFINITY;
            }
        }
    }

    /// The place of a token that was asked for: its rank among
    /// [`Frame::tokens`], else a number not below theirs.
    #[inline(always)]
    pub(super) fn place(&self, token: u32) -> usize {
        self.places[token as usize] as usize - 1
    }

    /// The log-probability of the token of a place.
    #[inline(always)]
    pub(super) fn log_probability(&self, place: usize) -> f64 {
        self.log_probabilities[place]
    }
}

struct LogProbabilities<'a> {
    kind: ScoreKind,
    values: &'a [f32],
    normaliser: f64,
    out: &'a mut [f64],
}

impl Kernel for LogProbabilities<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (out, &value) in self.out.iter_mut().zip(self.values) {
            *out = f64::from(value);
        }
        let width = self.out.len();
        log_probabilities(simd, self.kind, self.out, width, &[self.normaliser]);
    }
}
