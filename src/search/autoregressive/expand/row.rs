//! One row of a step: its scores as processors and constraints leave them.

use super::required::forbid_early_ends;
use super::{Expander, ProcessedRow, Step, Terms};
use crate::error::{Error, Kind};
use crate::kernels::log_probability;
use crate::memory::reserve;
use crate::scores::ScoreKind;
use crate::search::autoregressive::constraint::Normaliser;
use crate::search::autoregressive::normaliser::processed_log_sum_exp;
use crate::search::autoregressive::processors::{Base, Overrides, Position, RowScores};
use crate::search::autoregressive::step_rows::TokenScores;

impl Expander {
    /// Adds the candidates of a row's touched tokens: to the best `count`, or without a count to
    /// those that are processed.
    pub(super) fn begin_row(
        &mut self,
        step: &Step<'_>,
        parent: usize,
        count: Option<usize>,
    ) -> Result<(), Error> {
        let mut terms = self.terms_as_read(step, parent)?;
        match step.changes_rows {
            true => self.change_row(step, parent, count, &mut terms)?,
            false => self.may_go_on = true,
        }
        self.terms.push(terms);
        Ok(())
    }

    /// Adds the candidates of the tokens that processors and constraints touch.
    fn change_row(
        &mut self,
        step: &Step<'_>,
        parent: usize,
        count: Option<usize>,
        terms: &mut Terms,
    ) -> Result<(), Error> {
        if self.read_permitted(step, parent, terms)? {
            if let Some(count) = count {
                self.add_permitted(step, parent, terms, count);
                self.permitted.clear();
                terms.permitted = 0..0;
            }
        } else {
            self.may_go_on = true;
            self.overrides.clear();
            let given = step.given(parent).unwrap_or_default();
            self.given.enter(given);
            let processed = self.process_row(step, parent, terms);
            let added = processed.and_then(|()| self.add_touched(step, parent, count));
            self.given.leave(given);
            added?;
            terms.only |= self.overrides.only();
            if !terms.only {
                let entries = self.overrides.entries();
                reserve(&mut self.touched, entries.len(), "processed scores")?;
                self.touched.extend(entries.iter().map(|&(token, _)| token));
                terms.touched.end = self.touched.len();
            }
        }
        terms.processed_end = self.processed.len();
        terms.bank = self.note_banks(step, parent)?;
        Ok(())
    }

    /// Shows a row as processors and constraints leave it.
    ///
    /// # Errors
    ///
    /// If a score is not valid, or those of `f`.
    pub(in crate::search::autoregressive) fn with_processed_row<T>(
        &mut self,
        step: &Step<'_>,
        parent: usize,
        f: impl FnOnce(&ProcessedRow<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut terms = self.terms_as_read(step, parent)?;
        self.overrides.clear();
        self.logits.clear();
        if !step.changes_rows {
            return f(&self.processed_row(step, parent, &terms));
        }
        let given = step.given(parent).unwrap_or_default();
        self.given.enter(given);
        let processed = self.process_row(step, parent, &mut terms);
        let found = processed.and_then(|()| f(&self.processed_row(step, parent, &terms)));
        self.given.leave(given);
        found
    }

    fn processed_row<'a>(
        &'a self,
        step: &Step<'a>,
        parent: usize,
        terms: &Terms,
    ) -> ProcessedRow<'a> {
        ProcessedRow {
            read: step.token_scores(parent, &self.given),
            entries: self.overrides.entries(),
            logits: &self.logits,
            only: terms.only || self.overrides.only(),
            kind: terms.kind,
            normaliser: terms.normaliser,
        }
    }

    /// What the tokens of a row are worth if nothing changes them.
    fn terms_as_read(&self, step: &Step<'_>, parent: usize) -> Result<Terms, Error> {
        let scanned = match step.scanned {
            None => None,
            Some(scan) => {
                let row = scan.row(step.first_row + parent);
                Some(row.ok_or_else(|| refused(step, parent))?)
            }
        };
        Ok(Terms {
            kind: step.rows.kind(),
            normaliser: scanned.map_or(0.0, |row| row.normaliser),
            touched: self.touched.len()..self.touched.len(),
            processed_end: 0,
            only: scanned.is_none(),
            bank: 0,
            permitted: 0..0,
        })
    }

    /// Adds the candidates of the tokens in `overrides`.
    fn add_touched(
        &mut self,
        step: &Step<'_>,
        parent: usize,
        count: Option<usize>,
    ) -> Result<(), Error> {
        if count.is_none() {
            let most = self.overrides.entries().len();
            reserve(&mut self.processed, most, "processed scores")?;
        }
        for i in 0..self.overrides.entries().len() {
            let (token, log_probability) = self.overrides.entries()[i];
            let value = step.token_scores(parent, &self.given).get(token);
            let candidate = step.continuation(parent, token, log_probability, value);
            match count {
                Some(count) => {
                    self.candidates.extend(candidate);
                    self.cut_if_many(count);
                }
                None => self.processed.extend(candidate),
            }
        }
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
        let row = step.token_scores(parent, &self.given);
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
            for (constraint, followed) in request.constraints(Normaliser::Permitted, step.followed)
            {
                constraint.apply(followed, parent, &mut scores, &mut self.mask);
            }
            check_entries(step, parent, row, scores.overrides)?;
            // Log-probabilities are then logits like any others, and are
            // normalised whether or not this row was touched.
            if !scores.overrides.is_empty() || step.rows.kind() != ScoreKind::Logits {
                scores.overrides.sort();
                if request.sampling.is_some() {
                    let entries = scores.overrides.entries();
                    reserve(&mut self.logits, entries.len(), "processed scores")?;
                    let logits = entries.iter().map(|&(token, score)| (token, score as f32));
                    self.logits.extend(logits);
                }
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
        for (constraint, followed) in request.constraints(Normaliser::WholeRow, step.followed) {
            constraint.apply(followed, parent, &mut scores, &mut self.mask);
        }
        if !request.required.is_empty() {
            forbid_early_ends(step, parent, &mut scores);
        }
        check_entries(step, parent, row, scores.overrides)
    }
}

/// Why the scan refused a row.
fn refused(step: &Step<'_>, parent: usize) -> Error {
    mark!("a row is refused");
    let row = step.row(parent);
    let kind = step.rows.kind();
    let place = (0..row.len()).find(|&place| !kind.accepts(row.get(place)));
    let place = place.unwrap_or(0);
    let token = step
        .given(parent)
        .map_or(place, |given| given[place] as usize);
    step_score(step, parent, token, row.get(place))
}

pub(super) fn step_score(step: &Step<'_>, parent: usize, token: usize, value: f32) -> Error {
    let kind = Kind::StepScore {
        request: step.id,
        kind: step.rows.kind(),
        row: step.first_row + parent,
        step: step.length,
        token,
        value,
    };
    kind.into()
}

/// If a permitted token of a row that nothing else has read, or the score that
/// a processor gave a token, is not valid.
fn check_entries(
    step: &Step<'_>,
    parent: usize,
    row: TokenScores<'_>,
    overrides: &Overrides,
) -> Result<(), Error> {
    for &(token, value) in overrides.entries() {
        let read = row.get(token);
        if step.scanned.is_none() && !row.kind.accepts(read) {
            mark!("a permitted token's score is invalid");
            return Err(step_score(step, parent, token as usize, read));
        }
        // Two finite scores may have no finite sum.
        let score = step.beams[parent].score + value;
        if value.is_nan() || value == f64::INFINITY || score == f64::INFINITY {
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
