//! The state of one request, from its admission to its removal.

mod end;
mod inputs;
mod step;
mod views;

pub(super) use inputs::{StepInputs, StepMemory};

use std::ops::Range;

use super::completeness::Completeness;
use super::coverage::Coverage;
use super::followed::Followed;
use super::group::Group;
use super::outcome::Ended;
use super::request::{RESERVED, Request};
use super::required::Progress;
use super::results::Results;
use super::scan::Weighing;
use super::tree::HypothesisTree;
use crate::error::Error;
use crate::memory::{grow, reserve};
use crate::request_id::RequestId;
use crate::scores::ScoreKind;

/// Lines of hypotheses that it is set aside for.
const RESERVED_LINES: usize = 16;

#[derive(Clone, Debug, Default)]
#[expect(
    clippy::large_enum_variant,
    reason = "most slots run, and a box would be one more allocation"
)]
pub(super) enum State {
    #[default]
    Free,
    Running(Request),
    Done(Result<Ended, Error>),
}

/// A place for a request. What it allocates serves the next one.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// The name of the request, if there is one.
    pub(super) id: Option<RequestId>,
    /// Whether the request was removed, and leaves with the step that is under way.
    pub(super) removed: bool,
    pub(super) state: State,
    /// The prompt of a request that has ended while a step was under way, for its feed.
    pub(super) prompt: Vec<u32>,
    /// What the request needs at most.
    pub(super) bytes: usize,
    /// Tokens generated so far.
    pub(super) length: usize,
    /// The rows it is fed by and scored by.
    pub(super) rows: Range<usize>,
    pub(super) results: Results,
    pub(super) groups: Vec<Group>,
    /// Where the beams of each group stand in the constraints of the request.
    followed: Vec<Vec<Followed>>,
    pub(super) tree: HypothesisTree,
}

impl Slot {
    /// At most the bytes that a request takes here, to its end.
    pub(super) fn bytes_needed(request: &Request, vocab: usize) -> usize {
        let (beams, length) = (request.most_beams(), request.max_length);
        let group = size_of::<Group>().saturating_mul(request.groups);
        let finished = request.most_finished(vocab);
        // A line for each live hypothesis, and for each that has finished.
        let count = request.most_walked(vocab);
        let nodes = count.saturating_mul(request.groups);
        let lines = beams.saturating_add(finished.min(nodes));
        let sources = request.coverage.map_or(0, |coverage| coverage.sources);
        [
            group.saturating_add(Group::bytes_of_hypotheses(beams, finished)),
            HypothesisTree::bytes_needed(lines, length, count, request.own_scores),
            Coverage::bytes_needed(beams, sources),
            Progress::bytes_needed(beams, &request.required),
            Results::bytes_needed(request, finished, length),
            request.bytes_of_constraints(),
        ]
        .into_iter()
        .fold(2 * size_of::<Slot>(), usize::saturating_add)
    }

    /// Takes in a request.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn begin(&mut self, id: RequestId, request: Request) -> Result<(), Error> {
        self.tree.clear(request.own_scores);
        // Each group has a trunk of its own.
        // Sequences that are drawn do not come to share their starts.
        let lines = match request.draws_sequences() {
            true => request.most_beams(),
            false => request.groups,
        };
        let trunks = request.max_length.min(RESERVED) * lines.min(RESERVED_LINES);
        self.tree.reserve(trunks)?;
        self.length = 0;
        self.results.clear();
        grow(&mut self.groups, request.groups, "the groups of beams")?;
        for (index, group) in self.groups.iter_mut().enumerate() {
            group.begin(index, &request)?;
            if index >= request.groups {
                group.beams.clear();
            }
        }
        self.followed.clear();
        reserve(&mut self.followed, request.groups, "the groups of beams")?;
        for _ in 0..request.groups {
            self.followed.push(request.follow()?);
        }
        let completeness = request.completeness_of_nothing();
        for group in &mut self.groups[..request.groups] {
            group.finish_empty(&request, completeness)?;
        }
        match completeness {
            Completeness::Complete => self.end(&request, Ok(Ended::Exhausted)),
            _ => self.state = State::Running(request),
        }
        self.id = Some(id);
        self.removed = false;
        Ok(())
    }

    /// Gives the place up. What it allocates stays.
    pub(super) fn free(&mut self) {
        self.id = None;
        self.state = State::Free;
        self.prompt.clear();
        self.followed.clear();
    }

    /// Whether its request is neither done nor gone.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    /// Whether its request is done.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }

    /// What the read of its rows adds up, if the next step reads all scores of its rows.
    pub(super) fn weighing(&self, kind: ScoreKind) -> Option<Weighing> {
        match &self.state {
            State::Running(request) if !self.removed && request.reads_rows(kind) => {
                Some(request.weighing(kind))
            }
            _ => None,
        }
    }

    /// How many source positions its next step needs the attention to, if any.
    pub(super) fn sources(&self) -> Option<usize> {
        match &self.state {
            State::Running(request) if !self.removed => Some(request.coverage?.sources),
            _ => None,
        }
    }

    /// The most rows that its next step can leave.
    pub(super) fn most_rows(&self, vocab: usize) -> usize {
        match &self.state {
            State::Running(request) => {
                // At the first step all groups continue the one row.
                let continued = self.rows.len().saturating_mul(request.groups);
                let width = request.width(self.length + 1) * request.groups;
                width.min(continued.saturating_mul(vocab))
            }
            _ => 0,
        }
    }

    /// The prompt of its request, as the feed of a step that is under way shows it.
    pub(super) fn fed_prompt(&self) -> &[u32] {
        match &self.state {
            State::Running(request) => &request.prompt,
            State::Free | State::Done(_) => &self.prompt,
        }
    }
}
