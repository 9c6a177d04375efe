//! The best k of parents x tokens, where all parents share one row.
//!
//! Both lists are sorted, and rounding is monotone, so among the continuations
//! of one parent each is no better than the one before; and the first
//! continuation of a parent is no better than that of the parent before. A
//! heap of one continuation for each parent in play therefore yields the best
//! of all, k times over. A parent comes into play when the first continuation
//! of the parent before it is taken.
//!
//! Each one taken brings in at most two, so at most 2k - 1 of the k x k pairs
//! are ever looked at; in time this is O(k log k).

use std::cmp::Ordering;

use crate::error::Error;
use crate::memory::reserve;

/// The continuation of `parent` by the token of `rank`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Continuation {
    pub(crate) score: f64,
    pub(crate) parent: u32,
    pub(crate) rank: u32,
}

impl Continuation {
    /// The total order of continuations: score descending, parent ascending.
    /// Two of one parent are never compared.
    #[inline]
    fn is_before(&self, other: &Continuation) -> bool {
        match self.score.partial_cmp(&other.score) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Less) => false,
            _ => self.parent < other.parent,
        }
    }
}

/// A binary heap of continuations, the first in order on top.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    heap: Vec<Continuation>,
}

impl Merge {
    /// Makes room for a merge of `parents` parents.
    pub(crate) fn reserve(&mut self, parents: usize) -> Result<(), Error> {
        self.heap.clear();
        reserve(&mut self.heap, parents + 1, "the heap of continuations")
    }

    /// Calls `take` with the best `count` continuations, in order. There are
    /// at least that many pairs; `count` is not 0.
    #[inline]
    pub(crate) fn best(
        &mut self,
        count: usize,
        scores: &[f64],
        log_probabilities: &[f64],
        mut take: impl FnMut(Continuation),
    ) {
        let first = |parent: usize| Continuation {
            score: scores[parent] + log_probabilities[0],
            parent: parent as u32,
            rank: 0,
        };
        self.heap.clear();
        self.heap.push(first(0));
        for _ in 1..count {
            let best = self.heap[0];
            take(best);
            let rank = best.rank as usize + 1;
            if rank < log_probabilities.len() {
                self.heap[0] = Continuation {
                    score: scores[best.parent as usize] + log_probabilities[rank],
                    parent: best.parent,
                    rank: rank as u32,
                };
            } else {
                self.heap.swap_remove(0);
            }
            self.sift_down();
            let next = best.parent as usize + 1;
            if best.rank == 0 && next < scores.len() {
                self.heap.push(first(next));
                self.sift_up();
            }
        }
        take(self.heap[0]);
    }

    #[inline]
    fn sift_down(&mut self) {
        let heap = &mut self.heap[..];
        let mut at = 0;
        loop {
            let mut child = 2 * at + 1;
            if child >= heap.len() {
                return;
            }
            if child + 1 < heap.len() && heap[child + 1].is_before(&heap[child]) {
                child += 1;
            }
            if !heap[child].is_before(&heap[at]) {
                return;
            }
            heap.swap(at, child);
            at = child;
        }
    }

    #[inline]
    fn sift_up(&mut self) {
        let heap = &mut self.heap[..];
        let mut at = heap.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !heap[at].is_before(&heap[parent]) {
                return;
            }
            heap.swap(at, parent);
            at = parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_come_in_the_total_order_ties_included() {
        let cases: [(&[f64], &[f64]); 5] = [
            (&[0.0], &[-1.0, -1.0, -2.0]),
            (&[-1.0, -1.0, -2.0], &[-1.0, -2.0, -2.0]),
            (&[-1.0, -1.5, -9.0, -9.5], &[0.0, -0.5, -8.0]),
            (&[-3.0, -3.0, -3.0], &[-1.0]),
            (&[-1.0, -100.0], &[-1.0, -2.0, -3.0, -4.0, -5.0]),
        ];
        let mut merge = Merge::default();
        for (scores, logs) in cases {
            let mut pairs = Vec::new();
            for (parent, score) in scores.iter().enumerate() {
                for (rank, log) in logs.iter().enumerate() {
                    pairs.push((score + log, parent as u32, rank as u32));
                }
            }
            pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            for count in 1..=pairs.len() {
                let mut found = Vec::new();
                merge.best(count, scores, logs, |c| {
                    found.push((c.score, c.parent, c.rank))
                });
                assert_eq!(found, pairs[..count], "{scores:?} {logs:?}");
            }
        }
    }
}
