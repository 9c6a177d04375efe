//! One row as a processor sees it.

use std::ops::Range;

use super::base::Base;
use super::overrides::Overrides;
use super::part::{Part, largest, log_sum_exp};
use crate::search::autoregressive::tokens_so_far::TokensSoFar;
use crate::simd::Dispatch;

/// Where a row stands in its request.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Position<'a> {
    /// The prompt and the generated tokens.
    pub(in super::super) history: &'a [u32],
    pub(in super::super) prompt: usize,
    pub(in super::super) max_length: usize,
    pub(in super::super) end_tokens: &'a [u32],
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
    pub(in super::super) dispatch: Dispatch,
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

    /// Both.
    pub(in super::super) fn tokens_so_far(&self) -> TokensSoFar<'a> {
        TokensSoFar::new(self.position.history, self.position.prompt)
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
        read(self.overrides, self.base, token)
    }

    /// Sets the score of a token. One that [`RowScores::permit_only`] has
    /// excluded stays impossible.
    ///
    /// Before the log-softmax the score is rounded to f32. NaN and +infinity
    /// fail the request.
    pub fn set(&mut self, token: u32, score: f64) {
        if (token as usize) < self.vocab() {
            self.overrides.set(token, self.base.rounded(score));
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

    /// Makes a range of tokens impossible. Those beyond the vocabulary do not matter.
    ///
    /// O(the tokens of the range or the others, whichever are fewer).
    pub fn forbid_range(&mut self, tokens: Range<u32>) {
        let within = self.within(tokens);
        let base = self.base;
        self.overrides.forbid(within, |token| base.score(token));
    }

    /// Changes the score of each token of the history, once however often it
    /// occurs.
    pub fn map_history(&mut self, change: impl Fn(f64) -> f64) {
        self.map_counted(self.history(), |_, score, _| change(score));
    }

    /// Changes the score of each of some tokens, once however often it occurs: `change` gets
    /// the token, its score, and the number of its occurrences, and returns the new score.
    ///
    /// O(tokens).
    pub fn map_counted(&mut self, tokens: &[u32], change: impl Fn(u32, f64, usize) -> f64) {
        let base = self.base;
        self.overrides.count(tokens, |overrides, token, count| {
            let old = read(overrides, base, token);
            overrides.set(token, base.rounded(change(token, old, count)));
        });
    }

    /// The largest score of a range of tokens, as f32; -infinity if none is possible.
    pub(super) fn largest(&mut self, tokens: Range<u32>) -> f32 {
        largest(&self.part(tokens))
    }

    /// The log-sum-exp of the scores of a range of tokens, as f32.
    pub(super) fn log_sum_exp(&mut self, tokens: Range<u32>) -> f64 {
        let dispatch = self.dispatch;
        log_sum_exp(&self.part(tokens), dispatch)
    }

    fn part(&mut self, tokens: Range<u32>) -> Part<'_> {
        let range = self.within(tokens);
        self.overrides.sort();
        Part {
            base: self.base,
            overrides: self.overrides,
            range,
        }
    }

    fn within(&self, tokens: Range<u32>) -> Range<usize> {
        let end = (tokens.end as usize).min(self.vocab());
        (tokens.start as usize).min(end)..end
    }
}

/// The score of a token of the vocabulary.
fn read(overrides: &Overrides, base: Base<'_>, token: u32) -> f64 {
    match overrides.get(token) {
        Some(score) => score,
        None if overrides.only() => f64::NEG_INFINITY,
        None => base.score(token),
    }
}
