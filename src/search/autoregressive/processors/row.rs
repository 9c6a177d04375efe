//! One row as a processor sees it.

use super::overrides::Overrides;
use crate::kernels::log_probability;
use crate::scores::{Row, ScoreKind};

/// Where a row stands in its request.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Position<'a> {
    /// The prompt and the generated tokens.
    pub(in super::super) history: &'a [u32],
    pub(in super::super) prompt: usize,
    pub(in super::super) max_length: usize,
    pub(in super::super) end_tokens: &'a [u32],
}

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
}

/// The scores of one row, as a processor reads and changes them: logits
/// before the log-softmax, natural log-probabilities after.
///
/// A token beyond the vocabulary reads as impossible and cannot be set.
#[derive(Debug)]
pub struct RowScores<'a> {
    pub(in super::super) base: Base<'a>,
    pub(in super::super) position: Position<'a>,
    pub(in super::super) overrides: &'a mut Overrides,
}

impl<'a> RowScores<'a> {
    /// The number of tokens.
    pub fn vocab(&self) -> usize {
        self.overrides.vocab()
    }

    /// The tokens of the hypothesis so far: the prompt's, then those
    /// generated.
    pub fn history(&self) -> &'a [u32] {
        self.position.history
    }

    /// The tokens generated so far.
    pub fn generated(&self) -> &'a [u32] {
        &self.position.history[self.position.prompt..]
    }

    /// The request's end tokens, ascending.
    pub fn end_tokens(&self) -> &'a [u32] {
        self.position.end_tokens
    }

    /// Whether the next token is the last that the maximum length leaves room
    /// for.
    pub fn is_last(&self) -> bool {
        self.generated().len() + 1 >= self.position.max_length
    }

    /// Whether the scores are log-probabilities, after the log-softmax.
    pub fn is_normalised(&self) -> bool {
        matches!(self.base, Base::LogProbabilities(..))
    }

    /// The score of a token; -infinity if it is impossible.
    pub fn get(&self, token: u32) -> f64 {
        if token as usize >= self.vocab() {
            return f64::NEG_INFINITY;
        }
        match self.overrides.get(token) {
            Some(score) => score,
            None if self.overrides.only() => f64::NEG_INFINITY,
            None => self.base.score(token),
        }
    }

    /// Sets the score of a token. One that [`RowScores::permit_only`] has
    /// excluded stays impossible.
    ///
    /// Before the log-softmax the score is rounded to f32. NaN and +infinity
    /// fail the request.
    pub fn set(&mut self, token: u32, score: f64) {
        if (token as usize) < self.vocab() {
            let score = match self.base {
                Base::Logits(_) => f64::from(score as f32),
                Base::LogProbabilities(..) => score,
            };
            self.overrides.set(token, score);
        }
    }

    /// Makes a token impossible.
    pub fn forbid(&mut self, token: u32) {
        self.set(token, f64::NEG_INFINITY);
    }

    /// Makes every token but these impossible; these keep their scores.
    pub fn permit_only(&mut self, tokens: impl IntoIterator<Item = u32>) {
        let (base, vocab) = (self.base, self.vocab());
        let known = tokens.into_iter().filter(|&token| (token as usize) < vocab);
        self.overrides.retain(known, |token| base.score(token));
    }

    /// Changes the score of each token of the history, once however often it
    /// occurs.
    pub fn map_history(&mut self, change: impl Fn(f64) -> f64) {
        self.overrides.begin_round();
        for &token in self.position.history {
            if (token as usize) < self.vocab() && self.overrides.meet(token) {
                self.set(token, change(self.get(token)));
            }
        }
    }
}
