//! What is definite after some frames, and what remains after the last.

use super::bucket::Bucket;
use super::{Hypothesis, Search, Topology};
use crate::reference::scorers::PrefixScorer;

impl<S: PrefixScorer> Search<'_, '_, S> {
    /// Drops what does not begin with the tokens that are definite after so many frames.
    pub(super) fn commit(&mut self, frames: usize) {
        let Some(delay) = self.settings.commit_delay else {
            return;
        };
        if !frames.is_multiple_of(delay) {
            return;
        }
        let Some(best) = self.buckets.values().find_map(Bucket::first) else {
            return;
        };
        let old = |&&frame: &&u32| (frame as usize) < frames - delay;
        let committed = best.best.frames.iter().filter(old).count();
        let committed = best.tokens[..committed].to_vec();
        if committed.is_empty() {
            return;
        }
        if let Some(bucket) = self.buckets.get_mut(&frames) {
            bucket.cut(self.settings.beams);
        }
        for bucket in self.buckets.values_mut() {
            bucket.keep_those_that_begin_with(&committed);
        }
    }

    /// The hypotheses after the last frame. Alignments may end beyond it: what waits for later
    /// frames joins, frame by frame.
    pub(super) fn finish(self) -> Vec<Hypothesis> {
        let mut end = Bucket::default();
        for (_, bucket) in self.buckets {
            end.join(bucket);
        }
        let timed = matches!(self.settings.topology, Topology::Tdt { .. });
        let mut ended: Vec<Hypothesis> = Vec::new();
        for prefix in end.best(self.settings.beams) {
            let scored = prefix.scored + self.scorer.end(&prefix.tokens);
            if !scored.is_finite() {
                continue;
            }
            let score = prefix.mass + scored;
            let length = (prefix.tokens.len() + 1) as f64;
            ended.push(Hypothesis {
                tokens: prefix.tokens,
                frames: prefix.best.frames,
                durations: if timed {
                    prefix.best.durations
                } else {
                    Vec::new()
                },
                log_mass: prefix.mass,
                alignment_score: prefix.best.score,
                scorer_score: scored,
                score: if self.settings.divide_by_length {
                    score / length
                } else {
                    score
                },
            });
        }
        ended.sort_by(|a, b| b.score.partial_cmp(&a.score).expect("no NaN"));
        ended.truncate(self.settings.nbest);
        ended
    }
}
