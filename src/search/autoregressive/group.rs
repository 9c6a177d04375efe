//! One beam search: the live hypotheses of a group and those that finished.

use super::candidates::Continuation;
use super::completeness::Completeness;
use super::coverage::Coverage;
use super::finish::Finish;
use super::own_scores::OwnScores;
use super::pool::{FinalScores, Finished, Pool};
use super::request::Request;
use super::rules::{AtMaximum, EndRank};
use super::sampling::Lineage;
use super::stopping::{Leader, Stopping};
use super::tree::{HypothesisTree, ROOT};
use super::walk::Verdict;
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
        let sources = request.coverage.map_or(0, |coverage| coverage.sources);
        self.coverage.begin(sources);
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
        self.pool
            .reserve(finishing, request.pool_size().max(request.group_beams()))
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

    /// Takes the verdicts of a walk, as [`Group::take`] takes candidates.
    pub(super) fn follow(
        &mut self,
        verdicts: &[Verdict],
        request: &Request,
        tree: &mut HypothesisTree,
        length: usize,
        own: &OwnScores<'_>,
    ) {
        self.begin_step();
        if request.coverage.is_some() {
            self.coverage.begin_step();
        }
        for verdict in verdicts {
            let Continuation {
                score,
                log_probability,
                parent,
                token,
                ..
            } = verdict.candidate;
            let before = self.previous[parent as usize].node;
            let node = tree.push(before, token, log_probability);
            let parent = parent as usize;
            if request.own_scores {
                tree.push_own_score(own.of(&verdict.candidate));
            }
            if let Some(finish) = verdict.finish {
                let factor = request.coverage.map(|coverage| coverage.factor);
                let coverage = factor.map(|factor| self.coverage.term_of_parent(factor, parent));
                self.finish(request, node, score, length, finish, coverage);
            }
            if verdict.goes_on {
                if request.coverage.is_some() {
                    self.coverage.keep(parent);
                }
                self.beams.push(LiveHypothesis {
                    node,
                    token,
                    parent_row: (own.first_row + parent) as u32,
                    score,
                    lineage: Lineage::default(),
                });
            }
        }
    }

    /// Finishes the empty hypothesis if that is a complete permitted sequence.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn finish_empty(
        &mut self,
        request: &Request,
        completeness: Completeness,
    ) -> Result<(), Error> {
        if request.draws_sequences() {
            // One that may go on is drawn on.
            if completeness == Completeness::Complete {
                self.pool.reserve(1, 1)?;
                self.finish_sequences(Finish::Complete);
            }
        } else if completeness != Completeness::Incomplete {
            self.pool.reserve(1, request.pool_size())?;
            let coverage = self.coverage_of(request, 0);
            self.finish(request, ROOT, 0.0, 0, Finish::Complete, coverage);
        }
        if completeness == Completeness::Complete {
            self.beams.clear();
        }
        Ok(())
    }

    /// The coverage term of a live hypothesis, if its request has one.
    fn coverage_of(&self, request: &Request, rank: usize) -> Option<f64> {
        let coverage = request.coverage?;
        Some(self.coverage.term(coverage.factor, rank))
    }

    pub(super) fn finish(
        &mut self,
        request: &Request,
        node: u32,
        score: f64,
        length: usize,
        finish: Finish,
        coverage: Option<f64>,
    ) {
        let scores = scores(request, score, length, finish, coverage);
        let (size, when_full) = (request.pool_size(), request.rules.when_full);
        self.pool.add(size, when_full, scores, node, finish);
    }

    /// Finishes live hypotheses, best first, until the pool holds as many as there are beams.
    fn fill_up(&mut self, request: &Request, length: usize, finish: Finish) {
        for i in 0..self.beams.len() {
            if self.pool.len() >= request.group_beams() {
                break;
            }
            let LiveHypothesis { node, score, .. } = self.beams[i];
            let coverage = self.coverage_of(request, i);
            let scores = scores(request, score, length, finish, coverage);
            self.pool.push(scores, node, finish);
        }
    }

    /// Ends the group at the maximum length, after a step whose best candidate
    /// is `leader`.
    pub(super) fn cut(&mut self, request: &Request, length: usize, leader: f64) {
        if request.draws_sequences() {
            self.finish_sequences(Finish::Length);
            self.beams.clear();
            return;
        }
        let drops = match request.rules.at_maximum {
            AtMaximum::FillUp => {
                self.fill_up(request, length, Finish::Length);
                true
            }
            AtMaximum::Finish | AtMaximum::ForceEnd => false,
            AtMaximum::FinishUnlessDone => self.is_done(request, length, leader),
            AtMaximum::FinishIfNoneEnded => !self.pool.is_empty(),
        };
        if !drops {
            self.finish_live(request, length, Finish::Length);
        }
        self.beams.clear();
    }

    /// Ends the group because its stopping rule is met.
    pub(super) fn stop(&mut self, request: &Request, length: usize) {
        if request.rules.at_maximum == AtMaximum::FillUp {
            self.fill_up(request, length, Finish::Live);
        }
        self.beams.clear();
    }

    /// Ends the group because the caller says so, after `length` generated tokens. Its beams
    /// stay.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn finish_now(&mut self, request: &Request, length: usize) -> Result<(), Error> {
        if length == 0 {
            return Ok(());
        }
        let size = request.pool_size().max(request.group_beams());
        self.pool.reserve(self.beams.len(), size)?;
        match request.rules.at_maximum {
            _ if request.draws_sequences() => self.finish_sequences(Finish::Live),
            AtMaximum::FillUp => self.fill_up(request, length, Finish::Live),
            _ => self.finish_live(request, length, Finish::Live),
        }
        Ok(())
    }

    /// The live hypotheses, best first, as they would finish now.
    pub(super) fn live_as_finished(
        &self,
        request: &Request,
        length: usize,
    ) -> impl Iterator<Item = Finished> {
        let group = self.pool.group();
        (0..).zip(&self.beams).map(move |(rank, live)| {
            let coverage = self.coverage_of(request, rank as usize);
            let scores = scores(request, live.score, length, Finish::Live, coverage);
            let sampled = live.lineage.sampled;
            Finished {
                score: match request.draws_sequences() {
                    true => sampled.value,
                    false => scores.score,
                },
                log_probability: scores.log_probability,
                coverage: scores.coverage,
                sampled: sampled.log_probability,
                node: live.node,
                finish: Finish::Live,
                order: (group, rank),
            }
        })
    }

    fn finish_live(&mut self, request: &Request, length: usize, finish: Finish) {
        for i in 0..self.beams.len() {
            let LiveHypothesis { node, score, .. } = self.beams[i];
            let coverage = self.coverage_of(request, i);
            self.finish(request, node, score, length, finish, coverage);
        }
    }

    /// Whether the stopping rule is met after a step to `length` generated
    /// tokens, whose best candidate is `leader`.
    pub(super) fn is_done(&self, request: &Request, length: usize, leader: f64) -> bool {
        if request.draws_sequences() {
            return false;
        }
        let beams = request.group_beams();
        let rules = &request.rules;
        let live = self
            .beams
            .first()
            .map_or(f64::NEG_INFINITY, |best| best.score);
        let prompt = request.prompt.len();
        let now = rules.counted.count(prompt, length, 0);
        let beaten = |bound| {
            self.pool
                .worst_if_full(request.pool_size())
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
                let last = rules.counted.count(prompt, request.max_length, 0);
                let bound = |length| rules.length_penalty.apply(live, length);
                beaten(bound(now).max(bound(last)))
            }
            Stopping::FirstFinished { patience } => {
                let wanted = (beams as f64 * patience).round().max(1.0);
                self.pool.count() as f64 >= wanted
            }
            Stopping::BestFinished { hypotheses } => {
                let wanted = hypotheses.min(beams) as u64;
                self.best_ended && self.pool.count() >= wanted
            }
            Stopping::Never => false,
            Stopping::PoolFull => self.pool.is_full(request.pool_size()),
        }
    }
}

/// What a hypothesis is ranked by: its log-probability under the length penalty, and the coverage
/// term. A score of -0.0 keeps its sign where there is no such term.
fn scores(
    request: &Request,
    log_probability: f64,
    length: usize,
    finish: Finish,
    coverage: Option<f64>,
) -> FinalScores {
    let rules = &request.rules;
    let ending = request.ending_length(finish);
    let counted = rules.counted.count(request.prompt.len(), length, ending);
    let penalised = rules.length_penalty.apply(log_probability, counted);
    FinalScores {
        score: coverage.map_or(penalised, |coverage| penalised + coverage),
        log_probability,
        coverage: coverage.unwrap_or(0.0),
    }
}
