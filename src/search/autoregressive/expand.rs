//! One step of one group: from scores to the best candidates.
//!
//! # The algorithm
//!
//! ```text
//! for each row: the tokens that processors touch are candidates of their own
//! bar = the K-th best total of these, and of the best token of each group of
//!       untouched tokens (the scan has found it)
//! for each row, best beam first:
//!     for each group of tokens whose best reaches the bar:
//!         its untouched tokens that reach the bar are candidates
//!         when there are many: keep the best K; the worst of them is the bar
//! the best K candidates, in order
//! ```
//!
//! The bar is one for all rows: K different candidates reach it, so what does
//! not reach it is none of the best K. The rows of bad beams, most of them
//! where beams are many, are not looked at again, and of the others only the
//! groups that matter. The bar is a total; in each row it amounts to a least
//! score, against which tokens are compared as they were read.
//!
//! Touched tokens stand beside their row, so no row is copied. A group that has
//! one says nothing about the bar, but bounds its untouched tokens all the same.
//!
//! # Cost
//!
//! Besides the scan O(rows x vocabulary / 128 + K log K), and at worst, where
//! scores are constant, O(rows x vocabulary); O(K) memory.

use std::ops::Range;

use super::candidates::{Bar, Continuation, compare, keep_best};
use super::collect::{GroupsReaching, TokensReaching, least_reaching};
use super::constraint::Normaliser;
use super::group::LiveHypothesis;
use super::mask::TokenMask;
use super::normaliser::processed_log_sum_exp;
use super::processors::{Base, Overrides, Position, RowScores};
use super::request::{RESERVED, Request};
use super::scan::{ScannedRow, ScannedRows};
use super::tree::HypothesisTree;
use crate::error::{Error, Kind};
use crate::kernels::block::GROUP;
use crate::kernels::log_probability;
use crate::memory::{reserve, resize};
use crate::order::descending;
use crate::request_id::RequestId;
use crate::scores::{ScoreKind, ScoresView};
use crate::simd::Dispatch;

/// What a step of a group starts from.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) id: RequestId,
    pub(super) request: &'a Request,
    pub(super) tree: &'a HypothesisTree,
    /// Tokens generated before this step.
    pub(super) length: usize,
    pub(super) beams: &'a [LiveHypothesis],
    /// The rows of the beams, `[1, beams, vocab]`.
    pub(super) rows: ScoresView<'a>,
    /// The first of them among the rows of the batch: what errors name.
    pub(super) first_row: usize,
    /// What was found in the rows of the batch, unless only permitted tokens
    /// are looked at.
    pub(super) scanned: Option<&'a ScannedRows>,
    pub(super) dispatch: Dispatch,
}

/// What the tokens of one row are worth.
#[derive(Clone, Debug)]
struct Terms {
    /// How scores turn into log-probabilities.
    kind: ScoreKind,
    normaliser: f64,
    /// The row's part of the touched tokens.
    touched: Range<usize>,
    /// Whether no token but the touched ones is possible.
    only: bool,
}

/// Candidates that are kept beyond the best ones before they are cut, so that
/// few beams are not cut often.
const SPARE: usize = 1024;

/// Memory of the steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Expander {
    /// The result of a step: the best candidates, best first.
    pub(super) candidates: Vec<Continuation>,
    /// The tokens that beams of earlier groups have just continued with.
    pub(super) chosen: Vec<u32>,
    bar: Bar,
    terms: Vec<Terms>,
    touched: Vec<u32>,
    /// For each group of a row, whether it has a touched token.
    unsure: Vec<bool>,
    totals: Vec<f64>,
    groups: Vec<u32>,
    found: Vec<(u32, f32)>,
    overrides: Overrides,
    history: Vec<u32>,
    mask: TokenMask,
}

impl Expander {
    /// At most the bytes that the steps of a request take.
    pub(super) fn bytes_needed(request: &Request, vocab: usize) -> usize {
        let (rows, count) = (request.beams / request.groups, request.candidates());
        let all = rows.saturating_mul(vocab);
        let most = count.saturating_mul(2).saturating_add(SPARE).min(all) + GROUP;
        let candidate = size_of::<Continuation>() + size_of::<f64>();
        let groups = vocab.div_ceil(GROUP) * (size_of::<f64>() + size_of::<u32>() + 1);
        let found = GROUP * size_of::<(u32, f32)>();
        let row = size_of::<Terms>() + size_of::<u32>();
        let mut bytes = most.saturating_mul(candidate);
        bytes = bytes.saturating_add(rows.saturating_mul(row)) + groups + found;
        if request.changes_rows() {
            // A processor may change any token of any row.
            let touched = all.saturating_mul(size_of::<u32>());
            let length = request.prompt.len().saturating_add(request.max_length);
            let history = length.saturating_mul(size_of::<u32>());
            let mask = vocab.div_ceil(8);
            for more in [touched, history, Overrides::bytes_needed(vocab), mask] {
                bytes = bytes.saturating_add(more);
            }
        }
        // Where memory grows, it is doubled.
        bytes.saturating_mul(2)
    }

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
        self.overrides.resize(vocab)?;
        self.mask.reserve(vocab)
    }

    /// Finds the best `count` candidates of a step.
    ///
    /// # Errors
    ///
    /// If a score of the rows, or of a processor, is not valid, or memory
    /// runs out.
    pub(super) fn expand(&mut self, step: &Step<'_>, count: usize) -> Result<(), Error> {
        self.begin(step, count)?;
        for parent in 0..step.beams.len() {
            self.begin_row(step, parent, count)?;
        }
        self.raise_bar(step, count);
        for parent in 0..step.beams.len() {
            self.collect_row(step, parent, count);
        }
        keep_best(&mut self.candidates, count, &step.rows);
        self.candidates
            .sort_unstable_by(|a, b| compare(&step.rows, a, b));
        Ok(())
    }

    /// Makes all room by the shape of the step, so that what the scores are
    /// does not matter to it.
    fn begin(&mut self, step: &Step<'_>, count: usize) -> Result<(), Error> {
        let vocab = step.rows.vocab();
        let all = step.beams.len().saturating_mul(vocab);
        let most = count.saturating_mul(2).saturating_add(SPARE).min(all);
        let groups = vocab.div_ceil(GROUP);
        let what = "the candidates of a step";
        self.candidates.clear();
        self.terms.clear();
        self.touched.clear();
        self.totals.clear();
        self.groups.clear();
        self.found.clear();
        reserve(&mut self.candidates, most + GROUP, what)?;
        reserve(&mut self.terms, step.beams.len(), what)?;
        reserve(&mut self.totals, most + groups, what)?;
        reserve(&mut self.groups, groups, what)?;
        reserve(&mut self.found, GROUP, what)?;
        resize(&mut self.unsure, groups, what)?;
        self.bar = Bar::NONE;
        self.chosen.sort_unstable();
        Ok(())
    }

    /// Adds the candidates of a row's touched tokens.
    fn begin_row(&mut self, step: &Step<'_>, parent: usize, count: usize) -> Result<(), Error> {
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
                let candidate = continuation(step, parent, token, log_probability);
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

    /// Cuts the candidates to the best `count` when there are many more: O(1)
    /// for each that was added.
    fn cut_if_many(&mut self, step: &Step<'_>, count: usize) -> bool {
        let many = self.candidates.len() >= count.saturating_mul(2).saturating_add(SPARE);
        if many && let Some(worst) = keep_best(&mut self.candidates, count, &step.rows) {
            mark!("candidates are cut to the best");
            self.bar.raise(Bar::just_above(&worst));
        }
        many
    }

    /// Raises the bar to the `count`-th best total of the candidates so far
    /// and of the groups' best tokens.
    fn raise_bar(&mut self, step: &Step<'_>, count: usize) {
        let scores = self.candidates.iter().map(|candidate| candidate.score);
        self.totals.extend(scores);
        for parent in 0..step.beams.len() {
            let Some((row, least)) = self.looked_at(step, parent) else {
                continue;
            };
            let Terms {
                kind,
                normaliser,
                ref touched,
                ..
            } = self.terms[parent];
            let touched = &self.touched[touched.clone()];
            set_groups_of(touched, &mut self.unsure, true);
            self.groups.clear();
            step.dispatch.run(GroupsReaching {
                maxima: row.maxima,
                least,
                groups: &mut self.groups,
            });
            let maxima = row.maxima.as_flattened();
            for &group in &self.groups {
                if touched.is_empty() || !self.unsure[group as usize] {
                    let log = log_probability(kind, maxima[group as usize], normaliser);
                    self.totals.push(step.beams[parent].score + log);
                }
            }
            set_groups_of(touched, &mut self.unsure, false);
            if self.totals.len() >= count.saturating_mul(2).saturating_add(SPARE) {
                mark!("totals are cut before the last row");
                self.cut_totals(count);
            }
        }
        if self.totals.len() >= count {
            self.cut_totals(count);
        }
    }

    /// Keeps the best `count` totals of at least as many.
    fn cut_totals(&mut self, count: usize) {
        let (_, &mut worst, _) = self
            .totals
            .select_nth_unstable_by(count - 1, |a, b| descending(*a, *b));
        self.totals.truncate(count);
        self.bar.raise(Bar::at(worst));
    }

    /// What was found in a row, and its least score that reaches the bar, if
    /// any of its tokens may.
    fn looked_at<'a>(&self, step: &Step<'a>, parent: usize) -> Option<(ScannedRow<'a>, f32)> {
        let terms = &self.terms[parent];
        let row = step.scanned?.row(step.first_row + parent)?;
        if terms.only {
            return None;
        }
        let score = step.beams[parent].score;
        let total = |value| score + log_probability(terms.kind, value, terms.normaliser);
        let guess = self.bar.guess(score, terms.kind, terms.normaliser);
        let reaches = |value| self.bar.is_reached(total(value), parent as u32);
        let least = least_reaching(terms.kind.least_possible(), row.max, guess, reaches)?;
        Some((row, least))
    }

    /// Adds the candidates of a row's untouched tokens.
    fn collect_row(&mut self, step: &Step<'_>, parent: usize, count: usize) {
        let Some((row, mut least)) = self.looked_at(step, parent) else {
            return;
        };
        let Terms {
            kind,
            normaliser,
            ref touched,
            ..
        } = self.terms[parent];
        let any_touched = !touched.is_empty();
        if any_touched {
            self.overrides.clear();
            for &token in &self.touched[touched.clone()] {
                self.overrides.set(token, 0.0);
            }
        }
        self.groups.clear();
        step.dispatch.run(GroupsReaching {
            maxima: row.maxima,
            least,
            groups: &mut self.groups,
        });
        let maxima = row.maxima.as_flattened();
        for i in 0..self.groups.len() {
            let group = self.groups[i] as usize;
            if maxima[group] < least {
                // The bar was raised since.
                mark!("a group no longer reaches the bar");
                continue;
            }
            self.found.clear();
            step.dispatch.run(TokensReaching {
                row: step.rows.row(0, parent),
                group,
                least,
                found: &mut self.found,
            });
            for &(token, value) in &self.found {
                if !(any_touched && self.overrides.contains(token)) {
                    let log = log_probability(kind, value, normaliser);
                    self.candidates
                        .extend(continuation(step, parent, token, log));
                }
            }
            if self.cut_if_many(step, count) {
                match self.looked_at(step, parent) {
                    None => {
                        mark!("the rest of a row no longer reaches the bar");
                        return;
                    }
                    Some((_, raised)) => {
                        mark!("a row goes on under a raised bar");
                        least = raised;
                    }
                }
            }
        }
    }

    /// Leaves in `overrides` the tokens of a row whose log-probabilities are
    /// not those that were read.
    fn process_row(
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

/// Sets the flag of each group that holds one of the tokens.
fn set_groups_of(tokens: &[u32], groups: &mut [bool], flag: bool) {
    for &token in tokens {
        groups[token as usize / GROUP] = flag;
    }
}

/// The candidate of a token, if it is possible.
fn continuation(
    step: &Step<'_>,
    parent: usize,
    token: u32,
    log_probability: f64,
) -> Option<Continuation> {
    let score = step.beams[parent].score + log_probability;
    (score > f64::NEG_INFINITY).then_some(Continuation {
        score,
        log_probability,
        parent: parent as u32,
        token,
    })
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
