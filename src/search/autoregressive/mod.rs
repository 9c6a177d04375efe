//! Beam search with the model in the loop, sans I/O.
//!
//! The caller owns the model, its cache and its batch; the search owns the
//! hypotheses. In between go scores of shape `[rows, vocab]` in one direction,
//! and tokens to feed with the rows they continue in the other:
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
//!
//! // A model of 4 tokens that likes to count: 0, 1, 2, and 3 to end.
//! let model = |last: Option<u32>| {
//!     let mut logits = [0.0f32; 4];
//!     logits[last.map_or(0, |token| token as usize + 1) % 4] = 2.0;
//!     logits
//! };
//! let mut search = AutoregressiveSearch::new(4)?;
//! let id = search.admit(Request::new(2, MaximumLength(10)).with_end_tokens([3]))?;
//! while !search.is_idle() {
//!     let feed = search.feed();
//!     // A real model reorders its cache by `feed.parents()` here.
//!     let continued = feed.tokens().iter().map(|&token| model(Some(token)));
//!     let fresh = feed.fresh().map(|(_id, _prompt)| model(None));
//!     let logits: Vec<f32> = continued.chain(fresh).flatten().collect();
//!     let rows = feed.rows();
//!     search.advance(&ScoresView::logits(&logits, [rows, 4])?)?;
//! }
//! let outcome = search.outcome(id)?.expect("it is done");
//! assert_eq!(outcome.best()?.tokens, [0, 1, 2, 3]);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # A driver with a cache and a cancel
//!
//! This is what a runtime does between two steps, whatever its cache is made of. In this
//! example requests arrive one by one while others run, and one is cancelled while the
//! model works on it:
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
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
//! let mut waiting = vec![vec![1, 2], vec![3], vec![0]];
//! let mut first = None;
//! let mut texts = Vec::new();
//! while !(search.is_idle() && waiting.is_empty()) {
//!     if let Some(prompt) = waiting.pop() {
//!         let request = Request::new(3, MaximumLength(8)).with_prompt(prompt).with_end_tokens([0]);
//!         let id = search.admit(request)?;
//!         first.get_or_insert(id);
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
//!     let rows = feed.rows();
//!     // Meanwhile anybody may admit and remove: it takes effect after the step.
//!     if let (Some(id), 1) = (first, waiting.len()) {
//!         search.remove(id);
//!     }
//!     search.advance(&ScoresView::logits(&logits, [rows, VOCAB])?)?;
//!     for id in search.finished().to_vec() {
//!         let outcome = search.outcome(id)?.expect("it is done");
//!         texts.push(outcome.best()?.tokens.to_vec());
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
//! it copies no rows, it looks at only those groups of a row's tokens whose best one can
//! still be among the K best candidates, and nothing is quadratic in k.
//!
//! # Promises
//!
//! A request's result depends on its settings and its rows alone: not on its
//! neighbours in the batch, the level, or the threads. An invalid score fails
//! the request it belongs to and no other. The scores of a step go to the rows that its
//! feed has shown, whatever is admitted or removed meanwhile. Once a batch has run for a while,
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

pub use crate::request_id::RequestId;
pub use constraint::{Constraint, Normaliser};
pub use feed::Feed;
pub use mask::TokenMask;
pub use outcome::{
    Completion, CompletionDetails, CompletionNBest, Ended, Outcome, OwnedCompletion,
};
pub use pool::Finish;
pub use presets::{CTranslate2Options, EarlyStopping};
pub use processors::{
    ForcedFirst, ForcedLast, ForcedScore, LogitsProcessor, MinimumLength, NoRepeatNgram,
    ProcessorFn, RepetitionPenalty, RowScores, Suppress, processor_fn,
};
pub use request::{MaximumLength, Request};
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
///
/// A clone holds the same requests under the same ids, and goes on by itself: the step
/// that is under way can be answered in both.
#[derive(Debug)]
pub struct AutoregressiveSearch {
    vocab: usize,
    dispatch: Dispatch,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The slots of running requests, in the order of their rows; first those of the
    /// step that is under way.
    running: Vec<u32>,
    /// How many of them are in the step that is under way; 0 if none is.
    fed: usize,
    /// How many of these have been removed since it began.
    removed: usize,
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
            0 => return Err(Kind::NoVocabulary.into()),
            _ if vocab > limit => return Err(Kind::VocabularyTooLarge { vocab, limit }.into()),
            _ => {}
        }
        Ok(AutoregressiveSearch {
            vocab,
            dispatch: Dispatch::require(Level::from_environment()?)?,
            slots: Vec::new(),
            free: Vec::new(),
            running: Vec::new(),
            fed: 0,
            removed: 0,
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

    /// At most the bytes of memory that a search of this request alone takes to its end,
    /// results included. What processors and constraints hold comes on top.
    ///
    /// See [`IndependentSearch::bytes_needed`](crate::IndependentSearch::bytes_needed)
    /// for what it is for. Requests that run at once need no more than the sum.
    ///
    /// # Errors
    ///
    /// Those of [`AutoregressiveSearch::admit`] about settings.
    pub fn bytes_needed(&self, request: &Request) -> Result<usize, Error> {
        let (rows, vocab) = (request.beams, self.vocab);
        request.check(vocab)?;
        // The token, the parent and the numbers of slots; where memory grows, it is doubled.
        let row = size_of::<[u32; 8]>();
        let parts = [
            Slot::bytes_needed(request),
            ScannedRows::bytes_needed(rows, vocab),
            Expander::bytes_needed(request, vocab),
            rows.saturating_mul(row),
            request.prompt.len().saturating_mul(size_of::<u32>()),
        ];
        Ok(parts.into_iter().fold(0, usize::saturating_add))
    }

    /// Takes in a request, at any time. Its first row is among the last of the next step
    /// that [`AutoregressiveSearch::feed`] begins.
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
        let id = RequestId::new(slot);
        self.slots[slot as usize].begin(id, request)?;
        self.free.pop();
        self.running.push(slot);
        Ok(id)
    }

    /// Removes a request, running or done, and what it has found, at any time. False if
    /// it is not in this search, or was removed before.
    ///
    /// If the request is in the step that is under way, its rows stay in the feed, and
    /// their scores are not looked at. A step of which no request is left is over when its
    /// scores have come, like any other, or with [`AutoregressiveSearch::abandon_step`].
    pub fn remove(&mut self, id: RequestId) -> bool {
        if self.slot(id).is_none() {
            return false;
        }
        if self.running[..self.fed].contains(&id.slot) {
            self.slots[id.slot as usize].removed = true;
            self.removed += 1;
        } else {
            self.running.retain(|&running| running != id.slot);
            self.finished.retain(|&finished| finished != id);
            self.free_slot(id.slot);
        }
        true
    }

    fn free_slot(&mut self, slot: u32) {
        self.slots[slot as usize].free();
        self.free.push(slot);
    }

    /// Whether no request is running.
    pub fn is_idle(&self) -> bool {
        self.running.len() == self.removed
    }

    /// Begins a step of all running requests: the rows to be scored next. While a step is
    /// under way, shows that one again: its rows stay as they are until
    /// [`AutoregressiveSearch::advance`] takes their scores, or
    /// [`AutoregressiveSearch::abandon_step`] gives it up. If no request is running, there
    /// is no row, and no step begins.
    ///
    /// The feed borrows the search. To admit and remove while the model works, copy what the
    /// model needs first.
    pub fn feed(&mut self) -> Feed<'_> {
        if self.fed == 0 {
            self.fed = self.running.len();
            self.next_rows
                .lay_out(&mut self.slots, &self.running, self.scored);
        }
        Feed {
            next_rows: &self.next_rows,
            slots: &self.slots,
            running: &self.running[..self.fed],
        }
    }

    /// Gives up the step that is under way, such as when the model has failed. Its
    /// requests are as they were before it, and the next
    /// [`AutoregressiveSearch::feed`] begins the step again, with those that were admitted
    /// and without those that were removed meanwhile. Its rows continue those of the last
    /// step whose scores were taken, so a cache that was put in order for the abandoned step
    /// must be put back.
    pub fn abandon_step(&mut self) {
        self.end_step();
    }

    /// Ends the step that is under way: frees the requests that were removed meanwhile;
    /// those that are done are running no more.
    fn end_step(&mut self) {
        let mut left = self.fed;
        let AutoregressiveSearch {
            slots,
            free,
            running,
            ..
        } = self;
        running.retain(|&index| {
            if left == 0 {
                return true;
            }
            left -= 1;
            let slot = &mut slots[index as usize];
            if slot.removed {
                slot.free();
                free.push(index);
                return false;
            }
            matches!(slot.state, State::Running(_))
        });
        (self.fed, self.removed) = (0, 0);
    }

    /// Takes the scores of the rows that [`AutoregressiveSearch::feed`] has shown, one
    /// step for every request among them.
    ///
    /// `scores` has the shape `[1, rows, vocab]` (which is what a layout of
    /// `[rows, vocab]` means) or `[rows, 1, vocab]`, so that with strides the
    /// last position of a model's output can be read in place. The scores are
    /// read once, and only the permitted ones where a trie says which.
    ///
    /// The rows of requests that are done are gone from the next step;
    /// [`AutoregressiveSearch::finished`] names them. They stay, with what they have found,
    /// until [`AutoregressiveSearch::remove`]. Scores that are not valid are no
    /// error here: they fail the request that they belong to, and
    /// [`AutoregressiveSearch::outcome`] says so.
    ///
    /// # Errors
    ///
    /// If no step has begun, the shape is another, or memory runs out.
    /// Then nothing has changed.
    ///
    /// # Panics
    ///
    /// If a processor or a constraint does. The request in question, and those behind it in
    /// the feed, are then refused; the others are as if nothing had happened.
    pub fn advance(&mut self, scores: &ScoresView<'_>) -> Result<(), Error> {
        let (rows, vocab) = (self.next_rows.rows, self.vocab);
        let shape = [scores.batch(), scores.time(), scores.vocab()];
        if self.fed == 0 {
            return Err(Kind::NoStep.into());
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
        self.scored = rows;
        let mut step = StepUnderWay {
            search: self,
            taken: 0,
        };
        while step.take(&scores) {}
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

    /// What a request has found, once it is done; `None` while it runs.
    ///
    /// # Errors
    ///
    /// If the request was refused, for a score that is not valid, as read or as processed,
    /// for want of memory, or because a processor or constraint panicked, its own or that of
    /// a request before it in the step: why. If it is not in this search, because it was
    /// removed or belongs to another: [`UnknownRequest`](crate::ErrorKind::UnknownRequest).
    pub fn outcome(&self, id: RequestId) -> Result<Option<Outcome<'_>>, Error> {
        let request = id;
        let slot = self.slot(id).ok_or(Kind::UnknownRequest { request })?;
        match &slot.state {
            State::Done(Ok(ended)) => Ok(Some(Outcome {
                id,
                ended: *ended,
                results: &slot.results,
            })),
            State::Done(Err(error)) => Err(error.clone()),
            State::Running(_) | State::Free => Ok(None),
        }
    }

    /// Replaces the contents of `tokens` by the longest common prefix of the generated
    /// tokens of all hypotheses of a running request, live and finished. Its outcome begins
    /// with that prefix, so the prefix can be shown before the request is done. It never
    /// gets shorter.
    ///
    /// Returns whether the request is running; if not, `tokens` is empty.
    /// O(beams x length).
    pub fn stable_prefix(&self, id: RequestId, tokens: &mut Vec<u32>) -> bool {
        tokens.clear();
        let slot = self.slot(id);
        let running = slot.filter(|slot| matches!(slot.state, State::Running(_)));
        if let Some(slot) = running {
            slot.stable_prefix(tokens);
        }
        running.is_some()
    }

    /// The place of a request that is there, and was not removed.
    fn slot(&self, id: RequestId) -> Option<&Slot> {
        let slot = self.slots.get(id.slot as usize)?;
        (slot.id == Some(id) && !slot.removed).then_some(slot)
    }

    /// Reads the rows that are to be read, neighbours together.
    fn read(&mut self, scores: &ScoresView<'_>) -> Result<(), Error> {
        self.scanned.prepare(self.next_rows.rows, self.vocab)?;
        let mut rows = 0..0;
        for &index in &self.running[..self.fed] {
            let slot = &self.slots[index as usize];
            if slot.removed || !slot.reads_rows(scores.kind()) {
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

/// A step whose scores are being taken, request by request. If a function of the caller
/// panics, the step ends there: the request in question, and those whose turn had not
/// come, are refused.
struct StepUnderWay<'a> {
    search: &'a mut AutoregressiveSearch,
    /// How many requests have had their turn.
    taken: usize,
}

impl StepUnderWay<'_> {
    /// Gives the next request its scores; false if all have had theirs.
    fn take(&mut self, scores: &ScoresView<'_>) -> bool {
        let AutoregressiveSearch {
            slots,
            running,
            fed,
            finished,
            expander,
            scanned,
            dispatch,
            ..
        } = &mut *self.search;
        let Some(&index) = running[..*fed].get(self.taken) else {
            return false;
        };
        let slot = &mut slots[index as usize];
        if let Some(id) = slot.id.filter(|_| !slot.removed)
            && slot.step(id, expander, scores, scanned, *dispatch)
        {
            finished.push(id);
        }
        self.taken += 1;
        true
    }
}

impl Drop for StepUnderWay<'_> {
    fn drop(&mut self) {
        let search = &mut *self.search;
        for &index in &search.running[self.taken..search.fed] {
            let slot = &mut search.slots[index as usize];
            if let Some(request) = slot.id.filter(|_| !slot.removed) {
                slot.fail(Kind::StepPanicked { request }.into());
                search.finished.push(request);
            }
        }
        search.end_step();
    }
}

impl Clone for AutoregressiveSearch {
    /// Lists keep the room that [`AutoregressiveSearch::admit`] has made in them.
    fn clone(&self) -> Self {
        AutoregressiveSearch {
            vocab: self.vocab,
            dispatch: self.dispatch,
            slots: self.slots.clone(),
            free: with_room(&self.free),
            running: with_room(&self.running),
            fed: self.fed,
            removed: self.removed,
            finished: with_room(&self.finished),
            next_rows: self.next_rows.clone(),
            scored: self.scored,
            scanned: self.scanned.clone(),
            expander: self.expander.clone(),
        }
    }
}

/// A copy of a list with as much room.
fn with_room<T: Copy>(list: &Vec<T>) -> Vec<T> {
    let mut copy = Vec::with_capacity(list.capacity());
    copy.extend_from_slice(list);
    copy
}
