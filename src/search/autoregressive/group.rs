//! One beam search: the live hypotheses of a group and those that finished.

use super::candidates::Continuation;
use super::pool::{Finish, Finished, Pool};
use super::request::Request;
use super::rules::{AtMaximum, EndRank, Leader, Stopping};
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
    /// The best perturbed log-probability that was ever dropped, of a request that draws
    /// sequences.
    pub(super) threshold: f64,
}

impl Group {
    /// At most the bytes of a live hypothesis and of a finished one.
    pub(super) fn bytes_of_a_hypothesis() -> usize {
        // Live ones before and after a step. Where memory grows, it is doubled.
        2 * (2 * size_of::<LiveHypothesis>() + size_of::<Finished>())
    }

    /// Starts anew with the empty hypothesis alone.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn begin(&mut self, index: usize, request: &Request) -> Result<(), Error> {
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
    pub(super) fn make_room(&mut self, candidates: usize, request: &Request) -> Result<(), Error> {
        let width = request.beams / request.groups;
        let most = candidates.min(width);
        self.previous.clear();
        reserve(&mut self.previous, most, "the hypotheses of a group")?;
        self.pool.reserve(most, width)
    }

    /// Memory for the beams of the next step.
    pub(super) fn next_beams(&mut self) -> &mut Vec<LiveHypothesis> {
        &mut self.previous
    }

    /// The beams become those of the last step.
    pub(super) fn begin_step(&mut self) {
        std::mem::swap(&mut self.beams, &mut self.previous);
        self.beams.clear();
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
        let width = request.beams / request.groups;
        let rules = &request.rules;
        self.begin_step();
        for (rank, candidate) in candidates.iter().enumerate() {
            let parent = self.previous[candidate.parent as usize].node;
            let (token, score) = (candidate.token, candidate.score);
            if request.end_tokens.binary_search(&token).is_ok() {
                self.best_ended |= rank == 0;
                if rank < width || rules.end_rank == EndRank::Any {
                    let node = tree.push(parent, token, candidate.log_probability);
                    self.finish(request, node, score, length, Finish::End);
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

    pub(super) fn finish(
        &mut self,
        request: &Request,
        node: u32,
        score: f64,
        length: usize,
        finish: Finish,
    ) {
        let rules = &request.rules;
        let counted = rules
            .counted
            .count(request.prompt.len(), length, finish == Finish::End);
        let scores = (rules.length_penalty.apply(score, counted), score);
        let width = request.beams / request.groups;
        self.pool.add(width, rules.when_full, scores, node, finish);
    }

    /// Ends the group at the maximum length, after a step whose best candidate
    /// is `leader`.
    pub(super) fn cut(&mut self, request: &Request, length: usize, leader: f64) {
        if request.draws_sequences() {
            return self.cut_sequences();
        }
        let drops = match request.rules.at_maximum {
            AtMaximum::Finish | AtMaximum::ForceEnd => false,
            AtMaximum::FinishUnlessDone => self.is_done(request, length, leader),
            AtMaximum::FinishIfNoneEnded => !self.pool.is_empty(),
        };
        if !drops {
            for i in 0..self.beams.len() {
                let LiveHypothesis { node, score, .. } = self.beams[i];
                self.finish(request, node, score, length, Finish::Length);
            }
        }
        self.beams.clear();
    }

    /// Whether the stopping rule is met after a step to `length` generated
    /// tokens, whose best candidate is `leader`.
    pub(super) fn is_done(&self, request: &Request, length: usize, leader: f64) -> bool {
        if request.draws_sequences() {
            return false;
        }
        let width = request.beams / request.groups;
        let rules = &request.rules;
        let live = self
            .beams
            .first()
            .map_or(f64::NEG_INFINITY, |best| best.score);
        let prompt = request.prompt.len();
        let now = rules.counted.count(prompt, length, false);
        let beaten = |bound| {
            self.pool
                .worst_if_full(width)
                .is_some_and(|worst| worst >= bound)
        };
        match rules.stopping {
            Stopping::Heuristic { leader: which } => {
                let best = match which {
                    Leader::Live => live,
                    Leader::Any => leader,
                };
                beaten(rules.length_penalty.apply(best, now))
            }
            Stopping::Exhaustive => {
                // The penalty is monotone in the length, so the best that a
                // score can become is at one end.
                let last = rules.counted.count(prompt, request.max_length, false);
                let bound = |length| rules.length_penalty.apply(live, length);
                beaten(bound(now).max(bound(last)))
            }
            Stopping::FirstFinished { patience } => {
                let wanted = (width as f64 * patience).round().max(1.0);
                self.pool.count() as f64 >= wanted
            }
            Stopping::BestFinished { hypotheses } => {
                let wanted = hypotheses.min(width) as u64;
                self.best_ended && self.pool.count() >= wanted
            }
        }
    }
}
