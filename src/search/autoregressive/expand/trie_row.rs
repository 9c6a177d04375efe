//! One row of a step of which a trie alone says what is possible.
//!
//! It has the candidates that any row has, by a shorter way: thousands of tokens may follow each
//! of hundreds of beams, so their scores are gathered, and only those become candidates that can
//! still be among the best.

use super::row::step_score;
use super::{Expander, Step, Terms};
use crate::error::{Error, Kind};
use crate::kernels::log_probability;
use crate::kernels::log_sum_exp::{BLOCK, RunningSum};
use crate::memory::resize;
use crate::scores::{Data, Row, ScoreKind};
use crate::search::autoregressive::collect::least_reaching;
use crate::search::autoregressive::constraint::Normaliser;
use crate::search::autoregressive::processors::add_block;

const WHAT: &str = "the tokens that a trie permits";

/// Tokens and their scores as they were read, row by row.
#[derive(Clone, Debug, Default)]
pub(super) struct Permitted {
    tokens: Vec<u32>,
    values: Vec<f32>,
}

impl Permitted {
    /// At most the bytes for so many tokens.
    pub(super) fn bytes_needed(tokens: usize) -> usize {
        tokens.saturating_mul(size_of::<u32>() + size_of::<f32>())
    }

    pub(super) fn clear(&mut self) {
        self.tokens.clear();
        self.values.clear();
    }
}

/// Copies the scores of tokens of the vocabulary.
fn gather(row: Row<'_>, tokens: &[u32], values: &mut [f32]) {
    fn copy<T: Copy + Into<f32>>(row: &[T], tokens: &[u32], values: &mut [f32]) {
        for (value, &token) in values.iter_mut().zip(tokens) {
            *value = row[token as usize].into();
        }
    }
    match row {
        Data::F32(row) => copy(row, tokens, values),
        Data::F16(row) => copy(row, tokens, values),
        Data::Bf16(row) => copy(row, tokens, values),
    }
}

impl Expander {
    /// Gathers the permitted tokens of a row that only a trie changes. False if others change it
    /// as well.
    ///
    /// # Errors
    ///
    /// If a score is not valid, or memory runs out.
    pub(super) fn read_permitted(
        &mut self,
        step: &Step<'_>,
        parent: usize,
        terms: &mut Terms,
    ) -> Result<bool, Error> {
        let request = step.request;
        let Some((constraint, normaliser)) = request.only_constraint() else {
            return Ok(false);
        };
        if step.given(parent).is_some() {
            return Ok(false);
        }
        let kind = step.rows.kind();
        if normaliser == Normaliser::Permitted && kind == ScoreKind::Probabilities {
            let request = step.id;
            return Err(Kind::NeedsLogits { request }.into());
        }
        let Permitted { tokens, values } = &mut self.permitted;
        let start = tokens.len();
        let (vocab, ends) = (step.rows.vocab(), &request.end_tokens);
        let followed = &step.followed[0];
        self.may_go_on |= constraint.permitted_by_trie(followed, parent, vocab, ends, tokens)?;
        let tokens = &tokens[start..];
        resize(values, start + tokens.len(), WHAT)?;
        let values = &mut values[start..];
        gather(step.row(parent), tokens, values);
        let bad = |value: &f32| !kind.accepts(*value);
        if step.scanned.is_none()
            && let Some(bad) = values.iter().position(bad)
        {
            mark!("a token that a trie permits has an invalid score");
            return Err(step_score(step, parent, tokens[bad] as usize, values[bad]));
        }
        terms.only = true;
        terms.permitted = start..start + tokens.len();
        if normaliser == Normaliser::Permitted {
            let mut sum = RunningSum::EMPTY;
            for block in values.chunks(BLOCK) {
                add_block(&mut sum, block, step.dispatch);
            }
            (terms.kind, terms.normaliser) = (ScoreKind::Logits, sum.ln());
        }
        Ok(true)
    }

    /// Adds the candidates of the permitted tokens of a row that can be among the best `count`.
    pub(super) fn add_permitted(
        &mut self,
        step: &Step<'_>,
        parent: usize,
        terms: &Terms,
        count: usize,
    ) {
        let larger = |a: f32, &b: &f32| if b > a { b } else { a };
        let values = self.permitted.values[terms.permitted.clone()].iter();
        let largest = values.fold(f32::NEG_INFINITY, larger);
        let Some(mut least) = self.least_of(step, parent, terms, largest) else {
            return;
        };
        for at in terms.permitted.clone() {
            let value = self.permitted.values[at];
            if value < least {
                continue;
            }
            let token = self.permitted.tokens[at];
            let log = log_probability(terms.kind, value, terms.normaliser);
            self.candidates
                .extend(step.continuation(parent, token, log, value));
            if self.cut_if_many(count) {
                match self.least_of(step, parent, terms, largest) {
                    None => return,
                    Some(raised) => least = raised,
                }
            }
        }
    }

    /// The least score of a row, up to its largest, that reaches the bar.
    fn least_of(&self, step: &Step<'_>, parent: usize, terms: &Terms, largest: f32) -> Option<f32> {
        let score = step.beams[parent].score;
        let total = |value| score + log_probability(terms.kind, value, terms.normaliser);
        let guess = self.bar.guess(score, terms.kind, terms.normaliser);
        let reaches = |value| self.bar.is_reached(total(value), parent as u32);
        least_reaching(terms.kind.least_possible(), largest, guess, reaches)
    }
}
