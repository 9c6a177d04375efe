//! One request, from its admission to its removal.

use super::feed::{JoinerRow, NextRows, PredictorInput, PredictorStep};
use super::late::LateRows;
use super::nbest::TransducerNBest;
use super::slots::Slots;
use super::step_rows::StepRows;
use super::utterance::{Search, Utterance};
use crate::error::{Error, Kind};
use crate::phase;
use crate::request_id::RequestId;
use crate::scorers::Scorer;
use crate::search::prefixes::NONE;

#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Free,
    Running,
    Done(Result<(), Error>),
}

/// A place for a request. What it allocates serves the next one.
#[derive(Debug)]
pub(super) struct Record<T> {
    /// The name of the request, if there is one.
    pub(super) id: Option<RequestId>,
    pub(super) state: State,
    /// Whether it was removed, and leaves with the step that is under way.
    pub(super) removed: bool,
    /// Whether the step that is under way has rows of it.
    pub(super) in_step: bool,
    /// Whether its rows of that step are still to be taken.
    pub(super) to_take: bool,
    first_row: usize,
    /// What the request needs at most.
    pub(super) bytes: usize,
    pub(super) utterance: Utterance<T>,
    pub(super) results: TransducerNBest,
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Record {
            id: None,
            state: State::Free,
            removed: false,
            in_step: false,
            to_take: false,
            first_row: 0,
            bytes: 0,
            utterance: Utterance::default(),
            results: TransducerNBest::new(),
        }
    }
}

impl<T> Record<T> {
    /// Takes in a request whose first frames have come, or all if it has `ended`.
    ///
    /// # Errors
    ///
    /// If memory runs out; the place is then free.
    pub(super) fn begin<S: Scorer<State = T>>(
        &mut self,
        id: RequestId,
        search: &Search<'_, S>,
        frames: u32,
        ended: bool,
    ) -> Result<(), Error> {
        self.results.clear();
        self.utterance.begin(search)?;
        (self.utterance.available, self.utterance.ended) = (frames, ended);
        self.utterance.go_on(search)?;
        (self.removed, self.in_step) = (false, false);
        self.state = State::Running;
        self.id = Some(id);
        self.conclude(search);
        Ok(())
    }

    /// Gives the place up.
    pub(super) fn free(&mut self) {
        self.id = None;
        self.state = State::Free;
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running) && !self.removed
    }

    /// Ends the request without results.
    pub(super) fn fail(&mut self, error: Error) {
        self.results.clear();
        self.state = State::Done(Err(error));
    }

    /// Goes on after frames have come, or their end.
    pub(super) fn go_on<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
    ) -> Result<(), Error> {
        if let Err(error) = self.utterance.go_on(search) {
            self.fail(error.clone());
            return Err(error);
        }
        self.conclude(search);
        Ok(())
    }

    /// Takes its rows of the step that is under way.
    pub(super) fn take<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        rows: &StepRows<'_>,
        late: &mut LateRows,
    ) {
        let (Some(id), true) = (self.id, self.to_take && self.is_running()) else {
            return;
        };
        let _merging = phase::merge();
        match self.utterance.take(search, id, rows, self.first_row, late) {
            Ok(()) => self.conclude(search),
            Err(error) => self.fail(error),
        }
        self.to_take = false;
    }

    /// Ends the request if all of its frames are complete.
    fn conclude<S: Scorer<State = T>>(&mut self, search: &Search<'_, S>) {
        if self.utterance.is_over()
            && let Err(error) = self.finish(search)
        {
            self.fail(error);
        }
    }

    /// Ends the request after the last complete frame.
    ///
    /// # Errors
    ///
    /// If memory runs out; the request then goes on.
    pub(super) fn finish<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
    ) -> Result<(), Error> {
        let _backtracking = phase::backtrack();
        self.utterance.write(search, true, &mut self.results)?;
        self.state = State::Done(Ok(()));
        Ok(())
    }

    /// Adds the rows that it wants to those of the next step, and the steps of the predictor
    /// that they need. Nothing if it wants none.
    ///
    /// # Errors
    ///
    /// If memory runs out; nothing is added then.
    pub(super) fn lay_out(
        &mut self,
        slots: &mut Slots,
        next_rows: &mut NextRows,
    ) -> Result<(), Error> {
        let utterance = &mut self.utterance;
        let wanted = utterance.wanted().len();
        let Some(request) = self.id.filter(|_| wanted > 0) else {
            return Ok(());
        };
        next_rows.reserve(wanted)?;
        slots.reserve(wanted)?;
        self.first_row = next_rows.rows.len();
        for rank in 0..wanted {
            let place = utterance.wanted()[rank];
            let prefix = utterance.live.get(place);
            if prefix.slot == NONE {
                let input = match prefix.parent {
                    NONE => PredictorInput::Start,
                    parent => PredictorInput::Token {
                        slot: utterance.live.get(parent).slot,
                        token: prefix.token,
                    },
                };
                let slot = slots.take();
                utterance.live.get_mut(place).slot = slot;
                utterance.computing.push(place);
                next_rows.steps.push(PredictorStep {
                    request,
                    input,
                    slot,
                });
            }
            next_rows.rows.push(JoinerRow {
                request,
                frame: utterance.frame,
                slot: utterance.live.get(place).slot,
            });
        }
        let rows = self.first_row..next_rows.rows.len();
        next_rows.requests.push((request, rows));
        (self.in_step, self.to_take) = (true, true);
        Ok(())
    }

    /// Takes back the slots of states that the step under way would have computed.
    pub(super) fn abandon(&mut self, slots: &mut Slots) {
        let utterance = &mut self.utterance;
        while let Some(place) = utterance.computing.pop() {
            let slot = std::mem::replace(&mut utterance.live.get_mut(place).slot, NONE);
            slots.give_back(slot);
        }
    }

    /// Ends its part in a step: slots that it needs no more are given back, and so is its
    /// place, if it was removed. True if the place is free.
    pub(super) fn end_step(&mut self, slots: &mut Slots) -> bool {
        self.in_step = false;
        let unfinished = std::mem::take(&mut self.to_take) && self.is_running();
        if let Some(request) = self.id.filter(|_| unfinished) {
            self.fail(Kind::ScorerPanicked { request }.into());
        }
        if self.is_running() {
            let freed = self.utterance.live.take_freed_slots();
            freed.for_each(|slot| slots.give_back(slot));
            return false;
        }
        self.give_slots_back(slots);
        if self.removed {
            self.free();
        }
        self.removed
    }

    /// Gives all slots back.
    pub(super) fn give_slots_back(&mut self, slots: &mut Slots) {
        let all = self.utterance.live.take_all_slots();
        all.for_each(|slot| slots.give_back(slot));
    }
}
