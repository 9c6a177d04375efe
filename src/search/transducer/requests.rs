//! What is done with requests between the steps.

use super::TransducerSearch;
use super::nbest::TransducerDetails;
use super::outcome::Outcome;
use super::record::{Record, State};
use super::settings::Settings;
use super::utterance::Search;
use crate::error::{Error, Kind};
use crate::memory::{reserve, reserve_in_all};
use crate::nbest::Hypotheses;
use crate::request_id::RequestId;
use crate::scorers::Scorer;

impl<S: Scorer + Sync> TransducerSearch<S> {
    /// Takes in an utterance of a known number of frames, at any time. Its first row is among
    /// those of the next step that [`TransducerSearch::feed`] begins. One of no frames is done
    /// at once: it has the empty hypothesis, of score 0 (or of what a scorer says of the end).
    ///
    /// # Errors
    ///
    /// If there are more frames than [`TransducerSearch::MAX_FRAMES`], memory runs out, or the
    /// requests could need more than the search may take
    /// ([`TransducerSearch::with_max_bytes`]).
    pub fn admit(&mut self, frames: usize) -> Result<RequestId, Error> {
        self.begin(frames, true)
    }

    /// Takes in an utterance whose frames are still to come, at any time:
    /// [`TransducerSearch::add_frames`] says how many have come, [`TransducerSearch::end`] that
    /// no more do.
    ///
    /// # Errors
    ///
    /// If memory runs out, or the requests could need more than the search may take.
    pub fn admit_stream(&mut self) -> Result<RequestId, Error> {
        self.begin(0, false)
    }

    fn begin(&mut self, frames: usize, ended: bool) -> Result<RequestId, Error> {
        let needed = self.bytes_needed(frames)?;
        self.max_bytes.check(|| self.bytes_held(None), || needed)?;
        let frames = Settings::check_frames(0, frames)?;
        // So that neither its end nor its removal asks for memory.
        let what = "the requests";
        reserve(&mut self.records, 1, what)?;
        let all = self.records.len() + 1;
        for places in [&mut self.free, &mut self.running, &mut self.step] {
            reserve_in_all(places, all, what)?;
        }
        reserve_in_all(&mut self.finished, all, what)?;
        let place = self.free.last().copied().unwrap_or_else(|| {
            self.records.push(Record::default());
            self.free.push(self.records.len() as u32 - 1);
            self.records.len() as u32 - 1
        });
        let id = RequestId::new(place);
        let search = Search {
            settings: &self.settings,
            scorer: &*self.scorer,
        };
        let record = &mut self.records[place as usize];
        record.begin(id, &search, frames, ended)?;
        record.bytes = needed;
        self.free.pop();
        if record.is_running() {
            self.running.push(place);
        } else {
            self.finished.push(id);
        }
        Ok(id)
    }

    /// What the requests that are there need in all, but for one of them.
    fn bytes_held(&self, without: Option<RequestId>) -> usize {
        let records = self.records.iter();
        let others = records.filter(|record| record.id.is_some() && record.id != without);
        others
            .map(|record| record.bytes)
            .fold(0, usize::saturating_add)
    }

    /// Says that `count` more frames of an utterance have come, at any time.
    ///
    /// # Errors
    ///
    /// If its frames have ended: [`OutOfOrder`](crate::ErrorKind::OutOfOrder). If there would
    /// be more than [`TransducerSearch::MAX_FRAMES`], it was refused, or it is not in this
    /// search. If the requests could need more than the search may take
    /// ([`TransducerSearch::with_max_bytes`]); the frames have not come then, and the request is
    /// as before. If memory runs out; it is refused then.
    pub fn add_frames(&mut self, id: RequestId, count: usize) -> Result<(), Error> {
        let utterance = &mut self.running_record(id)?.utterance;
        let available = utterance.available as usize;
        if utterance.ended {
            return Err(Kind::FramesEnded {
                request: id,
                frames: available,
            }
            .into());
        }
        let frames = Settings::check_frames(available, count)?;
        let (complete, shared) = (utterance.frame as usize, utterance.history.shared_tokens());
        // Counted without a limit too: there may be one later.
        let needed = self.bytes_of_stream(complete, frames as usize - complete, shared);
        self.max_bytes
            .check(|| self.bytes_held(Some(id)), || needed)?;
        self.records[id.slot as usize].bytes = needed;
        self.records[id.slot as usize].utterance.available = frames;
        self.go_on(id)
    }

    /// Says that no more frames of an utterance come, at any time. It is done once all that
    /// have come are complete, which may be at once. For one whose frames have ended this
    /// does nothing.
    ///
    /// # Errors
    ///
    /// If it was refused, or is not in this search. If memory runs out; it is refused then.
    pub fn end(&mut self, id: RequestId) -> Result<(), Error> {
        if let State::Done(Ok(())) = self.record(id)?.state {
            return Ok(());
        }
        self.running_record(id)?.utterance.ended = true;
        self.go_on(id)
    }

    /// Ends an utterance now, at any time, as if there were no frames but those that are
    /// complete: its outcome is there at once. If it is in the step that is under way, its rows
    /// stay in the feed, and their scores are not looked at. For one that is done this does
    /// nothing.
    ///
    /// # Errors
    ///
    /// If it was refused, or is not in this search, or memory runs out; it then goes on.
    pub fn finish(&mut self, id: RequestId) -> Result<(), Error> {
        if let State::Done(Ok(())) = self.record(id)?.state {
            return Ok(());
        }
        self.running_record(id)?;
        let search = Search {
            settings: &self.settings,
            scorer: &*self.scorer,
        };
        self.records[id.slot as usize].finish(&search)?;
        self.settle(id);
        Ok(())
    }

    /// Removes a request, running or done, and what it has found, at any time. False if it is
    /// not in this search, or was removed before.
    ///
    /// If the request is in the step that is under way, its rows stay in the feed, and their
    /// scores are not looked at. A step of which no request is left is over when its scores
    /// have come, like any other, or with [`TransducerSearch::abandon_step`].
    pub fn remove(&mut self, id: RequestId) -> bool {
        if self.record(id).is_err() {
            return false;
        }
        self.running.retain(|&running| running != id.slot);
        self.finished.retain(|&finished| finished != id);
        let record = &mut self.records[id.slot as usize];
        if record.in_step {
            record.removed = true;
        } else {
            record.give_slots_back(&mut self.slots);
            record.free();
            self.free.push(id.slot);
        }
        true
    }

    /// Whether no request is running. A stream that waits for frames is.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// The requests that are done and were not removed, in the order in which they were done.
    /// So they can be seen to one by one:
    ///
    /// ```
    /// # use widebeam::transducer::{Blank, TransducerSearch};
    /// # let mut search = TransducerSearch::new(4, Blank(0), 2)?;
    /// # search.admit(0)?;
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
    /// If the request was refused, for a score that is not valid, for want of memory, or
    /// because a scorer panicked in one of its steps: why. If it is not in this search, because
    /// it was removed or belongs to another:
    /// [`UnknownRequest`](crate::ErrorKind::UnknownRequest).
    pub fn outcome(&self, id: RequestId) -> Result<Option<Outcome<'_>>, Error> {
        let record = self.record(id)?;
        match &record.state {
            State::Done(Ok(())) => Ok(Some(Outcome {
                nbest: &record.results,
            })),
            State::Done(Err(error)) => Err(error.clone()),
            State::Running | State::Free => Ok(None),
        }
    }

    /// The hypotheses after the last complete frame, best first, without the tokens that were
    /// taken; no end of input is scored. Those of the outcome, if the request is done.
    ///
    /// # Errors
    ///
    /// If the request was refused or is not in this search, or memory runs out.
    pub fn current(&mut self, id: RequestId) -> Result<Hypotheses<'_, TransducerDetails>, Error> {
        let state = &self.record(id)?.state;
        if let State::Done(Err(error)) = state {
            return Err(error.clone());
        }
        let is_running = matches!(state, State::Running);
        let record = &mut self.records[id.slot as usize];
        if is_running {
            let search = Search {
                settings: &self.settings,
                scorer: &*self.scorer,
            };
            let results = &mut record.results;
            record.utterance.write(&search, false, results)?;
        }
        Ok(record.results.only_item())
    }

    /// The number of complete frames of an utterance.
    ///
    /// # Errors
    ///
    /// If it is not in this search.
    pub fn frames(&self, id: RequestId) -> Result<usize, Error> {
        Ok(self.record(id)?.utterance.frame as usize)
    }

    /// The record of a request that is there, and was not removed.
    pub(super) fn record(&self, request: RequestId) -> Result<&Record<S::State>, Error> {
        let record = self.records.get(request.slot as usize);
        let here = record.filter(|record| record.id == Some(request) && !record.removed);
        here.ok_or(Kind::UnknownRequest { request }.into())
    }

    /// The record of a request that is there and runs.
    pub(super) fn running_record(
        &mut self,
        request: RequestId,
    ) -> Result<&mut Record<S::State>, Error> {
        let record = self.record(request)?;
        let frames = record.utterance.available as usize;
        match &record.state {
            State::Running => Ok(&mut self.records[request.slot as usize]),
            State::Done(Err(error)) => Err(error.clone()),
            State::Done(Ok(())) | State::Free => Err(Kind::FramesEnded { request, frames }.into()),
        }
    }

    /// Goes on with a request after frames have come, or their end.
    fn go_on(&mut self, id: RequestId) -> Result<(), Error> {
        let search = Search {
            settings: &self.settings,
            scorer: &*self.scorer,
        };
        let went_on = self.records[id.slot as usize].go_on(&search);
        self.settle(id);
        went_on
    }

    /// Sees to a request that may have ended outside of a step.
    fn settle(&mut self, id: RequestId) {
        let record = &mut self.records[id.slot as usize];
        if record.is_running() {
            return;
        }
        if !record.in_step {
            record.give_slots_back(&mut self.slots);
        }
        self.running.retain(|&running| running != id.slot);
        self.finished.push(id);
    }
}
