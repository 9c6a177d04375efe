//! One step of a request.

use super::inputs::{StepInputs, StepMemory};
use super::{Slot, State};
use crate::error::{Error, Kind};
use crate::memory::reserve;
use crate::phase;
use crate::request_id::RequestId;
use crate::search::autoregressive::expand::Step;
use crate::search::autoregressive::group::LiveHypothesis;
use crate::search::autoregressive::outcome::Ended;
use crate::search::autoregressive::own_scores::OwnScores;
use crate::search::autoregressive::request::Request;

impl Slot {
    /// One step: its rows of `scores`, the rows of the batch, to the next
    /// beams. True if the request is done.
    pub(in crate::search::autoregressive) fn step(
        &mut self,
        id: RequestId,
        memory: &mut StepMemory,
        inputs: StepInputs<'_>,
    ) -> bool {
        if !self.is_running() {
            return false;
        }
        let State::Running(request) = std::mem::take(&mut self.state) else {
            return false;
        };
        let _merging = phase::merge();
        let ended = match self.advance(id, &request, memory, inputs) {
            Ok(None) => {
                self.state = State::Running(request);
                return false;
            }
            Ok(Some(ended)) => Ok(ended),
            Err(error) => Err(error),
        };
        self.end(&request, ended);
        true
    }

    fn advance(
        &mut self,
        id: RequestId,
        request: &Request,
        StepMemory {
            expander,
            walker,
            sampler,
        }: &mut StepMemory,
        StepInputs {
            scores,
            scanned,
            attention,
            dispatch,
        }: StepInputs<'_>,
    ) -> Result<Option<Ended>, Error> {
        let length = self.length + 1;
        let plain = request.walks_plainly();
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
            if let Some(attention) = attention.filter(|_| request.coverage.is_some()) {
                let added = self.groups[index]
                    .coverage
                    .add(attention, row..row + rows)?;
                added.map_err(|bad| Kind::Attention {
                    request: id,
                    row: bad.row,
                    step: self.length,
                    source: bad.source,
                    value: bad.value,
                })?;
            }
            let step = Step {
                id,
                request,
                tree: &self.tree,
                length: self.length,
                beams: &self.groups[index].beams,
                followed: &self.followed[index],
                rows: *scores,
                progress: &self.groups[index].progress,
                first_row: row,
                scanned,
                dispatch,
            };
            let own = OwnScores {
                kind: scores.kind(),
                first_row: row,
                scanned,
            };
            let leader = if plain {
                expander.expand(&step, request.candidates(length))?;
                let candidates = &expander.candidates;
                self.make_room(candidates.len())?;
                let group = &mut self.groups[index];
                group.make_room(candidates.len(), request, length)?;
                group.take(candidates, request, &mut self.tree, length, row);
                let best = candidates.first();
                best.map_or(f64::NEG_INFINITY, |best| best.score)
            } else if request.draws_sequences() {
                sampler.begin(expander, &step)?;
                sampler.draw(&step, request.draws_of(request.width(length)))?;
                let drawn = &sampler.drawn;
                let fates = walker.judge_drawn(drawn, &step)?;
                self.make_room(drawn.len())?;
                let group = &mut self.groups[index];
                group.make_room(drawn.len(), request, length)?;
                group.take_sequences((drawn, fates), request, &mut self.tree, length, &own);
                f64::NEG_INFINITY
            } else {
                if request.sampling.is_some() {
                    sampler.begin(expander, &step)?;
                    walker.walk_drawn(sampler, &step)?;
                } else {
                    walker.walk(expander, &step)?;
                }
                let verdicts = &mut walker.verdicts;
                self.make_room(verdicts.len())?;
                let group = &mut self.groups[index];
                group.make_room(verdicts.len(), request, length)?;
                group.note_best(walker.best_ends);
                group.follow(verdicts, request, &mut self.tree, length, &own);
                walker.leader
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
                group.stop(request, length);
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
}
