//! What is committed, so that streams without end stay small.

use super::candidate;
use super::utterance::Utterance;
use crate::error::Error;
use crate::memory::reserve;

impl<T> Utterance<T> {
    /// Drops all prefixes that differ from the best one in tokens that it emitted more than
    /// `delay` frames ago, once the next frame's bucket is cut to its best `beams` prefixes.
    /// Called between two frames.
    pub(super) fn commit(&mut self, beams: usize, delay: usize) -> Result<(), Error> {
        let mut buckets = (0..self.buckets.len()).map(|ahead| self.bucket(ahead));
        let Some(first) = buckets.find(|&at| !self.buckets[at].is_empty()) else {
            return Ok(());
        };
        self.buckets[first].rank(&self.live, 1, &mut self.candidates)?;
        let Some(&best) = self.candidates.first() else {
            return Ok(());
        };
        let best = &self.buckets[first].waiting()[candidate::numbers(best).1 as usize];
        let (node, emission) = (self.live.get(best.place).node, best.paths.emission);
        let recent = self.frame - delay as u32;
        let oldest = self.history.first_frame(emission);
        if oldest.is_none_or(|frame| frame >= recent) {
            return Ok(());
        }
        let own = self.bucket(0);
        self.buckets[own].rank(&self.live, beams, &mut self.candidates)?;
        self.dropped.clear();
        let what = "the hypotheses of a frame";
        reserve(&mut self.dropped, self.buckets[own].len(), what)?;
        self.buckets[own].cut(&self.candidates, &mut self.dropped)?;
        if let Some(committed) = self.history.node_before(node, emission, recent) {
            for bucket in &mut self.buckets {
                reserve(&mut self.dropped, bucket.len(), what)?;
                let node = |place: u32| self.live.get(place).node;
                bucket.retain(
                    |place| self.history.begins_with(node(place), committed),
                    &mut self.dropped,
                );
            }
        }
        for &place in &self.dropped {
            self.live.release(place);
        }
        Ok(())
    }
}
