//! The search: its requests, and what they share.

use super::expand::Expander;
use super::feed::{Feed, NextRows};
use super::request::Request;
use super::sampling::Sampler;
use super::scan::ScannedRows;
use super::slot::{Slot, StepMemory};
use super::walk::Walker;
use crate::byte_limit::ByteLimit;
use crate::cancellation::{Cancellation, CancellationToken};
use crate::error::{Error, Kind};
use crate::memory::reserve;
use crate::request_id::RequestId;
use crate::scores::ScoresView;
use crate::simd::{Dispatch, Level};

/// A beam search that the caller drives, over any number of requests at once.
///
/// See the [module](super) for how a step goes.
///
/// A clone holds the same requests under the same ids, and goes on by itself: the step
/// that is under way can be answered in both.
#[derive(Debug)]
pub struct AutoregressiveSearch {
    pub(super) vocab: usize,
    pub(super) dispatch: Dispatch,
    pub(super) slots: Vec<Slot>,
    pub(super) free: Vec<u32>,
    /// The slots of running requests, in the order of their rows; first those of the
    /// step that is under way.
    pub(super) running: Vec<u32>,
    /// How many of them are in the step that is under way; 0 if none is.
    pub(super) fed: usize,
    /// How many of these have been removed, or are done, since it began.
    pub(super) gone: usize,
    /// How many of them have taken their scores: none, unless the step was cancelled then.
    pub(super) taken: usize,
    pub(super) finished: Vec<RequestId>,
    /// How many of them were there when the last step ended.
    pub(super) shown: usize,
    pub(super) next_rows: NextRows,
    /// Rows of the last step.
    pub(super) scored: usize,
    pub(super) scanned: ScannedRows,
    pub(super) memory: StepMemory,
    pub(super) cancellation: Cancellation,
    max_bytes: ByteLimit,
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
            gone: 0,
            taken: 0,
            finished: Vec::new(),
            shown: 0,
            next_rows: NextRows::default(),
            scored: 0,
            scanned: ScannedRows::default(),
            memory: StepMemory::default(),
            cancellation: Cancellation::default(),
            max_bytes: ByteLimit::default(),
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

    /// The same search with a token that ends [`AutoregressiveSearch::run`],
    /// [`AutoregressiveSearch::advance`] and its variants early. What the requests have found so
    /// far is there: [`AutoregressiveSearch::finish`] ends one with its best.
    #[must_use]
    pub fn with_cancellation(mut self, token: CancellationToken) -> Self {
        self.set_cancellation(Some(token));
        self
    }

    /// Gives the search another token that ends its calls early, or none.
    pub fn set_cancellation(&mut self, token: Option<CancellationToken>) {
        self.cancellation = Cancellation::new(token);
    }

    /// The same search with a limit on the memory of its requests, or without one: a request is not
    /// admitted ([`LimitExceeded`](crate::ErrorKind::LimitExceeded)) if what all need would exceed
    /// `bytes`. [`AutoregressiveSearch::bytes_needed`] says what one needs; it counts until the
    /// request is removed. What the search keeps of those for the next ones is not counted.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: Option<usize>) -> Self {
        self.max_bytes = ByteLimit::new(bytes);
        self
    }

    /// The most bytes that the search may take; `None` if there is no limit.
    pub fn max_bytes(&self) -> Option<usize> {
        self.max_bytes.get()
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
        request.check(self.vocab)?;
        Ok(self.bytes_of(request))
    }

    /// [`AutoregressiveSearch::bytes_needed`] of a request without contradictions.
    fn bytes_of(&self, request: &Request) -> usize {
        let vocab = self.vocab;
        let rows = request.most_beams();
        // The token, the parent and the numbers of slots; where memory grows, it is doubled.
        let row = size_of::<[u32; 8]>();
        let parts = [
            Slot::bytes_needed(request, vocab),
            ScannedRows::bytes_needed(rows, vocab),
            Expander::bytes_needed(request, vocab),
            Walker::bytes_needed(request, vocab),
            Sampler::bytes_needed(request, vocab),
            rows.saturating_mul(row),
            request.prompt.len().saturating_mul(size_of::<u32>()),
        ];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    /// What the requests that are there need in all.
    fn bytes_held(&self) -> usize {
        let slots = self.slots.iter().filter(|slot| slot.id.is_some());
        slots.map(|slot| slot.bytes).fold(0, usize::saturating_add)
    }

    /// Takes in a request, at any time. Its first row is among the last of the next step
    /// that [`AutoregressiveSearch::feed`] begins.
    ///
    /// # Errors
    ///
    /// If a setting is out of its range, or names a token beyond the
    /// vocabulary, memory runs out, or the requests could need more than the search may take
    /// ([`AutoregressiveSearch::with_max_bytes`]).
    ///
    /// If no hypothesis can finish, whatever the scores: what processors, masks and tries
    /// permit has no first token; the last token must be an end token, and a minimum length,
    /// the shortest sequence of a trie or required words leave no room for one; a required
    /// word has a token that is forbidden, or that ends its hypothesis. What constraints with
    /// states, functions and the caller's own processors permit is not known before they are
    /// asked, nor are all sequences of a trie compared with other settings: such a request is
    /// taken, and ends with [`Ended::NothingFound`](super::Ended::NothingFound).
    pub fn admit(&mut self, request: Request) -> Result<RequestId, Error> {
        request.check(self.vocab)?;
        let bytes = self.bytes_of(&request);
        self.max_bytes.check(|| self.bytes_held(), || bytes)?;
        self.memory.expander.reserve(&request, self.vocab)?;
        // So that neither its end nor its removal asks for memory.
        let what = "the requests";
        reserve(&mut self.slots, 1, what)?;
        let not_free = self.slots.len() + 1 - self.free.len();
        reserve(&mut self.free, not_free, what)?;
        reserve(&mut self.running, 1, what)?;
        let not_finished = self.slots.len() + 1 - self.finished.len();
        reserve(&mut self.finished, not_finished, what)?;
        let slot = self.free.last().copied().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.free.push(self.slots.len() as u32 - 1);
            self.slots.len() as u32 - 1
        });
        let id = RequestId::new(slot);
        self.slots[slot as usize].begin(id, request)?;
        self.slots[slot as usize].bytes = bytes;
        self.free.pop();
        if self.slots[slot as usize].is_running() {
            self.running.push(slot);
        } else {
            self.finished.push(id);
        }
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
            let slot = &mut self.slots[id.slot as usize];
            slot.removed = true;
            self.gone += usize::from(slot.is_running());
            self.forget_finished(id);
        } else {
            self.running.retain(|&running| running != id.slot);
            self.forget_finished(id);
            self.free_slot(id.slot);
        }
        true
    }

    /// Ends a running request with what it has: its live hypotheses finish, as
    /// [`Finish::Live`](super::Finish::Live), and compete with those that have finished before
    /// (under [`AtMaximum::FillUp`](super::AtMaximum::FillUp) they fill the pool up). It is done
    /// at once, and [`AutoregressiveSearch::outcome`] says what it has found: nothing, if it has
    /// not taken a step. False if it is not in this search, or is done.
    ///
    /// If the request is in the step that is under way, its rows stay in the feed, and their
    /// scores are not looked at. To have the best so far of a request that is cancelled, finish
    /// it; to have nothing, remove it.
    pub fn finish(&mut self, id: RequestId) -> bool {
        if self.slot(id).is_none() || !self.slots[id.slot as usize].finish() {
            return false;
        }
        if self.running[..self.fed].contains(&id.slot) {
            self.gone += 1;
        } else {
            self.running.retain(|&running| running != id.slot);
        }
        self.finished.push(id);
        true
    }

    /// Takes a request off the list of those that are done.
    fn forget_finished(&mut self, id: RequestId) {
        if let Some(place) = self.finished.iter().position(|&finished| finished == id) {
            self.finished.remove(place);
            self.shown -= usize::from(place < self.shown);
        }
    }

    fn free_slot(&mut self, slot: u32) {
        self.slots[slot as usize].free();
        self.free.push(slot);
    }

    /// Whether no request is running.
    pub fn is_idle(&self) -> bool {
        self.running.len() == self.gone
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
    ///
    /// If the step was cancelled after some requests had taken their scores, it cannot be given
    /// up for the others: they are refused.
    pub fn abandon_step(&mut self) {
        if self.taken > 0 {
            self.refuse_from(self.taken, |request| Kind::StepGivenUp { request });
            self.shown = self.finished.len();
        }
        self.end_step();
    }

    /// Refuses the requests of the step from a place on.
    pub(super) fn refuse_from(&mut self, first: usize, why: fn(RequestId) -> Kind) {
        for &index in &self.running[first..self.fed] {
            let slot = &mut self.slots[index as usize];
            if let Some(request) = slot.id.filter(|_| !slot.removed && !slot.is_done()) {
                slot.fail(why(request).into());
                self.finished.push(request);
            }
        }
    }

    /// Ends the step that is under way: frees the requests that were removed meanwhile;
    /// those that are done are running no more.
    pub(super) fn end_step(&mut self) {
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
            slot.is_running()
        });
        (self.fed, self.gone, self.taken) = (0, 0, 0);
    }

    /// The place of a request that is there, and was not removed.
    pub(super) fn slot(&self, id: RequestId) -> Option<&Slot> {
        let slot = self.slots.get(id.slot as usize)?;
        (slot.id == Some(id) && !slot.removed).then_some(slot)
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
            gone: self.gone,
            taken: self.taken,
            finished: with_room(&self.finished),
            shown: self.shown,
            next_rows: self.next_rows.clone(),
            scored: self.scored,
            scanned: self.scanned.clone(),
            memory: self.memory.clone(),
            cancellation: self.cancellation.clone(),
            max_bytes: self.max_bytes,
        }
    }
}

/// A copy of a list with as much room.
fn with_room<T: Copy>(list: &Vec<T>) -> Vec<T> {
    let mut copy = Vec::with_capacity(list.capacity());
    copy.extend_from_slice(list);
    copy
}
