//! One step of one group: from scores to the best candidates.
//!
//! The rows' lists hold the best tokens of each row, far fewer than the K
//! candidates wanted where beams are many. The K-th best of what the lists
//! hold is a threshold for all rows of the group: only a row whose list ends
//! above it can have more to give, and only such rows are read again, with a
//! longer list. With one row, or few candidates, the lists are K long and
//! nothing is read twice.
//!
//! A row's list names the best of the tokens that no adjustment touched, once
//! the touched ones are taken out of it; those stand beside it as candidates
//! of their own. So no row is copied, and the result is exact: a row has given
//! enough when K of its untouched tokens are in, when its list holds all it
//! has, or when its list reaches below the threshold.

use std::ops::Range;

use super::adjust::{Base, Overrides, Position, RowScores};
use super::candidates::{Candidate, compare, keep_best};
use super::group::Beam;
use super::mask::TokenMask;
use super::normaliser::adjusted_log_sum_exp;
use super::permit::Normaliser;
use super::request::Request;
use super::slot::RESERVED;
use super::tree::Tree;
use crate::error::{Error, Kind};
use crate::kernels::log_probability;
use crate::memory::reserve;
use crate::scores::{ScoreKind, ScoresView};
use crate::search::shortlist::{Shortlist, Shortlists};
use crate::simd::Dispatch;

/// What a step of a group starts from.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) request: &'a Request,
    pub(super) tree: &'a Tree,
    /// Tokens generated before this step.
    pub(super) length: usize,
    pub(super) beams: &'a [Beam],
    /// The rows of the beams, `[1, beams, vocab]`.
    pub(super) rows: ScoresView<'a>,
    /// The first of them among the rows of the batch: what errors name.
    pub(super) first_row: usize,
    /// The lists of the rows' best tokens, unless only permitted tokens are
    /// looked at.
    pub(super) scan: Option<Scan<'a>>,
    pub(super) dispatch: Dispatch,
}

/// Lists of the best `width` tokens; the group's first row is the list
/// `offset`.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) lists: &'a Shortlists,
    pub(super) offset: usize,
    pub(super) width: usize,
}

/// How far one row's list has been used.
#[derive(Clone, Debug)]
struct Used {
    width: usize,
    /// Tokens of the list that were looked at.
    listed: usize,
    /// Those of them that became candidates.
    kept: usize,
    /// The last of them as a candidate: all that the list leaves out is worse.
    last: Option<Candidate>,
    /// What scores are normalised with, and whether anew.
    normaliser: f64,
    renormalised: bool,
    /// The row's part of the touched tokens.
    touched: Range<usize>,
}

/// Memory of the steps.
#[derive(Debug, Default)]
pub(super) struct Expander {
    /// The result of a step: the best candidates, best first.
    pub(super) candidates: Vec<Candidate>,
    /// The most tokens of one row that adjustments touched in the last step.
    pub(super) most_touched: usize,
    /// How many rows the last step had to read again.
    pub(super) widened: usize,
    /// The tokens that beams of earlier groups have just continued with.
    pub(super) chosen: Vec<u32>,
    used: Vec<Used>,
    touched: Vec<u32>,
    overrides: Overrides,
    history: Vec<u32>,
    mask: TokenMask,
    wider: Shortlists,
    incomplete: Vec<usize>,
}

impl Expander {
    /// Sets memory aside for what a request changes.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(super) fn reserve(&mut self, request: &Request, vocab: usize) -> Result<(), Error> {
        if !request.changes_rows() {
            return Ok(());
        }
        self.history.clear();
        let length = request.prompt.len() + request.max_length.min(RESERVED);
        reserve(&mut self.history, length, "the tokens of a hypothesis")?;
        self.overrides.clear();
        self.overrides.resize(vocab)
    }

    /// Finds the best `count` candidates of a step.
    ///
    /// # Errors
    ///
    /// If a score of the rows, or of an adjustment, is not valid.
    pub(super) fn expand(&mut self, step: &Step<'_>, count: usize) -> Result<(), Error> {
        self.candidates.clear();
        self.used.clear();
        self.touched.clear();
        self.most_touched = 0;
        self.widened = 0;
        self.chosen.sort_unstable();
        for parent in 0..step.beams.len() {
            self.begin_row(step, parent, count)?;
        }
        loop {
            let worst = keep_best(&mut self.candidates, count, &step.rows);
            if !self.widen(step, worst, count)? {
                break;
            }
        }
        self.candidates
            .sort_unstable_by(|a, b| compare(&step.rows, a, b));
        Ok(())
    }

    /// Adds the candidates of a row's list and of its touched tokens.
    fn begin_row(&mut self, step: &Step<'_>, parent: usize, count: usize) -> Result<(), Error> {
        let list = match step.scan {
            None => None,
            Some(scan) => {
                let list = scan.lists.get(0, scan.offset + parent);
                Some(list.ok_or_else(|| refused(step, parent))?)
            }
        };
        let mut used = Used {
            width: step.scan.map_or(0, |scan| scan.width),
            listed: 0,
            kept: 0,
            last: None,
            normaliser: list.map_or(0.0, |list| list.normaliser),
            renormalised: false,
            touched: self.touched.len()..self.touched.len(),
        };
        self.overrides.clear();
        if step.request.changes_rows() {
            self.adjust_row(step, parent, &mut used)?;
            for &(token, log_probability) in self.overrides.entries() {
                let candidate = continuation(step, parent, token, log_probability);
                self.candidates.extend(candidate);
            }
            self.most_touched = self.most_touched.max(self.overrides.entries().len());
        }
        match list {
            Some(list) if !self.overrides.only() => {
                let touched = self.overrides.entries().iter().map(|&(token, _)| token);
                self.touched.extend(touched);
                used.touched.end = self.touched.len();
                self.add_list(step, parent, list, &mut used, count);
            }
            // The row has nothing but what was permitted.
            _ => used.width = usize::MAX,
        }
        self.used.push(used);
        Ok(())
    }

    /// Adds the tokens of a list that were not looked at so far, but for the
    /// touched ones.
    fn add_list(
        &mut self,
        step: &Step<'_>,
        parent: usize,
        list: Shortlist<'_>,
        used: &mut Used,
        count: usize,
    ) {
        let row = step.rows.row(0, parent);
        let log = |i: usize| {
            if used.renormalised {
                let value = row.get(list.tokens[i] as usize);
                log_probability(ScoreKind::Logits, value, used.normaliser)
            } else {
                list.log_probabilities[i]
            }
        };
        let anything_touched = !used.touched.is_empty();
        for i in used.listed..list.tokens.len() {
            if used.kept == count {
                break;
            }
            let token = list.tokens[i];
            if !(anything_touched && self.overrides.contains(token)) {
                self.candidates
                    .extend(continuation(step, parent, token, log(i)));
                used.kept += 1;
            }
        }
        used.listed = list.tokens.len();
        used.last = used.listed.checked_sub(1).map(|i| Candidate {
            score: step.beams[parent].score + log(i),
            log_probability: log(i),
            parent: parent as u32,
            token: list.tokens[i],
        });
        if used.listed < used.width || used.kept == count {
            // All that is possible, or all that can matter, is in.
            used.width = usize::MAX;
        }
    }

    /// Reads rows again that may have more candidates among the best `count`,
    /// the worst of which is `worst`. False if there are none.
    fn widen(
        &mut self,
        step: &Step<'_>,
        worst: Option<Candidate>,
        count: usize,
    ) -> Result<bool, Error> {
        let vocab = step.rows.vocab();
        let mut incomplete = std::mem::take(&mut self.incomplete);
        incomplete.clear();
        for (parent, used) in self.used.iter().enumerate() {
            let below = match (worst, used.last) {
                (Some(worst), Some(last)) => !compare(&step.rows, &last, &worst).is_lt(),
                _ => false,
            };
            if used.width < vocab && !below {
                incomplete.push(parent);
            }
        }
        self.widened += incomplete.len();
        let mut rest = incomplete.as_slice();
        while let Some(&first) = rest.first() {
            let width = self.used[first].width;
            let together = |(i, &parent): (usize, &usize)| {
                parent == first + i && self.used[parent].width == width
            };
            let rows = rest
                .iter()
                .enumerate()
                .take_while(|&row| together(row))
                .count();
            self.widen_rows(
                step,
                first..first + rows,
                width.saturating_mul(4).min(vocab),
                count,
            )?;
            rest = &rest[rows..];
        }
        let any = !incomplete.is_empty();
        self.incomplete = incomplete;
        Ok(any)
    }

    fn widen_rows(
        &mut self,
        step: &Step<'_>,
        rows: Range<usize>,
        width: usize,
        count: usize,
    ) -> Result<(), Error> {
        let mut wider = std::mem::take(&mut self.wider);
        let filled = wider.fill(&step.rows.rows(rows.clone()), width, step.dispatch);
        if filled.is_ok() {
            for parent in rows.clone() {
                let Some(list) = wider.get(0, parent - rows.start) else {
                    // It was valid when it was read first.
                    continue;
                };
                let mut used = self.used[parent].clone();
                used.width = width;
                self.overrides.clear();
                for &token in &self.touched[used.touched.clone()] {
                    self.overrides.set(token, 0.0);
                }
                self.add_list(step, parent, list, &mut used, count);
                self.used[parent] = used;
            }
        }
        self.wider = wider;
        filled
    }

    /// Leaves in `overrides` the tokens of a row whose log-probabilities are
    /// not those that were read.
    fn adjust_row(&mut self, step: &Step<'_>, parent: usize, used: &mut Used) -> Result<(), Error> {
        let request = step.request;
        let row = step.rows.row(0, parent);
        self.history.clear();
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
        };
        if request.changes_logits() {
            if step.rows.kind() == ScoreKind::Probabilities {
                return Err(Kind::NeedsLogits.into());
            }
            for adjustment in &request.logits {
                adjustment.adjust(&mut scores);
            }
            if let Some((permit, Normaliser::Permitted)) = &request.permit {
                permit.apply(&mut scores, &mut self.mask);
            }
            check_entries(step, parent, scores.overrides)?;
            // Log-probabilities are then logits like any others, and are
            // normalised whether or not this row was touched.
            if !scores.overrides.is_empty() || step.rows.kind() != ScoreKind::Logits {
                scores.overrides.sort();
                used.renormalised = true;
                used.normaliser = adjusted_log_sum_exp(row, scores.overrides, step.dispatch);
                for (_, score) in scores.overrides.entries_mut() {
                    *score = log_probability(ScoreKind::Logits, *score as f32, used.normaliser);
                }
            }
        }
        let kind = if used.renormalised {
            ScoreKind::Logits
        } else {
            step.rows.kind()
        };
        scores.base = Base::LogProbabilities(row, kind, used.normaliser);
        if request.forces_end() && scores.is_last() {
            scores.permit_only(request.end_tokens.iter().copied());
        }
        for adjustment in &request.log_probabilities {
            adjustment.adjust(&mut scores);
        }
        for beams in self.chosen.chunk_by(|a, b| a == b) {
            let penalty = request.diversity * beams.len() as f64;
            scores.set(beams[0], scores.get(beams[0]) - penalty);
        }
        if let Some((permit, Normaliser::WholeRow)) = &request.permit {
            permit.apply(&mut scores, &mut self.mask);
        }
        check_entries(step, parent, scores.overrides)
    }
}

/// The candidate of a token, if it is possible.
fn continuation(
    step: &Step<'_>,
    parent: usize,
    token: u32,
    log_probability: f64,
) -> Option<Candidate> {
    let score = step.beams[parent].score + log_probability;
    (score > f64::NEG_INFINITY).then_some(Candidate {
        score,
        log_probability,
        parent: parent as u32,
        token,
    })
}

/// Why the scan refused a row.
fn refused(step: &Step<'_>, parent: usize) -> Error {
    let row = step.rows.row(0, parent);
    let kind = step.rows.kind();
    let bad = (0..row.len()).find(|&token| !kind.accepts(row.get(token)));
    step_score(step, parent, bad.unwrap_or(0))
}

fn step_score(step: &Step<'_>, parent: usize, token: usize) -> Error {
    let kind = Kind::StepScore {
        kind: step.rows.kind(),
        row: step.first_row + parent,
        step: step.length,
        token,
        value: step.rows.row(0, parent).get(token),
    };
    kind.into()
}

/// If a permitted token of a row that nothing else has read, or the score that
/// an adjustment gave a token, is not valid.
fn check_entries(step: &Step<'_>, parent: usize, overrides: &Overrides) -> Result<(), Error> {
    let row = step.rows.row(0, parent);
    let kind = step.rows.kind();
    for &(token, value) in overrides.entries() {
        if step.scan.is_none() && !kind.accepts(row.get(token as usize)) {
            return Err(step_score(step, parent, token as usize));
        }
        if value.is_nan() || value == f64::INFINITY {
            let step = step.length;
            return Err(Kind::AdjustedScore { step, token, value }.into());
        }
    }
    Ok(())
}
