//! What can be seen of requests: those that are done, and those that run.

use super::completion::CompletionNBest;
use super::outcome::Outcome;
use super::search::AutoregressiveSearch;
use super::slot::State;
use crate::error::{Error, Kind};
use crate::request_id::RequestId;

impl AutoregressiveSearch {
    /// The requests that the last step has ended, in the order of their rows, and those that
    /// have ended since or between it and the step before: one that nothing may follow is done
    /// when it is admitted. Those that were removed are left out. So they can be seen to one by one:
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

    /// Replaces the contents of `found` by the live hypotheses of a running request, as a list of
    /// one item: group by group, best first, each with the score that it would be ranked by if
    /// it finished now. None if the request is done. Of a request that draws sequences they are,
    /// together with [`AutoregressiveSearch::finished_so_far`], a sample of sequences that the
    /// length so far cuts: [`Completion::sampled`](super::Completion) has their weights.
    ///
    /// O(beams x length), and no allocation once `found` has room.
    ///
    /// # Errors
    ///
    /// If the request is not in this search, or memory runs out.
    pub fn live(&self, id: RequestId, found: &mut CompletionNBest) -> Result<(), Error> {
        let request = id;
        let slot = self.slot(id).ok_or(Kind::UnknownRequest { request })?;
        found.clear();
        slot.live_into(found)
    }

    /// Replaces the contents of `found` by the hypotheses of a running request that have finished
    /// so far and are still among its best, as a list of one item: group by group, best first.
    /// None if the request is done: its outcome then has them.
    ///
    /// O(hypotheses x length).
    ///
    /// # Errors
    ///
    /// If the request is not in this search, or memory runs out.
    pub fn finished_so_far(&self, id: RequestId, found: &mut CompletionNBest) -> Result<(), Error> {
        let request = id;
        let slot = self.slot(id).ok_or(Kind::UnknownRequest { request })?;
        found.clear();
        slot.finished_into(found)
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
        let running = slot.filter(|slot| slot.is_running());
        if let Some(slot) = running {
            slot.stable_prefix(tokens);
        }
        running.is_some()
    }
}
