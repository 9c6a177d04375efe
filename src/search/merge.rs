//! The best k of parents x tokens, where all parents share one row.
//!
//! Both lists are sorted, and rounding is monotone, so among the continuations
//! of one parent each is no better than the one before. The best of all is
//! therefore among the best that each parent has left, and these play a
//! tournament (Knuth, "The Art of Computer Programming" 3, section 5.4.1):
//!
//! ```text
//!                 winner
//!            /              \
//!        winner            winner         of two, the better; of equals the left
//!       /      \          /      \
//!   parent 0  parent 1  parent 2  parent 3     the best that each has left
//! ```
//!
//! The winner of all is taken, its parent enters the next one, and only the
//! matches on the way from there to the top are played again. How one ends
//! cannot be predicted, so it is no branch. With a binary heap, which has two
//! for each level, a whole search took 1.2 times as long for 16 beams over 5000
//! tokens, and 2.3 to 2.7 times for 64 to 5000 beams (Zen 3, one thread).
//!
//! The best k take O(k log k) time. At most the first k parents, and of each
//! the first k tokens, can be among them.

use std::hint::select_unpredictable;

use crate::error::Error;
use crate::memory::resize;
use crate::order::{from_sortable_f64, sortable_f64};

/// The continuation of `parent` by the token of `rank`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Continuation {
    pub(crate) score: f64,
    pub(crate) parent: u32,
    pub(crate) rank: u32,
}

/// Who plays: the best continuation that a parent has left.
#[derive(Clone, Copy, Debug, Default)]
struct Player {
    /// Its score, sortable; [`GONE`] if there is none.
    key: u64,
    parent: u32,
}

/// Below the key of every score.
const GONE: u64 = 0;

/// Ranks behind those in use, of the length of two cache lines. The tournaments of all
/// threads are allocated one after the other; those of few parents would share lines,
/// which are written at every step (3 beams over 1000 tokens, two threads: 10 % slower).
const APART: usize = 32;

/// Continuations that are taken before the question whether to go on: they take some hundred
/// microseconds at most.
const SEVERAL: usize = 1 << 12;

/// Memory for a tournament.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    /// Who won at each node. The root is at 1, the children of node i at 2i and
    /// 2i + 1, the parents, in order, at the leaves.
    winners: Vec<Player>,
    /// The rank of the token that continues each parent next.
    ranks: Vec<u32>,
}

impl Merge {
    /// The bytes that [`Merge::reserve`] allocates.
    pub(crate) fn bytes_needed(parents: usize) -> usize {
        let nodes = leaves(parents).saturating_mul(2 * size_of::<Player>());
        let ranks = parents.saturating_add(APART);
        nodes.saturating_add(ranks.saturating_mul(size_of::<u32>()))
    }

    /// Makes room for a merge of `parents` parents.
    pub(crate) fn reserve(&mut self, parents: usize) -> Result<(), Error> {
        let what = "the tournament of continuations";
        resize(&mut self.winners, leaves(parents).saturating_mul(2), what)?;
        resize(&mut self.ranks, parents.saturating_add(APART), what)
    }

    /// Calls `take` with the best `count` continuations, in order, and `goes_on` now
    /// and then if they are many; ends if that says no. There are at least that many pairs;
    /// `count` is not 0. No score is -0.0, and so none
    /// of the sums: only that of two of them would be.
    #[inline]
    pub(crate) fn best(
        &mut self,
        count: usize,
        scores: &[f64],
        log_probabilities: &[f64],
        mut goes_on: impl FnMut() -> bool,
        mut take: impl FnMut(Continuation),
    ) {
        let scores = &scores[..scores.len().min(count)];
        let leaves = leaves(scores.len());
        let winners = &mut self.winners[..2 * leaves];
        let ranks = &mut self.ranks[..scores.len()];
        ranks.fill(0);
        for (parent, (player, score)) in winners[leaves..].iter_mut().zip(scores).enumerate() {
            *player = Player {
                key: sortable_f64(score + log_probabilities[0]),
                parent: parent as u32,
            };
        }
        winners[leaves + scores.len()..].fill(Player::default());
        // They are in order, so the left one wins every match.
        for node in (1..leaves).rev() {
            winners[node] = winners[2 * node];
        }
        let mut left = count - 1;
        loop {
            let several = left.min(SEVERAL);
            for _ in 0..several {
                let best = winners[1];
                let parent = best.parent as usize;
                let rank = ranks[parent];
                take(Continuation {
                    score: from_sortable_f64(best.key),
                    parent: best.parent,
                    rank,
                });
                ranks[parent] = rank + 1;
                let key = match log_probabilities.get(rank as usize + 1) {
                    Some(log) => sortable_f64(scores[parent] + log),
                    None => {
                        mark!("a parent has no token left");
                        GONE
                    }
                };
                replay(winners, leaves + parent, key);
            }
            left -= several;
            if left == 0 {
                break;
            }
            if !goes_on() {
                return;
            }
        }
        let best = winners[1];
        take(Continuation {
            score: from_sortable_f64(best.key),
            parent: best.parent,
            rank: ranks[best.parent as usize],
        });
    }
}

/// Lets the player at `leaf` enter with another key, and plays its matches.
#[inline(always)]
fn replay(winners: &mut [Player], leaf: usize, key: u64) {
    let mut winner = Player {
        key,
        ..winners[leaf]
    };
    let mut node = leaf;
    winners[node] = winner;
    while node > 1 {
        let other = winners[node ^ 1];
        // Who comes from the right must be better, from the left as good.
        let right = (node & 1) as u64;
        let wins = winner.key >= other.key + right;
        winner.key = select_unpredictable(wins, winner.key, other.key);
        winner.parent = select_unpredictable(wins, winner.parent, other.parent);
        node /= 2;
        winners[node] = winner;
    }
}

/// Those of the tree for so many parents.
fn leaves(parents: usize) -> usize {
    parents.checked_next_power_of_two().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn check(scores: &[f64], logs: &[f64]) {
        let mut pairs = Vec::new();
        for (parent, score) in scores.iter().enumerate() {
            for (rank, log) in logs.iter().enumerate() {
                pairs.push((score + log, parent as u32, rank as u32));
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut merge = Merge::default();
        merge.reserve(scores.len()).unwrap();
        for count in 1..=pairs.len() {
            let mut found = Vec::new();
            let take = |c: Continuation| found.push((c.score, c.parent, c.rank));
            merge.best(count, scores, logs, || true, take);
            assert_eq!(found, pairs[..count], "{scores:?} {logs:?}");
        }
    }

    #[test]
    fn pairs_come_in_the_total_order_ties_included() {
        check(&[0.0], &[-1.0, -1.0, -2.0]);
        check(&[-1.0, -1.0, -2.0], &[-1.0, -2.0, -2.0]);
        check(&[-1.0, -1.5, -9.0, -9.5], &[0.0, -0.5, -8.0]);
        check(&[-3.0, -3.0, -3.0], &[-1.0]);
        check(&[-1.0, -100.0], &[-1.0, -2.0, -3.0, -4.0, -5.0]);
        // Sums of 0, and above it, and a last token that is a negative zero.
        check(&[1.5, 1.0, 0.0], &[0.0005, 0.0, -0.0, -1.0, -1.5]);
    }

    /// Few distinct scores, so that most are tied.
    #[test]
    fn pairs_of_many_parents() {
        let mut random = Random::new(1);
        let mut value = || -(random.below(8) as f64);
        for parents in 1..20 {
            for tokens in 1..20 {
                let mut scores: Vec<f64> = (0..parents).map(|_| 0.5 + value()).collect();
                let mut logs: Vec<f64> = (0..tokens).map(|_| value()).collect();
                scores.sort_by(|a, b| b.total_cmp(a));
                logs.sort_by(|a, b| b.total_cmp(a));
                check(&scores, &logs);
            }
        }
    }

    /// A parent whose tokens are all taken loses to the worst that another has left,
    /// even to one at minus infinity.
    #[test]
    fn parents_without_a_token_left_lose_every_match() {
        let lowest = f64::MIN;
        for scores in [
            &[0.0, lowest][..],
            &[0.0, 0.0, 0.0, 0.0, lowest],
            &[5.0, 4.0, 3.0, 2.0, 1.0, 0.0, -1.0, lowest],
        ] {
            for logs in [&[0.0][..], &[0.0, lowest / 2.0], &[0.5, 0.25, -1.0]] {
                crate::marks::expect("a parent has no token left", || check(scores, logs));
            }
        }
    }

    /// Of more parents than are asked for only so many can be among the best.
    #[test]
    fn a_parent_beyond_the_count_is_not_looked_at() {
        let scores = [-1.0, -2.0, f64::NAN];
        let mut merge = Merge::default();
        merge.reserve(3).unwrap();
        let mut found = Vec::new();
        let take = |c: Continuation| found.push((c.parent, c.rank));
        merge.best(2, &scores, &[0.0, -3.0], || true, take);
        assert_eq!(found, [(0, 0), (1, 0)]);
    }

    /// It is asked whether to go on each time that so many were taken and others are left.
    #[test]
    fn a_merge_of_many_ends_when_it_is_told_to() {
        let scores: Vec<f64> = (0..100).map(|parent| -(parent as f64)).collect();
        let logs: Vec<f64> = (0..200).map(|rank| -0.01 * rank as f64).collect();
        let mut merge = Merge::default();
        merge.reserve(scores.len()).unwrap();
        let mut run = |count, most_asked| {
            let (mut asked, mut taken) = (0, 0);
            let goes_on = || {
                asked += 1;
                asked < most_asked
            };
            merge.best(count, &scores, &logs, goes_on, |_| taken += 1);
            (asked, taken)
        };
        for (count, asked) in [(1, 0), (SEVERAL, 0), (SEVERAL + 1, 0), (SEVERAL + 2, 1)] {
            assert_eq!(run(count, 9), (asked, count));
        }
        assert_eq!(run(3 * SEVERAL + 1, 9), (2, 3 * SEVERAL + 1));
        assert_eq!(run(3 * SEVERAL + 2, 2), (2, 2 * SEVERAL));
        assert_eq!(run(3 * SEVERAL, 1), (1, SEVERAL));
    }

    /// One merge after another, wider and narrower, in the same memory.
    #[test]
    fn a_tournament_holds_nothing_of_the_one_before() {
        let mut merge = Merge::default();
        merge.reserve(9).unwrap();
        let logs = [-0.5, -1.0, -7.0];
        for parents in [9, 2, 5, 1, 8, 3, 9] {
            let scores: Vec<f64> = (0..parents).map(|parent| -(parent as f64)).collect();
            let mut found = Vec::new();
            let count = parents * logs.len();
            let take = |c: Continuation| {
                assert_eq!(c.score, scores[c.parent as usize] + logs[c.rank as usize]);
                found.push((c.parent, c.rank));
            };
            merge.best(count, &scores, &logs, || true, take);
            found.sort();
            found.dedup();
            assert_eq!(found.len(), count);
        }
    }

    /// What is said to be needed is what is reserved, tournaments of two threads on
    /// lines of their own included.
    #[test]
    fn the_memory_of_a_tournament() {
        for (parents, leaves) in [(0, 1), (1, 1), (2, 2), (3, 4), (64, 64), (65, 128)] {
            let mut merge = Merge::default();
            merge.reserve(parents).unwrap();
            assert_eq!(merge.winners.len(), 2 * leaves);
            assert_eq!(merge.ranks.len(), parents + 32);
            let bytes = 2 * leaves * size_of::<Player>() + (parents + 32) * 4;
            assert_eq!(Merge::bytes_needed(parents), bytes);
        }
        assert_eq!(Merge::bytes_needed(usize::MAX), usize::MAX);
        let mut merge = Merge::default();
        assert!(merge.reserve(usize::MAX).unwrap_err().is_out_of_memory());
    }
}
