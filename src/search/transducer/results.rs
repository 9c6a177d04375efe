//! The hypotheses of an utterance, at its end or before.

use super::bucket::{Arrival, BEFORE_FRAMES};
use super::candidate;
use super::nbest::TransducerNBest;
use super::utterance::{Search, Utterance};
use crate::error::Error;
use crate::scorers::{self, Scorer};
use crate::search::aligned::{self, Scores};

impl<T> Utterance<T> {
    /// Replaces the contents of `nbest` by the hypotheses after the last complete frame,
    /// whether the input ends there or not.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn write<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        ended: bool,
        nbest: &mut TransducerNBest,
    ) -> Result<(), Error> {
        nbest.clear();
        self.join()?;
        let (settings, scorer) = (search.settings, search.scorer);
        let (joined, live, history) = (&self.joined, &self.live, &self.history);
        joined.rank(live, settings.beams, &mut self.candidates)?;
        let scored = |place: u32| match (scorers::scores::<S>(), ended) {
            (false, _) => 0.0,
            (true, false) => live.get(place).scored + 0.0,
            (true, true) => live.get(place).scored + scorer.finish(live.state(place)),
        };
        let mut kept = 0;
        for order in 0..self.candidates.len() {
            let (_, index) = candidate::numbers(self.candidates[order]);
            let waiting = &joined.waiting()[index as usize];
            let scored = scored(waiting.place);
            if !scored.is_finite() {
                continue;
            }
            let tokens = history.taken() + history.length(live.get(waiting.place).node);
            let score = waiting.paths.mass + scored;
            let ranked_by = score / settings.normalisation.divisor(tokens);
            self.candidates[kept] = candidate::pack(ranked_by, order, index);
            kept += 1;
        }
        self.candidates.truncate(kept);
        candidate::sort_best(&mut self.candidates, settings.nbest);
        for &candidate in &self.candidates {
            let (_, index) = candidate::numbers(candidate);
            let waiting = &joined.waiting()[index as usize];
            let (node, scored) = (live.get(waiting.place).node, scored(waiting.place));
            let length = history.length(node);
            let divisor = settings.normalisation.divisor(history.taken() + length);
            let scores = Scores {
                score: (waiting.paths.mass + scored) / divisor,
                log_mass: waiting.paths.mass,
                alignment: waiting.paths.best,
                scorer: scored,
            };
            let [tokens, frames, durations] = aligned::push(nbest, length, scores, divisor)?;
            history.read_tokens(node, tokens);
            history.read_emissions(waiting.paths.emission, frames, durations);
        }
        nbest.end_item()
    }

    /// Joins all buckets: an alignment that goes beyond the last frame ends there too.
    fn join(&mut self) -> Result<(), Error> {
        let under_way = self.frame_under_way();
        self.joined.clear();
        for ahead in 0..self.buckets.len() {
            let bucket = &self.buckets[self.bucket(ahead)];
            self.joined.reserve(bucket.len(), self.live.places())?;
            for waiting in bucket.waiting() {
                let Some(paths) = waiting.settled(under_way) else {
                    continue;
                };
                let arrival = Arrival {
                    place: waiting.place,
                    paths,
                    emits: None,
                };
                let emissions = &mut self.history.emissions;
                self.joined.arrive(arrival, BEFORE_FRAMES, emissions);
            }
        }
        Ok(())
    }
}
