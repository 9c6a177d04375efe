//! One group of beams: its live hypotheses, its pool, and when it is done.

use super::finish::{Completeness, Finish};
use super::hypothesis::{Hypothesis, Live};
use super::request::Request;
use super::rules::{AtMaximum, PoolSize, Stopping};
use crate::autoregressive::{Leader, WhenFull};

/// The state of one group.
pub(super) struct Group {
    pub(super) index: usize,
    /// Best first.
    pub(super) live: Vec<Live>,
    /// Best first.
    pub(super) pool: Vec<Hypothesis>,
    /// How many have ever finished.
    finished: usize,
    /// Whether the best candidate of some step has ended.
    pub(super) best_ended: bool,
    /// The best perturbed log-probability that was ever dropped.
    pub(super) threshold: f64,
}

impl Group {
    pub(super) fn new(request: &Request, index: usize) -> Group {
        Group {
            index,
            live: vec![Live::empty(request, index)],
            pool: Vec::new(),
            finished: 0,
            best_ended: false,
            threshold: f64::NEG_INFINITY,
        }
    }

    /// Finishes the empty hypothesis if that is a complete permitted sequence.
    pub(super) fn finish_empty(&mut self, request: &Request) {
        let completeness = request.completeness(&[]);
        let met = request.required.is_empty();
        let only_leaf = completeness == Completeness::Complete;
        let ends = completeness != Completeness::Incomplete && met;
        if ends && (only_leaf || !request.is_stochastic()) {
            let empty = self.live[0].clone();
            self.finish(request, empty, Finish::Complete);
        }
        if only_leaf {
            self.live.clear();
        }
    }

    /// Puts a hypothesis into the pool, if that has room for it.
    pub(super) fn finish(&mut self, request: &Request, live: Live, finish: Finish) {
        self.finished += 1;
        let full = self.pool.len() >= self.room(request);
        if full && request.rules.when_full == WhenFull::Keep {
            return;
        }
        self.add(request, live, finish);
        self.pool.truncate(self.room(request));
    }

    /// Puts a hypothesis into the pool. Of equal scores the earlier stays before the later.
    pub(super) fn add(&mut self, request: &Request, live: Live, finish: Finish) {
        self.pool.push(live.finished(request, self.index, finish));
        let score = |found: &Hypothesis| found.found.score;
        self.pool
            .sort_by(|a, b| score(b).partial_cmp(&score(a)).expect("no NaN"));
    }

    /// How many the pool holds.
    fn room(&self, request: &Request) -> usize {
        let beams = request.group_beams();
        match request.rules.pool_size {
            PoolSize::Beams => beams.max(request.n_best.unwrap_or(0)),
            PoolSize::Patience { patience } => {
                ((beams as f64 * patience).round_ties_even() as usize).max(1)
            }
            PoolSize::All => usize::MAX,
        }
    }

    /// Ends the group at the maximum length.
    pub(super) fn cut(&mut self, request: &Request, leader: f64, length: usize) {
        let drops = match request.rules.at_maximum {
            AtMaximum::FillUp => return self.fill_up(request, Finish::Length),
            AtMaximum::Finish | AtMaximum::ForceEnd => false,
            AtMaximum::FinishUnlessDone => self.is_done(request, leader, length),
            AtMaximum::FinishIfNoneEnded => !self.pool.is_empty(),
        };
        let live = std::mem::take(&mut self.live);
        if !drops {
            let met = live.into_iter().filter(|live| request.is_met(&live.tokens));
            met.for_each(|live| self.finish(request, live, Finish::Length));
        }
    }

    /// Ends the group because its stopping rule is met.
    pub(super) fn stop(&mut self, request: &Request) {
        match request.rules.at_maximum {
            AtMaximum::FillUp => self.fill_up(request, Finish::Live),
            _ => self.live.clear(),
        }
    }

    /// Ends the group because the caller says so.
    pub(super) fn finish_now(&mut self, request: &Request) {
        if request.is_stochastic() {
            // There are places for all of them.
            for live in std::mem::take(&mut self.live) {
                if !live.tokens.is_empty() {
                    self.add(request, live, Finish::Live);
                }
            }
            return;
        }
        if request.rules.at_maximum == AtMaximum::FillUp {
            return self.fill_up(request, Finish::Live);
        }
        for live in std::mem::take(&mut self.live) {
            if !live.tokens.is_empty() && request.is_met(&live.tokens) {
                self.finish(request, live, Finish::Live);
            }
        }
    }

    fn fill_up(&mut self, request: &Request, finish: Finish) {
        for live in std::mem::take(&mut self.live) {
            let wanted = self.pool.len() < request.group_beams();
            if wanted && !live.tokens.is_empty() && request.is_met(&live.tokens) {
                self.finished += 1;
                self.add(request, live, finish);
            }
        }
    }

    /// Whether the stopping rule is met, after a step to so many tokens whose best candidate
    /// has the score of `leader`.
    pub(super) fn is_done(&self, request: &Request, leader: f64, length: usize) -> bool {
        let scores = self.live.iter().map(|live| live.log_probability);
        let live = scores.fold(f64::NEG_INFINITY, f64::max);
        let (prompt, beams) = (request.prompt.len(), request.group_beams());
        let bound = |score, length| request.rules.penalised(score, prompt, length, 0);
        let room = self.room(request);
        let full = self.pool.len() >= room;
        let beaten = |bound: f64| full && self.pool[room - 1].found.score >= bound;
        match request.rules.stopping {
            Stopping::Heuristic {
                leader: Leader::Live,
            } => beaten(bound(live, length)),
            Stopping::Heuristic {
                leader: Leader::Any,
            } => beaten(bound(leader, length)),
            Stopping::Exhaustive => {
                // It may end with a token of its own, or with any part of a stop sequence.
                let parts = request.ends.stops.iter().flat_map(|stop| 1..=stop.len());
                let ended = parts.map(|part| (part - 1).min(length));
                let shorter = |ended| request.rules.penalised(live, prompt, length, ended);
                beaten(bound(live, length))
                    && beaten(bound(live, request.max_length))
                    && ended.map(shorter).all(beaten)
            }
            Stopping::FirstFinished { patience } => {
                self.finished >= ((beams as f64 * patience).round() as usize).max(1)
            }
            Stopping::BestFinished { hypotheses } => {
                self.best_ended && self.finished >= hypotheses.min(beams)
            }
            Stopping::Never => false,
            Stopping::PoolFull => full,
        }
    }
}
