//! The state of one request, from its admission to its removal.

use std::ops::Range;

use super::expand::{Expander, Step};
use super::followed::Followed;
use super::group::{Group, LiveHypothesis};
use super::outcome::{Ended, Results};
use super::request::{RESERVED, Request};
use super::sampling::Sampler;
use super::scan::ScannedRows;
use super::step_rows::StepRows;
use super::tree::HypothesisTree;
use crate::error::Error;
use crate::memory::{grow, reserve};
use crate::phase;
use crate::request_id::RequestId;
use crate::scores::ScoreKind;
use crate::simd::Dispatch;

/// Groups that it is set aside for.
const RESERVED_GROUPS: usize = 16;

#[derive(Clone, Debug, Default)]
pub(super) enum State {
    #[default]
    Free,
    Running(Request),
    Done(Result<Ended, Error>),
}

/// Memory of the steps of all requests.
#[derive(Clone, Debug, Default)]
pub(super) struct StepMemory {
    pub(super) expander: Expander,
    pub(super) sampler: Sampler,
}

/// A place for a request. What it allocates serves the next one.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// The name of the request, if there is one.
    pub(super) id: Option<RequestId>,
    /// Whether the request was removed, and leaves with the step that is under way.
    pub(super) removed: bool,
    pub(super) state: State,
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
    pub(super) fn bytes_needed(request: &Request) -> usize {
        let (beams, length) = (request.beams, request.max_length);
        let group = size_of::<Group>().saturating_mul(request.groups);
        let hypothesis = Group::bytes_of_a_hypothesis();
        // A line for each live hypothesis, and for each that has finished.
        let lines = beams.saturating_mul(2);
        let count = request.candidates();
        [
            group.saturating_add(beams.saturating_mul(hypothesis)),
            HypothesisTree::bytes_needed(lines, length, count),
            Results::bytes_needed(beams, length),
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
        self.tree.clear();
        // Each group has a trunk of its own.
        let trunks = request.max_length.min(RESERVED) * request.groups.min(RESERVED_GROUPS);
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
        self.state = State::Running(request);
        self.id = Some(id);
        self.removed = false;
        Ok(())
    }

    /// Gives the place up. What it allocates stays.
    pub(super) fn free(&mut self) {
        self.id = None;
        self.state = State::Free;
        self.followed.clear();
    }

    /// Whether the next step reads all scores of its rows.
    pub(super) fn reads_rows(&self, kind: ScoreKind) -> bool {
        matches!(&self.state, State::Running(request) if request.reads_rows(kind))
    }

    /// The most rows that its next step can leave.
    pub(super) fn most_rows(&self, vocab: usize) -> usize {
        match &self.state {
            State::Running(request) => {
                // At the first step all groups continue the one row.
                let continued = self.rows.len().saturating_mul(request.groups);
                request.beams.min(continued.saturating_mul(vocab))
            }
            _ => 0,
        }
    }

    /// One step: its rows of `scores`, the rows of the batch, to the next
    /// beams. True if the request is done.
    pub(super) fn step(
        &mut self,
        id: RequestId,
        memory: &mut StepMemory,
        scores: &StepRows<'_>,
        scanned: &ScannedRows,
        dispatch: Dispatch,
    ) -> bool {
        let State::Running(request) = std::mem::take(&mut self.state) else {
            return true;
        };
        let _merging = phase::merge();
        let ended = match self.advance(id, &request, memory, scores, scanned, dispatch) {
            Ok(None) => {
                self.state = State::Running(request);
                return false;
            }
            Ok(Some(ended)) => self.gather(&request).map(|()| {
                if self.results.is_empty() {
                    Ended::NothingFound
                } else {
                    ended
                }
            }),
            Err(error) => Err(error),
        };
        if ended.is_err() {
            self.results.clear();
        }
        self.state = State::Done(ended);
        true
    }

    /// Ends the request without results.
    pub(super) fn fail(&mut self, error: Error) {
        self.results.clear();
        self.state = State::Done(Err(error));
    }

    /// Collects what all groups have found.
    fn gather(&mut self, request: &Request) -> Result<(), Error> {
        let _backtracking = phase::backtrack();
        let groups = &self.groups[..request.groups];
        let finished = groups.iter().flat_map(|group| group.pool.iter());
        let (limit, longest) = (request.beams, self.length);
        let draws_sequences = request.draws_sequences();
        let dropped = groups.iter().map(|group| group.threshold);
        let dropped = dropped.fold(f64::NEG_INFINITY, f64::max);
        let dropped = draws_sequences.then_some(dropped);
        self.results
            .gather(finished, &self.tree, limit, longest, dropped)
    }

    fn advance(
        &mut self,
        id: RequestId,
        request: &Request,
        StepMemory { expander, sampler }: &mut StepMemory,
        scores: &StepRows<'_>,
        scanned: &ScannedRows,
        dispatch: Dispatch,
    ) -> Result<Option<Ended>, Error> {
        let length = self.length + 1;
        let count = request.candidates();
        let mut row = self.rows.start;
        let mut ended = Ended::Exhausted;
        let mut live = false;
        let scanned = request.reads_rows(scores.kind()).then_some(scanned);
        expander.chosen.clear();
        for index in 0..request.groups {
            let rows = self.groups[index].beams.len();
            if rows == 0 {
                continue;
            }
            let step = Step {
                id,
                request,
                tree: &self.tree,
                length: self.length,
                beams: &self.groups[index].beams,
                followed: &self.followed[index],
                rows: *scores,
                first_row: row,
                scanned,
                dispatch,
            };
            let leader = match &request.sampling {
                Some(sampling) => {
                    sampler.begin(expander, &step, sampling)?;
                    sampler.draw(&step, request.draws())?;
                    self.make_room(sampler.drawn.len())?;
                    let group = &mut self.groups[index];
                    group.make_room_for_drawn(sampler.drawn.len(), request)?;
                    let tree = &mut self.tree;
                    group.take_all_drawn(&sampler.drawn, request, tree, length, row)
                }
                None => {
                    expander.expand(&step, count)?;
                    let candidates = &expander.candidates;
                    self.make_room(candidates.len())?;
                    let group = &mut self.groups[index];
                    group.make_room(candidates.len(), request)?;
                    group.take(candidates, request, &mut self.tree, length, row);
                    let best = candidates.first();
                    best.map_or(f64::NEG_INFINITY, |best| best.score)
                }
            };
            let group = &mut self.groups[index];
            for ((constraint, _), followed) in
                request.constraints.iter().zip(&mut self.followed[index])
            {
                followed.reserve(group.beams.len())?;
                let parent = |beam: &LiveHypothesis| beam.parent_row as usize - row;
                let beams = group.beams.iter();
                constraint.advance(followed, beams.map(|beam| (parent(beam), beam.token)));
            }
            // Even if the group is done with them.
            reserve(&mut expander.chosen, group.beams.len(), "the chosen tokens")?;
            expander
                .chosen
                .extend(group.beams.iter().map(|beam| beam.token));
            if length == request.max_length {
                group.cut(request, length, leader);
                ended = Ended::Length;
            } else if !group.beams.is_empty() && group.is_done(request, length, leader) {
                group.beams.clear();
                ended = Ended::StoppingRule;
            }
            live |= !group.beams.is_empty();

            // At the first step all groups continue the one row.
            if self.length > 0 {
                row += rows;
            }
        }
        self.length = length;
        Ok((!live).then_some(ended))
    }

    /// Makes room in the tree for one node per candidate.
    fn make_room(&mut self, count: usize) -> Result<(), Error> {
        if self.tree.has_room(count) {
            return Ok(());
        }
        mark!("the tree of hypotheses is swept");
        self.tree.begin_sweep();
        for group in &self.groups {
            group
                .beams
                .iter()
                .for_each(|beam| self.tree.mark(beam.node));
            group
                .pool
                .iter()
                .for_each(|finished| self.tree.mark(finished.node));
        }
        self.tree.sweep();
        for group in &mut self.groups {
            for beam in &mut group.beams {
                beam.node = self.tree.moved(beam.node);
            }
            group.pool.move_nodes(|node| self.tree.moved(node));
        }
        self.tree.reserve(count)
    }

    /// Writes the tokens of the longest prefix that every live and every
    /// finished hypothesis shares.
    pub(super) fn stable_prefix(&self, prefix: &mut Vec<u32>) {
        let beams = self
            .groups
            .iter()
            .flat_map(|group| group.beams.iter().map(|beam| beam.node));
        let finished = self
            .groups
            .iter()
            .flat_map(|group| group.pool.iter().map(|f| f.node));
        let mut nodes = beams.chain(finished);
        if let Some(first) = nodes.next() {
            self.tree.tokens_into(first, prefix);
        }
        for node in nodes {
            prefix.truncate(self.tree.shared_with(node, prefix));
        }
    }
}
