//! How hypotheses of a group finish, one by one and all at its end.

use super::{Group, LiveHypothesis};
use crate::error::Error;
use crate::search::autoregressive::completeness::Completeness;
use crate::search::autoregressive::finish::Finish;
use crate::search::autoregressive::pool::{FinalScores, Finished};
use crate::search::autoregressive::request::Request;
use crate::search::autoregressive::rules::AtMaximum;
use crate::search::autoregressive::tree::ROOT;

impl Group {
    /// Finishes the empty hypothesis if that is a complete permitted sequence.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(in crate::search::autoregressive) fn finish_empty(
        &mut self,
        request: &Request,
        completeness: Completeness,
    ) -> Result<(), Error> {
        if !request.required.is_empty() {
            // It has none of the words.
        } else if request.draws_sequences() {
            // One that may go on is drawn on.
            if completeness == Completeness::Complete {
                self.pool.reserve(1, 1)?;
                self.finish_sequences(request, Finish::Complete);
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
    pub(in crate::search::autoregressive) fn coverage_of(
        &self,
        request: &Request,
        rank: usize,
    ) -> Option<f64> {
        let coverage = request.coverage?;
        Some(self.coverage.term(coverage.factor, rank))
    }

    pub(in crate::search::autoregressive) fn finish(
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
            if !self.progress.is_met(i) {
                continue;
            }
            let LiveHypothesis { node, score, .. } = self.beams[i];
            let coverage = self.coverage_of(request, i);
            let scores = scores(request, score, length, finish, coverage);
            self.pool.push(scores, node, finish);
        }
    }

    /// Ends the group at the maximum length, after a step whose best candidate
    /// is `leader`.
    pub(in crate::search::autoregressive) fn cut(
        &mut self,
        request: &Request,
        length: usize,
        leader: f64,
    ) {
        if request.draws_sequences() {
            self.finish_sequences(request, Finish::Length);
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
    pub(in crate::search::autoregressive) fn stop(&mut self, request: &Request, length: usize) {
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
    pub(in crate::search::autoregressive) fn finish_now(
        &mut self,
        request: &Request,
        length: usize,
    ) -> Result<(), Error> {
        if length == 0 {
            return Ok(());
        }
        let room = request.pool_room(request.width(length));
        self.pool.reserve(self.beams.len(), room)?;
        match request.rules.at_maximum {
            _ if request.draws_sequences() => self.finish_sequences(request, Finish::Live),
            AtMaximum::FillUp => self.fill_up(request, length, Finish::Live),
            _ => self.finish_live(request, length, Finish::Live),
        }
        Ok(())
    }

    /// The live hypotheses, best first, as they would finish now.
    pub(in crate::search::autoregressive) fn live_as_finished(
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
            if !self.progress.is_met(i) {
                continue;
            }
            let LiveHypothesis { node, score, .. } = self.beams[i];
            let coverage = self.coverage_of(request, i);
            self.finish(request, node, score, length, finish, coverage);
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
