//! One beam search: the live hypotheses of a group and those that finished.

mod done;
mod finish;
mod follow;

use super::candidates::Continuation;
use super::coverage::Coverage;
use super::finish::Finish;
use super::pool::{Finished, Pool};
use super::request::Request;
use super::required::Progress;
use super::rules::EndRank;
use super::sampling::Lineage;
use super::tree::{HypothesisTree, ROOT};
use crate::error::Error;
use crate::memory::reserve;

/// A live hypothesis.
#[derive(Clone, Copy, Debug)]
pub(super) struct LiveHypothesis {
    pub(super) node: u32,
    /// Its last token.
    pub(super) token: u32,
    /// The row, of those last scored, that it continues.
    pub(super) parent_row: u32,
    pub(super) score: f64,
    /// What is drawn after it depends on this.
    pub(super) lineage: Lineage,
}

/// Live hypotheses, best first, and the pool of finished ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) beams: Vec<LiveHypothesis>,
    pub(super) pool: Pool,
    /// The beams of the last step, and memory for those of the next.
    previous: Vec<LiveHypothesis>,
    /// Whether the best candidate of some step has ended.
    best_ended: bool,
    /// What the beams have attended to, if their request counts it.
    pub(super) coverage: Coverage,
    /// What the beams have of the required words.
    pub(in crate::search::autoregressive) progress: Progress,
    /// The best perturbed log-probability that was ever dropped, of a request that draws
    /// sequences.
    pub(super) threshold: f64,
}

impl Group {
    /// At most the bytes of so many live hypotheses and finished ones.
    pub(super) fn bytes_of_hypotheses(live: usize, finished: usize) -> usize {
        // Live ones before and after a step. Where memory grows, it is doubled.
        let live = live.saturating_mul(4 * size_of::<LiveHypothesis>());
        live.saturating_add(finished.saturating_mul(2 * size_of::<Finished>()))
    }

    /// Starts anew with the empty hypothesis alone.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn begin(&mut self, index: usize, request: &Request) -> Result<(), Error> {
        let sources = request.coverage.map_or(0, |coverage| coverage.sources);
        self.coverage.begin(sources);
        self.progress.begin(&request.required)?;
        self.pool.begin(index);
        self.best_ended = false;
        self.threshold = f64::NEG_INFINITY;
        self.beams.clear();
        reserve(&mut self.beams, 1, "the hypotheses of a group")?;
        self.beams.push(LiveHypothesis {
            node: ROOT,
            token: 0,
            parent_row: 0,
            score: 0.0,
            lineage: Lineage::root(request.sampling.as_ref(), index),
        });
        Ok(())
    }

    /// Makes room for what so many candidates become: each goes on, or is done.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn make_room(
        &mut self,
        candidates: usize,
        request: &Request,
        length: usize,
    ) -> Result<(), Error> {
        let most = candidates.min(request.width(length));
        self.previous.clear();
        reserve(&mut self.previous, most, "the hypotheses of a group")?;
        // Each may finish, and those that go on may do so later in the step.
        let finishing = candidates.saturating_add(most);
        if request.coverage.is_some() {
            self.coverage.make_room(most)?;
        }
        self.progress.make_room(most)?;
        let room = request.pool_room(request.width(length));
        self.pool.reserve(finishing, room)
    }

    /// The beams become those of the last step.
    pub(super) fn begin_step(&mut self) {
        std::mem::swap(&mut self.beams, &mut self.previous);
        self.beams.clear();
        self.progress.begin_step();
    }

    /// The hypothesis that a candidate of this step continues.
    pub(super) fn parent(&self, candidate: &Continuation) -> &LiveHypothesis {
        &self.previous[candidate.parent as usize]
    }

    /// Notes whether the best candidate of a step has ended.
    pub(super) fn note_best(&mut self, ended: bool) {
        self.best_ended |= ended;
    }

    /// Notes that a sequence was dropped.
    pub(super) fn raise_threshold(&mut self, perturbed: f64) {
        self.threshold = self.threshold.max(perturbed);
    }

    /// Takes the best candidates of a step, best first, as the hypotheses of
    /// `length` generated tokens; `first_row` is the row of the first beam.
    pub(super) fn take(
        &mut self,
        candidates: &[Continuation],
        request: &Request,
        tree: &mut HypothesisTree,
        length: usize,
        first_row: usize,
    ) {
        let width = request.width(length);
        let rules = &request.rules;
        self.begin_step();
        for (rank, candidate) in candidates.iter().enumerate() {
            let parent = self.previous[candidate.parent as usize].node;
            let (token, score) = (candidate.token, candidate.score);
            if request.end_tokens.binary_search(&token).is_ok() {
                self.best_ended |= rank == 0;
                if rank < width || rules.end_rank == EndRank::Any {
                    let node = tree.push(parent, token, candidate.log_probability);
                    self.finish(request, node, score, length, Finish::End, None);
                }
            } else if self.beams.len() < width {
                let node = tree.push(parent, token, candidate.log_probability);
                self.beams.push(LiveHypothesis {
                    node,
                    token,
                    parent_row: first_row as u32 + candidate.parent,
                    score,
                    lineage: Lineage::default(),
                });
            } else if rank >= width && rules.end_rank == EndRank::WithinBeam {
                mark!("no later candidate can finish or go on");
                break;
            }
        }
    }
}
