//! The finished hypotheses of one group of beams.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::finish::Finish;
use super::rules::WhenFull;
use crate::error::{Error, Kind};
use crate::memory::reserve;
use crate::order::descending;

/// The scores of a hypothesis that is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct FinalScores {
    /// What it is ranked by.
    pub(super) score: f64,
    pub(super) log_probability: f64,
    /// The coverage term of the score, or 0.
    pub(super) coverage: f64,
}

/// A hypothesis that is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finished {
    pub(super) score: f64,
    pub(super) log_probability: f64,
    /// The coverage term of the score, or 0.
    pub(super) coverage: f64,
    /// The log-probability under the distribution that was drawn from, of a request that
    /// draws sequences.
    pub(super) sampled: f64,
    pub(super) node: u32,
    pub(super) finish: Finish,
    /// Its group, and how many of that finished before it: at equal scores the
    /// earlier is better.
    pub(super) order: (u32, u64),
}

impl Finished {
    /// Best first. A score of -0.0, which an infinite length penalty makes of
    /// one below 0, ties with 0.0.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        descending(self.score, other.score).then(self.order.cmp(&other.order))
    }
}

/// The worst is the greatest, so that a heap has it on top.
impl Ord for Finished {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other)
    }
}

impl PartialOrd for Finished {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Finished {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Finished {}

/// The best hypotheses that have finished, as many as there are beams.
/// O(log k) an addition.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    heap: BinaryHeap<Finished>,
    group: u32,
    count: u64,
}

impl Pool {
    /// Starts anew, for the group of this number.
    pub(super) fn begin(&mut self, group: usize) {
        self.heap.clear();
        self.group = group as u32;
        self.count = 0;
    }

    /// Makes room for `more` hypotheses, as far as a pool of `size` has a place
    /// for them.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, more: usize, size: usize) -> Result<(), Error> {
        let more = more.min(size.saturating_sub(self.heap.len()));
        let bytes = (self.heap.len() + more).saturating_mul(size_of::<Finished>());
        let what = "the finished hypotheses";
        let reserved = self.heap.try_reserve(more);
        reserved.map_err(|_| Kind::OutOfMemory { what, bytes }.into())
    }

    /// Adds a finished hypothesis, if a pool of `size` has a place for it.
    pub(super) fn add(
        &mut self,
        size: usize,
        when_full: WhenFull,
        scores: FinalScores,
        node: u32,
        finish: Finish,
    ) {
        let finished = self.next(scores, node, finish);
        if self.heap.len() < size {
            self.heap.push(finished);
        } else if when_full == WhenFull::ReplaceWorst
            && let Some(mut worst) = self.heap.peek_mut()
            && finished < *worst
        {
            mark!("a full pool gives up its worst");
            *worst = finished;
        }
    }

    /// Adds a finished hypothesis whether or not the pool has a place for it.
    pub(super) fn push(&mut self, scores: FinalScores, node: u32, finish: Finish) {
        let finished = self.next(scores, node, finish);
        self.heap.push(finished);
    }

    /// The next to finish.
    fn next(&mut self, scores: FinalScores, node: u32, finish: Finish) -> Finished {
        let order = (self.group, self.count);
        self.count += 1;
        Finished {
            score: scores.score,
            log_probability: scores.log_probability,
            coverage: scores.coverage,
            sampled: 0.0,
            node,
            finish,
            order,
        }
    }

    /// The number of its group.
    pub(super) fn group(&self) -> u32 {
        self.group
    }

    /// Adds a sequence that was drawn, whose score is its perturbed log-probability. There is
    /// room for it.
    pub(super) fn insert(&mut self, scores: FinalScores, sampled: f64, node: u32, finish: Finish) {
        let finished = self.next(scores, node, finish);
        self.heap.push(Finished {
            sampled,
            ..finished
        });
    }

    /// The score of the worst.
    pub(super) fn worst(&self) -> Option<f64> {
        self.heap.peek().map(|worst| worst.score)
    }

    /// Drops the worst, and returns its score.
    pub(super) fn drop_worst(&mut self) -> Option<f64> {
        self.heap.pop().map(|worst| worst.score)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether a pool of `size` is full.
    pub(super) fn is_full(&self, size: usize) -> bool {
        self.heap.len() >= size
    }

    /// How many ever finished.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// The score that a hypothesis must beat to get into a pool of `size`:
    /// none while there is a place free.
    pub(super) fn worst_if_full(&self, size: usize) -> Option<f64> {
        self.heap
            .peek()
            .filter(|_| self.is_full(size))
            .map(|worst| worst.score)
    }

    /// The finished hypotheses, best first. O(k log k) time, and a copy of them.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn sorted(&self) -> Result<Vec<Finished>, Error> {
        let mut sorted = Vec::new();
        reserve(&mut sorted, self.heap.len(), "the finished hypotheses")?;
        sorted.extend(self.heap.iter());
        sorted.sort_unstable();
        Ok(sorted)
    }

    /// The finished hypotheses, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Finished> + Clone {
        self.heap.iter()
    }

    /// Changes the node of every hypothesis.
    pub(super) fn move_nodes(&mut self, moved: impl Fn(u32) -> u32) {
        // The order does not look at nodes, so the heap stays a heap.
        let mut finished = std::mem::take(&mut self.heap).into_vec();
        for finished in &mut finished {
            finished.node = moved(finished.node);
        }
        self.heap = finished.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scores of a pool of 2 that these finish in, best first.
    fn best_two(when_full: WhenFull, scores: &[f64]) -> Vec<(f64, u32)> {
        let mut pool = Pool::default();
        pool.begin(0);
        for (node, &score) in scores.iter().enumerate() {
            let scores = FinalScores {
                score,
                log_probability: -1.0,
                coverage: 0.0,
            };
            pool.add(2, when_full, scores, node as u32, Finish::End);
        }
        let mut finished: Vec<Finished> = pool.iter().copied().collect();
        finished.sort();
        finished
            .iter()
            .map(|found| (found.score, found.node))
            .collect()
    }

    #[test]
    fn of_equal_scores_the_earlier_is_better_and_zeros_of_both_signs_are_equal() {
        let replace = |scores: &[f64]| best_two(WhenFull::ReplaceWorst, scores);
        assert_eq!(replace(&[-0.0, 0.0]), [(-0.0, 0), (0.0, 1)]);
        assert_eq!(replace(&[0.0, -0.0]), [(0.0, 0), (-0.0, 1)]);
        assert_eq!(replace(&[-0.0, -0.0, 0.0]), [(-0.0, 0), (-0.0, 1)]);
        assert_eq!(replace(&[-1.0, -0.0, 0.0]), [(-0.0, 1), (0.0, 2)]);
        assert_eq!(replace(&[-1.0, -1.0, -1.0]), [(-1.0, 0), (-1.0, 1)]);
        assert_eq!(replace(&[-2.0, -1.0, -1.5]), [(-1.0, 1), (-1.5, 2)]);
        // Equal is what neither score nor order tells apart.
        let finished = |score, order| Finished {
            score,
            log_probability: score,
            coverage: 0.0,
            sampled: 0.0,
            node: 0,
            finish: Finish::End,
            order: (0, order),
        };
        assert!(finished(0.0, 1) == finished(-0.0, 1));
        assert!(finished(0.0, 1) != finished(0.0, 2) && finished(0.0, 1) != finished(1.0, 1));
        let keep = best_two(WhenFull::Keep, &[-2.0, -1.0, -0.5]);
        assert_eq!(keep, [(-1.0, 1), (-2.0, 0)]);
    }
}
