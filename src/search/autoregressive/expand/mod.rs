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

mod processed;
mod required;
mod row;
mod select;
mod step;
mod trie_row;

pub(super) use processed::ProcessedRow;
pub(super) use step::Step;
use trie_row::Permitted;

use std::ops::Range;

use super::candidates::{Bar, Continuation, compare, keep_best};
use super::given::GivenTokens;
use super::mask::TokenMask;
use super::processors::Overrides;
use super::request::{RESERVED, Request};
use super::step_rows::StepRows;
use crate::error::Error;
use crate::kernels::block::GROUP;
use crate::memory::{reserve, resize};
use crate::scores::ScoreKind;

/// What the tokens of one row are worth.
#[derive(Clone, Debug)]
struct Terms {
    /// How scores turn into log-probabilities.
    kind: ScoreKind,
    normaliser: f64,
    /// The row's part of the touched tokens.
    touched: Range<usize>,
    /// The end of the row's part of the processed candidates.
    processed_end: usize,
    /// Whether no token but the touched ones is possible.
    only: bool,
    /// The bank of its untouched tokens.
    bank: usize,
    /// The row's part of the tokens that a trie permits, if that alone changes it.
    permitted: Range<usize>,
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
    /// The candidates of all touched tokens, row by row, of a step that is read apart.
    processed: Vec<Continuation>,
    /// Their banks, if words are required.
    processed_banks: Vec<usize>,
    /// The bank whose candidates are looked for, if not all are.
    bank: Option<usize>,
    /// For each group of a row, whether it has a touched token.
    unsure: Vec<bool>,
    totals: Vec<f64>,
    groups: Vec<u32>,
    found: Vec<(u32, f32)>,
    overrides: Overrides,
    permitted: Permitted,
    /// Whether more tokens may follow a candidate of the rows that were read.
    pub(super) may_go_on: bool,
    /// The scores that were changed before the log-softmax of a row that is drawn from.
    logits: Vec<(u32, f32)>,
    history: Vec<u32>,
    mask: TokenMask,
    pub(super) given: GivenTokens,
}

impl Expander {
    /// The most candidates that there is room for.
    pub(super) fn most_candidates(request: &Request, vocab: usize) -> usize {
        let rows = request.most_beams() / request.groups;
        let count = match request.walks_plainly() {
            true => request.candidates_of(rows),
            false => request.most_looked_at(vocab),
        };
        let most = count.saturating_mul(2).saturating_add(SPARE);
        most.min(rows.saturating_mul(vocab)).saturating_add(GROUP)
    }

    /// At most the bytes that the steps of a request take.
    pub(super) fn bytes_needed(request: &Request, vocab: usize) -> usize {
        let (rows, apart) = (
            request.most_beams() / request.groups,
            !request.walks_plainly(),
        );
        let all = rows.saturating_mul(vocab);
        let most = Self::most_candidates(request, vocab);
        let candidate = size_of::<Continuation>() + size_of::<f64>();
        let groups = vocab.div_ceil(GROUP) * (size_of::<f64>() + size_of::<u32>() + 1);
        let found = GROUP * size_of::<(u32, f32)>();
        let row = size_of::<Terms>() + size_of::<u32>();
        let mut bytes = most.saturating_mul(candidate);
        bytes = bytes.saturating_add(GivenTokens::bytes_needed(vocab));
        for more in [rows.saturating_mul(row), groups, found] {
            bytes = bytes.saturating_add(more);
        }
        if request.changes_rows() {
            // A processor may change any token of any row.
            let bank = match request.required.is_empty() {
                true => 0,
                false => size_of::<usize>(),
            };
            let processed = if apart {
                size_of::<Continuation>() + bank
            } else {
                0
            };
            let touched = all.saturating_mul(size_of::<u32>() + processed);
            let length = request.prompt.len().saturating_add(request.max_length);
            let history = length.saturating_mul(size_of::<u32>());
            let mask = vocab.div_ceil(8);
            let permitted = match request.only_constraint() {
                None => 0,
                Some(_) => Permitted::bytes_needed(all),
            };
            bytes = bytes.saturating_add(permitted);
            let logits = vocab.saturating_mul(size_of::<(u32, f32)>());
            bytes = bytes.saturating_add(logits);
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
        if request.sampling.is_some() {
            self.logits.clear();
            reserve(&mut self.logits, vocab, "processed scores")?;
        }
        self.mask.reserve(vocab)
    }

    /// Forgets what a row has left behind whose processors or constraints have panicked.
    pub(super) fn forget_interrupted(&mut self) {
        self.overrides.forget_counts();
        self.given.forget();
    }

    /// Begins a step whose rows are drawn from, not ranked.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn begin_drawing(&mut self, step: &Step<'_>) -> Result<(), Error> {
        self.begin(step, 0)
    }

    /// Reads the rows of a step, from which [`Expander::best_of`] then takes candidates. There
    /// is room for `count` at once.
    ///
    /// # Errors
    ///
    /// Those of [`Expander::expand`].
    pub(super) fn read(&mut self, step: &Step<'_>, count: usize) -> Result<(), Error> {
        self.begin(step, count)?;
        self.processed.clear();
        self.processed_banks.clear();
        for parent in 0..step.beams.len() {
            self.begin_row(step, parent, None)?;
        }
        Ok(())
    }

    /// Finds the best `count` candidates of some parents of a step that has been read: all, or
    /// those of a bank.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn best_of(
        &mut self,
        step: &Step<'_>,
        parents: Range<usize>,
        bank: Option<usize>,
        count: usize,
    ) -> Result<(), Error> {
        self.make_room(step, count)?;
        self.bar = Bar::NONE;
        let ends = |parent: usize| self.terms[parent].processed_end;
        let first = parents.start.checked_sub(1).map_or(0, ends);
        for i in first..ends(parents.end - 1) {
            if bank.is_none_or(|bank| self.processed_banks[i] == bank) {
                self.candidates.push(self.processed[i]);
                self.cut_if_many(count);
            }
        }
        for parent in parents.clone() {
            if !self.terms[parent].permitted.is_empty() {
                let terms = self.terms[parent].clone();
                self.add_permitted(step, parent, &terms, count);
            }
        }
        self.bank = bank;
        self.select(step, parents, count);
        Ok(())
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
            self.begin_row(step, parent, Some(count))?;
        }
        self.select(step, 0..step.beams.len(), count);
        Ok(())
    }

    /// Finds the best `count` candidates of some parents, given those of their touched tokens.
    fn select(&mut self, step: &Step<'_>, parents: Range<usize>, count: usize) {
        self.raise_bar(step, parents.clone(), count);
        for parent in parents {
            self.collect_row(step, parent, count);
        }
        keep_best(&mut self.candidates, count);
        self.candidates.sort_unstable_by(compare);
    }

    /// Makes all room by the shape of the step, so that what the scores are
    /// does not matter to it.
    fn begin(&mut self, step: &Step<'_>, count: usize) -> Result<(), Error> {
        let groups = step.rows.vocab().div_ceil(GROUP);
        let what = "the candidates of a step";
        self.terms.clear();
        self.touched.clear();
        self.permitted.clear();
        self.groups.clear();
        self.found.clear();
        self.make_room(step, count)?;
        reserve(&mut self.terms, step.beams.len(), what)?;
        reserve(&mut self.groups, groups, what)?;
        reserve(&mut self.found, GROUP, what)?;
        resize(&mut self.unsure, groups, what)?;
        (self.bar, self.bank) = (Bar::NONE, None);
        self.may_go_on = false;
        self.chosen.sort_unstable();
        match step.rows {
            StepRows::Sparse(_) if step.changes_rows => self.given.reserve(step.rows.vocab()),
            _ => Ok(()),
        }
    }

    /// Makes room for the best `count` candidates and those that are kept beside them.
    fn make_room(&mut self, step: &Step<'_>, count: usize) -> Result<(), Error> {
        let vocab = step.rows.vocab();
        let all = step.beams.len().saturating_mul(vocab);
        let most = count.saturating_mul(2).saturating_add(SPARE).min(all);
        let what = "the candidates of a step";
        self.candidates.clear();
        self.totals.clear();
        reserve(&mut self.candidates, most + GROUP, what)?;
        reserve(&mut self.totals, most + vocab.div_ceil(GROUP), what)
    }
}
