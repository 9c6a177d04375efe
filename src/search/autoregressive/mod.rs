//! Beam search with the model in the loop, sans I/O.
//!
//! The caller owns the model, its cache and its batch; the search owns the
//! hypotheses. In between go scores of shape `[rows, vocab]` in one direction,
//! and tokens to feed with the rows they continue in the other:
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::autoregressive::{AutoregressiveSearch, Request};
//!
//! // A model of 4 tokens that likes to count: 0, 1, 2, and 3 to end.
//! let model = |last: Option<u32>| {
//!     let mut logits = [0.0f32; 4];
//!     logits[last.map_or(0, |token| token as usize + 1) % 4] = 2.0;
//!     logits
//! };
//! let mut search = AutoregressiveSearch::new(4)?;
//! let id = search.admit(Request::new(2, 10).end_tokens([3]))?;
//! while !search.is_idle() {
//!     let feed = search.feed();
//!     // A real model reorders its cache by `feed.parents()` here.
//!     let continued = feed.tokens().iter().map(|&token| model(Some(token)));
//!     let fresh = feed.fresh().map(|(_id, _prompt)| model(None));
//!     let logits: Vec<f32> = continued.chain(fresh).flatten().collect();
//!     let rows = feed.rows();
//!     search.advance(&ScoresView::logits(&logits, [rows, 4])?)?;
//! }
//! let outcome = search.outcome(id).expect("it is done");
//! assert_eq!(outcome.best().unwrap().tokens, [0, 1, 2, 3]);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # A driver with a cache
//!
//! This is what a runtime does between two steps, whatever its cache is made of. In this
//! example requests arrive one by one while others run:
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::autoregressive::{AutoregressiveSearch, Request};
//!
//! const VOCAB: usize = 4;
//! /// One row of the key-value cache: here the tokens that it has seen.
//! type Row = Vec<u32>;
//! /// Runs the model on more tokens of a row; the logits of what follows.
//! fn run(row: &mut Row, tokens: &[u32]) -> [f32; VOCAB] {
//!     row.extend(tokens);
//!     std::array::from_fn(|token| (row.len() * (token + 3) % 5) as f32)
//! }
//!
//! let mut search = AutoregressiveSearch::new(VOCAB)?;
//! let mut cache: Vec<Row> = Vec::new();
//! let mut logits: Vec<f32> = Vec::new();
//! let mut waiting = vec![vec![1, 2], vec![3]];
//! let mut texts = Vec::new();
//! while !(search.is_idle() && waiting.is_empty()) {
//!     if let Some(prompt) = waiting.pop() {
//!         search.admit(Request::new(3, 8).prompt(prompt).end_tokens([0]))?;
//!     }
//!     let feed = search.feed();
//!     // 1. Each row continues one of the step before; several may continue the
//!     //    same, and the rows of requests that are done are continued by none.
//!     if !feed.is_identity() {
//!         let parents = feed.parents().iter();
//!         cache = parents.map(|&parent| cache[parent as usize].clone()).collect();
//!     }
//!     // 2. Those rows see one more token,
//!     logits.clear();
//!     for (row, &token) in cache.iter_mut().zip(feed.tokens()) {
//!         logits.extend(run(row, &[token]));
//!     }
//!     // 3. and new requests, whose rows are the last, see their prompts.
//!     for (_id, prompt) in feed.fresh() {
//!         let mut row = Row::new();
//!         logits.extend(run(&mut row, prompt));
//!         cache.push(row);
//!     }
//!     search.advance(&ScoresView::logits(&logits, [feed.rows(), VOCAB])?)?;
//!     for id in search.finished().to_vec() {
//!         let outcome = search.outcome(id).expect("it is done");
//!         texts.extend(outcome.best().map(|best| best.tokens.to_vec()));
//!         search.remove(id);
//!     }
//! }
//! assert_eq!(texts.len(), 2);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! [`AutoregressiveSearch::run`] is this loop for a model that is one closure.
//!
//! # A step
//!
//! For each group of k beams (a request is one group unless it has diverse groups), with
//! K = (1 + max(1, end tokens)) * k and the default rules:
//!
//! ```text
//! for each row: normalise it, apply the processors, add the beam's score
//! the best K of live beams x vocabulary, in the total order, are candidates
//! those that end, of rank < k: into the pool of finished hypotheses, of size k
//! the best k that do not end: the next beams
//! at the maximum length: the beams go into the pool too
//! done if no beam is left, or the stopping rule is met
//! ```
//!
//! Candidates are ranked by score, highest first. Ties are broken by the rank of the parent,
//! then by the order of the row: log-probability descending, value read descending, token id
//! ascending. This order is total, so every answer is unique. The first step has one beam,
//! and a small vocabulary may leave fewer than k.
//!
//! The code takes shortcuts that do not change the answer: it never stores the log-softmax,
//! it copies no rows, most of a row's tokens are never candidates (`expand.rs` says why that
//! is exact), and nothing is quadratic in k.
//!
//! # Promises
//!
//! A request's result depends on its settings and its rows alone: not on its
//! neighbours in the batch, the level, or the threads. An invalid score fails
//! the request it belongs to and no other. Once a batch has run for a while,
//! steps allocate nothing.

mod candidates;
mod collect;
mod constraint;
mod expand;
mod feed;
mod group;
mod mask;
mod normaliser;
mod outcome;
mod pool;
mod presets;
mod processors;
mod request;
mod rules;
mod run;
mod scan;
mod slot;
#[cfg(test)]
mod tests;
mod tree;
mod trie;

pub use constraint::{Constraint, ConstraintFunction, Normaliser};
pub use feed::{Feed, RequestId};
pub use mask::TokenMask;
pub use outcome::{Completion, Ended, Outcome};
pub use pool::Finish;
pub use presets::EarlyStopping;
pub use processors::{
    ForcedFirst, ForcedLast, ForcedScore, LogitsProcessor, MinimumLength, NoRepeatNgram,
    RepetitionPenalty, RowScores, Suppress,
};
pub use request::Request;
pub use rules::{
    AtMaximum, CountedLength, EndRank, Leader, LengthPenalty, Rules, Stopping, WhenFull,
};
pub use trie::TokenTrie;

use crate::error::{Error, Kind};
use crate::memory::reserve;
use crate::scores::ScoresView;
use crate::simd::{Dispatch, Level};
use expand::Expander;
use feed::NextRows;
use scan::ScannedRows;
use slot::{Slot, State};

/// A beam search that the caller drives, over any number of requests at once.
///
/// See the [module](self) for how a step goes.
#[derive(Debug)]
pub struct AutoregressiveSearch {
    vocab: usize,
    dispatch: Dispatch,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The slots of running requests, in the order of their rows.
    running: Vec<u32>,
    finished: Vec<RequestId>,
    next_rows: NextRows,
    /// Rows of the last step.
    scored: usize,
    scanned: ScannedRows,
    expander: Expander,
}

impl AutoregressiveSearch {
    /// A search over a vocabulary of `vocab` tokens, at the level of
    /// [`Level::from_environment`].
    ///
    /// # Errors
    ///
    /// If the vocabulary is empty or above [`ScoresView::MAX_VOCAB`], or the
    /// environment names no level of this processor.
    pub fn new(vocab: usize) -> Result<Self, Error> {
        let limit = ScoresView::MAX_VOCAB;
        match vocab {
            0 => return Err(Kind::EmptyVocabulary { shape: [1, 0, 0] }.into()),
            _ if vocab > limit => return Err(Kind::VocabularyTooLarge { vocab, limit }.into()),
            _ => {}
        }
        Ok(AutoregressiveSearch {
            vocab,
            dispatch: Dispatch::require(Level::from_environment()?)?,
            slots: Vec::new(),
            free: Vec::new(),
            running: Vec::new(),
            finished: Vec::new(),
            next_rows: NextRows::default(),
            scored: 0,
            scanned: ScannedRows::default(),
            expander: Expander::default(),
        })
    }

    /// The same search at another instruction-set level.
    ///
    /// # Errors
    ///
    /// If this processor does not have it.
    pub fn with_level(mut self, level: Level) -> Result<Self, Error> {
        self.dispatch = Dispatch::require(level)?;
        Ok(self)
    }

    /// The instruction-set level in use.
    pub fn level(&self) -> Level {
        self.dispatch.level()
    }

    /// The number of tokens.
    pub fn vocab(&self) -> usize {
        self.vocab
    }

    /// Takes in a request. Its first row is the last of the next step.
    ///
    /// # Errors
    ///
    /// If a setting is out of its range, or names a token beyond the
    /// vocabulary, or memory runs out.
    pub fn admit(&mut self, request: Request) -> Result<RequestId, Error> {
        request.check(self.vocab)?;
        self.expander.reserve(&request, self.vocab)?;
        // So that neither its end nor its removal asks for memory.
        let what = "the requests";
        reserve(&mut self.slots, 1, what)?;
        let not_free = self.slots.len() + 1 - self.free.len();
        reserve(&mut self.free, not_free, what)?;
        reserve(&mut self.running, 1, what)?;
        let not_finished = (self.running.len() + 1).saturating_sub(self.finished.len());
        reserve(&mut self.finished, not_finished, what)?;
        let slot = self.free.last().copied().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.free.push(self.slots.len() as u32 - 1);
            self.slots.len() as u32 - 1
        });
        let place = &mut self.slots[slot as usize];
        place.begin(request)?;
        let generation = place.generation;
        self.free.pop();
        self.running.push(slot);
        self.lay_out();
        Ok(RequestId { slot, generation })
    }

    /// Removes a request, running or done, and what it has found. False if it
    /// was removed before.
    pub fn remove(&mut self, id: RequestId) -> bool {
        if self.slot(id).is_none() {
            return false;
        }
        let slot = &mut self.slots[id.slot as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.state = State::Free;
        self.free.push(id.slot);
        self.running.retain(|&running| running != id.slot);
        self.finished.retain(|&finished| finished != id);
        self.lay_out();
        true
    }

    /// Whether no request is running.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// The rows to be scored next.
    pub fn feed(&self) -> Feed<'_> {
        Feed {
            next_rows: &self.next_rows,
            slots: &self.slots,
            running: &self.running,
        }
    }

    /// Takes the scores of the rows of [`AutoregressiveSearch::feed`], one
    /// step for every running request.
    ///
    /// `scores` has the shape `[1, rows, vocab]` (which is what a layout of
    /// `[rows, vocab]` means) or `[rows, 1, vocab]`, so that with strides the
    /// last position of a model's output can be read in place. The scores are
    /// read once, and only the permitted ones where a trie says which.
    ///
    /// The rows of requests that are done are gone from the next step;
    /// [`AutoregressiveSearch::finished`] names them.
    ///
    /// # Errors
    ///
    /// If the shape is another, no request is running, or memory runs out.
    /// Then nothing has changed. Scores that are not valid are no error here:
    /// they fail the request they belong to ([`Ended::Failed`]).
    pub fn advance(&mut self, scores: &ScoresView<'_>) -> Result<(), Error> {
        let (rows, vocab) = (self.next_rows.rows, self.vocab);
        let shape = [scores.batch(), scores.time(), scores.vocab()];
        if rows == 0 {
            return Err(Kind::NothingRunning.into());
        }
        if shape != [1, rows, vocab] && shape != [rows, 1, vocab] {
            return Err(Kind::StepShape { shape, rows, vocab }.into());
        }
        let scores = scores.step_rows().ok_or(Error::from(Kind::StepLengths))?;
        let slots = self.running.iter().map(|&slot| &self.slots[slot as usize]);
        let most = slots.map(|slot| slot.most_rows(vocab));
        self.next_rows
            .reserve(most.fold(0, usize::saturating_add))?;
        self.read(&scores)?;
        self.finished.clear();
        let mut running = std::mem::take(&mut self.running);
        running.retain(|&index| {
            let slot = &mut self.slots[index as usize];
            let done = slot.step(&mut self.expander, &scores, &self.scanned, self.dispatch);
            if done {
                self.finished.push(RequestId {
                    slot: index,
                    generation: slot.generation,
                });
            }
            !done
        });
        self.running = running;
        self.scored = rows;
        self.lay_out();
        Ok(())
    }

    /// The requests that the last step has ended, in the order of their rows,
    /// but for those removed since. So they can be seen to one by one:
    ///
    /// ```
    /// # let mut search = widebeam::autoregressive::AutoregressiveSearch::new(4)?;
    /// while let Some(&id) = search.finished().first() {
    ///     // Use `search.outcome(id)`, then:
    ///     search.remove(id);
    /// }
    /// # Ok::<(), widebeam::Error>(())
    /// ```
    pub fn finished(&self) -> &[RequestId] {
        &self.finished
    }

    /// What a request has found, once it is done; `None` while it runs, or
    /// after it was removed.
    pub fn outcome(&self, id: RequestId) -> Option<Outcome<'_>> {
        let slot = self.slot(id)?;
        match &slot.state {
            State::Done(ended) => Some(Outcome {
                ended,
                results: &slot.results,
            }),
            _ => None,
        }
    }

    /// Writes the longest common prefix of the generated tokens of all hypotheses of a running
    /// request, live and finished. Its outcome begins with that prefix, so the prefix can be
    /// shown before the request is done. It never gets shorter.
    ///
    /// Nothing is written unless the request is running. O(beams x length).
    pub fn stable_prefix(&self, id: RequestId, tokens: &mut Vec<u32>) {
        tokens.clear();
        if let Some(slot) = self.slot(id)
            && matches!(slot.state, State::Running(_))
        {
            slot.stable_prefix(tokens);
        }
    }

    fn slot(&self, id: RequestId) -> Option<&Slot> {
        let slot = self.slots.get(id.slot as usize)?;
        let there = slot.generation == id.generation && !matches!(slot.state, State::Free);
        there.then_some(slot)
    }

    fn lay_out(&mut self) {
        self.next_rows
            .lay_out(&mut self.slots, &self.running, self.scored);
    }

    /// Reads the rows that are to be read, neighbours together.
    fn read(&mut self, scores: &ScoresView<'_>) -> Result<(), Error> {
        self.scanned.prepare(self.next_rows.rows, self.vocab)?;
        let mut rows = 0..0;
        for &index in &self.running {
            let slot = &self.slots[index as usize];
            if !slot.reads_rows(scores.kind()) {
                continue;
            }
            if rows.end < slot.rows.start {
                self.scanned.read(scores, rows, self.dispatch);
                rows = slot.rows.clone();
            }
            rows.end = slot.rows.end;
        }
        self.scanned.read(scores, rows, self.dispatch);
        Ok(())
    }
}
