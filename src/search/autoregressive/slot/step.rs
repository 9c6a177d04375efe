//! One step of a request.

use super::inputs::{StepInputs, StepMemory};
use super::{Slot, State};
use crate::error::{Error, Kind};
use crate::memory::reserve;
use crate::phase;
use crate::request_id::RequestId;
use crate::search::autoregressive::expand::Step;
use crate::search::autoregressive::followed::Followed;
use crate::search::autoregressive::group::{Group, LiveHypothesis};
use crate::search::autoregressive::outcome::Ended;
use crate::search::autoregressive::own_scores::OwnScores;
use crate::search::autoregressive::request::Request;
use crate::search::autoregressive::tree::HypothesisTree;

impl Slot {
    /// One step: its rows of `scores`, the rows of the batch, to the next
    /// beams. True if the request is done.
    pub(in crate::search::autoregressive) fn step(
        &mut self,
        id: RequestId,
        memory: &mut StepMemory,
        inputs: StepInputs<'_>,
    ) -> bool {
        let State::Running(request) = &self.state else {
            return false;
        };
        let _merging = phase::merge();
        let running = Running {
            id,
            request,
            length: &mut self.length,
            first_row: self.rows.start,
            groups: &mut self.groups,
            followed: &mut self.followed,
            tree: &mut self.tree,
        };
        let ended = match running.advance(memory, inputs) {
            Ok(None) => return false,
            Ok(Some(ended)) => Ok(ended),
            Err(error) => Err(error),
        };
        if let State::Running(request) = std::mem::take(&mut self.state) {
            self.end(&request, ended);
        }
        true
    }
}

/// A running request, and what a step changes of its slot.
struct Running<'a> {
    id: RequestId,
    request: &'a Request,
    length: &'a mut usize,
    /// The first of the rows it is scored by.
    first_row: usize,
    groups: &'a mut [Group],
    followed: &'a mut [Vec<Followed>],
    tree: &'a mut HypothesisTree,
}

impl Running<'_> {
    /// Why it ended, if it has.
    fn advance(
        self,
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
        let Running {
            id,
            request,
            length: before,
            first_row: mut row,
            groups,
            followed,
            tree,
        } = self;
        let length = *before + 1;
        let (plain, changes_rows) = (request.walks_plainly(), request.changes_rows());
        let mut ended = Ended::Exhausted;
        let mut live = false;
        let scanned = request.reads_rows(scores.kind()).then_some(scanned);
        expander.chosen.clear();
        for index in 0..request.groups {
            let rows = groups[index].beams.len();
            if rows == 0 {
                continue;
            }
            if let Some(attention) = attention.filter(|_| request.coverage.is_some()) {
                let added = groups[index].coverage.add(attention, row..row + rows)?;
                added.map_err(|bad| Kind::Attention {
                    request: id,
                    row: bad.row,
                    step: *before,
                    source: bad.source,
                    value: bad.value,
                })?;
            }
            let step = Step {
                id,
                request,
                changes_rows,
                tree: &*tree,
                length: *before,
                beams: &groups[index].beams,
                followed: &followed[index],
                rows: scores,
                progress: &groups[index].progress,
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
                make_room(tree, groups, candidates.len())?;
                let group = &mut groups[index];
                group.make_room(candidates.len(), request, length)?;
                group.take(candidates, request, tree, length, row);
                let best = candidates.first();
                best.map_or(f64::NEG_INFINITY, |best| best.score)
            } else if request.draws_sequences() {
                sampler.begin(expander, &step)?;
                sampler.draw(&step, request.draws_of(request.width(length)))?;
                let drawn = &sampler.drawn;
                let fates = walker.judge_drawn(drawn, &step)?;
                make_room(tree, groups, drawn.len())?;
                let group = &mut groups[index];
                group.make_room(drawn.len(), request, length)?;
                group.take_sequences((drawn, fates), request, tree, length, &own);
                f64::NEG_INFINITY
            } else {
                if request.sampling.is_some() {
                    sampler.begin(expander, &step)?;
                    walker.walk_drawn(sampler, &step)?;
                } else {
                    walker.walk(expander, &step)?;
                }
                let verdicts = &mut walker.verdicts;
                make_room(tree, groups, verdicts.len())?;
                let group = &mut groups[index];
                group.make_room(verdicts.len(), request, length)?;
                group.note_best(walker.best_ends);
                group.follow(verdicts, request, tree, length, &own);
                walker.leader
            };
            let group = &mut groups[index];
            for ((constraint, _), followed) in request.constraints.iter().zip(&mut followed[index])
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
            if *before > 0 {
                row += rows;
            }
        }
        *before = length;
        Ok((!live).then_some(ended))
    }
}

/// Makes room in the tree for one node per candidate.
fn make_room(tree: &mut HypothesisTree, groups: &mut [Group], count: usize) -> Result<(), Error> {
    if tree.has_room(count) {
        return Ok(());
    }
    mark!("the tree of hypotheses is swept");
    tree.begin_sweep();
    for group in &*groups {
        group.beams.iter().for_each(|beam| tree.mark(beam.node));
        let finished = group.pool.iter();
        finished.for_each(|finished| tree.mark(finished.node));
    }
    tree.sweep();
    for group in groups {
        for beam in &mut group.beams {
            beam.node = tree.moved(beam.node);
        }
        group.pool.move_nodes(|node| tree.moved(node));
    }
    tree.reserve(count)
}
