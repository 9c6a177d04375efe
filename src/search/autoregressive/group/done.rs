//! When a group has found what it can.

use super::Group;
use crate::search::autoregressive::request::Request;
use crate::search::autoregressive::stopping::{Leader, Stopping};

impl Group {
    /// Whether the stopping rule is met after a step to `length` generated
    /// tokens, whose best candidate is `leader`.
    pub(in crate::search::autoregressive) fn is_done(
        &self,
        request: &Request,
        length: usize,
        leader: f64,
    ) -> bool {
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
                // score can become is at one end. The next token may complete a stop
                // sequence, whose tokens before it do not count then.
                let before_next = (request.longest_stop().max(1) - 1).min(length);
                let first = rules.counted.count(prompt, length, before_next);
                let last = rules.counted.count(prompt, request.max_length, 0);
                let bound = |length| rules.length_penalty.apply(live, length);
                beaten(bound(first).max(bound(last)))
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
