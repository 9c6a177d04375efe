//! One row of a step: its scores as processors and constraints leave them.

use super::{Expander, Step, Terms};
use crate::error::{Error, Kind};
use crate::kernels::log_probability;
use crate::memory::reserve;
use crate::scores::ScoreKind;
use crate::search::autoregressive::constraint::Normaliser;
use crate::search::autoregressive::normaliser::processed_log_sum_exp;
use crate::search::autoregressive::processors::{Base, Overrides, Position, RowScores};

impl Expander {
    /// Adds the candidates of a row's touched tokens.
    pub(super) fn begin_row(
        &mut self,
        step: &Step<'_>,
        parent: usize,
        count: usize,
    ) -> Result<(), Error> {
        let scanned = match step.scanned {
            None => None,
            Some(scan) => {
                let row = scan.row(step.first_row + parent);
                Some(row.ok_or_else(|| refused(step, parent))?)
            }
        };
        let mut terms = Terms {
            kind: step.rows.kind(),
            normaliser: scanned.map_or(0.0, |row| row.normaliser),
            touched: self.touched.len()..self.touched.len(),
            only: scanned.is_none(),
        };
        if step.request.changes_rows() {
            self.overrides.clear();
            self.process_row(step, parent, &mut terms)?;
            terms.only |= self.overrides.only();
            for i in 0..self.overrides.entries().len() {
                let (token, log_probability) = self.overrides.entries()[i];
                let candidate = step.continuation(parent, token, log_probability);
                self.candidates.extend(candidate);
                self.cut_if_many(step, count);
            }
            if !terms.only {
                let entries = self.overrides.entries();
                reserve(&mut self.touched, entries.len(), "processed scores")?;
                self.touched.extend(entries.iter().map(|&(token, _)| token));
                terms.touched.end = self.touched.len();
            }
        }
        self.terms.push(terms);
        Ok(())
    }

    /// Leaves in `overrides` the tokens of a row whose log-probabilities are
    /// not those that were read.
    pub(super) fn process_row(
        &mut self,
        step: &Step<'_>,
        parent: usize,
        terms: &mut Terms,
    ) -> Result<(), Error> {
        let request = step.request;
        let row = step.rows.row(0, parent);
        self.history.clear();
        let length = request.prompt.len() + step.length;
        reserve(&mut self.history, length, "the tokens of a hypothesis")?;
        self.history.extend_from_slice(&request.prompt);
        step.tree
            .tokens_into(step.beams[parent].node, &mut self.history);
        let mut scores = RowScores {
            base: Base::Logits(row),
            position: Position {
                history: &self.history,
                prompt: request.prompt.len(),
                max_length: request.max_length,
                end_tokens: &request.end_tokens,
            },
            overrides: &mut self.overrides,
            dispatch: step.dispatch,
        };
        if request.changes_logits() {
            if step.rows.kind() == ScoreKind::Probabilities {
                let request = step.id;
                return Err(Kind::NeedsLogits { request }.into());
            }
            for processor in &request.logits {
                processor.process(&mut scores);
            }
            for constraint in request.constraints(Normaliser::Permitted) {
                constraint.apply(&mut scores, &mut self.mask);
            }
            check_entries(step, parent, scores.overrides)?;
            // Log-probabilities are then logits like any others, and are
            // normalised whether or not this row was touched.
            if !scores.overrides.is_empty() || step.rows.kind() != ScoreKind::Logits {
                scores.overrides.sort();
                terms.kind = ScoreKind::Logits;
                terms.normaliser = processed_log_sum_exp(row, scores.overrides, step.dispatch);
                for (_, score) in scores.overrides.entries_mut() {
                    *score = log_probability(ScoreKind::Logits, *score as f32, terms.normaliser);
                }
            }
        }
        scores.base = Base::LogProbabilities(row, terms.kind, terms.normaliser);
        if request.forces_end() && scores.is_last() {
            scores.permit_only(request.end_tokens.iter().copied());
        }
        for processor in &request.log_probabilities {
            processor.process(&mut scores);
        }
        for beams in self.chosen.chunk_by(|a, b| a == b) {
            let penalty = request.diversity * beams.len() as f64;
            scores.set(beams[0], scores.get(beams[0]) - penalty);
        }
        for constraint in request.constraints(Normaliser::WholeRow) {
            constraint.apply(&mut scores, &mut self.mask);
        }
        check_entries(step, parent, scores.overrides)
    }
}

/// Why the scan refused a row.
fn refused(step: &Step<'_>, parent: usize) -> Error {
    mark!("a row is refused");
    let row = step.rows.row(0, parent);
    let kind = step.rows.kind();
    let bad = (0..row.len()).find(|&token| !kind.accepts(row.get(token)));
    step_score(step, parent, bad.unwrap_or(0))
}

fn step_score(step: &Step<'_>, parent: usize, token: usize) -> Error {
    let kind = Kind::StepScore {
        request: step.id,
        kind: step.rows.kind(),
        row: step.first_row + parent,
        step: step.length,
        token,
        value: step.rows.row(0, parent).get(token),
    };
    kind.into()
}

/// If a permitted token of a row that nothing else has read, or the score that
/// a processor gave a token, is not valid.
fn check_entries(step: &Step<'_>, parent: usize, overrides: &Overrides) -> Result<(), Error> {
    let row = step.rows.row(0, parent);
    let kind = step.rows.kind();
    for &(token, value) in overrides.entries() {
        if step.scanned.is_none() && !kind.accepts(row.get(token as usize)) {
            mark!("a permitted token's score is invalid");
            return Err(step_score(step, parent, token as usize));
        }
        if value.is_nan() || value == f64::INFINITY {
            let kind = Kind::ProcessedScore {
                request: step.id,
                step: step.length,
                token,
                value,
            };
            return Err(kind.into());
        }
    }
    Ok(())
}
