//! A tree of prefixes in which children are looked up by their token.

use super::tree::{NONE, Node, Tree};
use crate::error::Error;
use crate::memory::{self, resize};

/// A [`Tree`] of prefixes in which a child can be looked up by its token, and a
/// node's rank in the beam.
#[derive(Clone, Debug, Default)]
pub(crate) struct PrefixTree {
    tree: Tree,
    /// The rank of each node in the last beam that it was in.
    ranks: Vec<u32>,
    /// Open addressing with linear probing: 1 + node, or 0. A power of two of
    /// slots, at most half of them in use.
    slots: Vec<u32>,
}

impl PrefixTree {
    /// At most the bytes that each node takes: with its rank and up to four slots.
    pub(crate) const BYTES_A_NODE: usize = Tree::<u32>::BYTES_A_NODE + 5 * size_of::<u32>();

    /// [`Tree::reset`].
    pub(crate) fn reset(&mut self, nodes: usize) -> Result<(), Error> {
        self.tree.reset(nodes)?;
        self.ranks.clear();
        self.slots.fill(0);
        self.reserve(nodes)?;
        self.ranks.push(NONE);
        Ok(())
    }

    /// Makes room for `more` nodes, and for compaction when they are there.
    #[inline]
    pub(crate) fn reserve(&mut self, more: usize) -> Result<(), Error> {
        self.tree.reserve(more)?;
        memory::reserve(&mut self.ranks, more, "the ranks of prefixes")?;
        let slots = (2 * (self.tree.len() + more)).next_power_of_two();
        if slots > self.slots.len() {
            resize(&mut self.slots, slots, "the table of prefixes")?;
            self.rehash();
        }
        Ok(())
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn len(&self) -> usize {
        self.tree.len()
    }

    pub(crate) fn set_rank(&mut self, node: u32, rank: u32) {
        self.ranks[node as usize] = rank;
    }

    /// The rank of a node in the beam, or [`NONE`]; also for [`NONE`] in place of a
    /// node. `node_of` says which node has a rank now: a rank that was set for an
    /// earlier beam may be another's.
    #[inline(always)]
    pub(crate) fn rank(&self, node: u32, node_of: impl Fn(usize) -> Option<u32>) -> u32 {
        let rank = self.ranks.get(node as usize).copied().unwrap_or(NONE);
        match node_of(rank as usize) {
            Some(now) if now == node => rank,
            _ => {
                mark!("a node of an earlier beam");
                NONE
            }
        }
    }

    /// The node of a prefix extended by `token`: the one it has, else a new
    /// one, for which there is room ([`PrefixTree::reserve`]).
    pub(crate) fn child(&mut self, parent: u32, token: u32) -> u32 {
        let child = Node {
            parent,
            value: token,
        };
        let mask = self.slots.len() - 1;
        let mut slot = hash(parent, token) & mask;
        while self.slots[slot] != 0 {
            let node = self.slots[slot] - 1;
            if self.tree.nodes[node as usize] == child {
                mark!("a prefix that left comes back");
                return node;
            }
            mark!("two prefixes have one slot");
            slot = (slot + 1) & mask;
        }
        let node = self.tree.push(parent, token);
        self.ranks.push(NONE);
        self.slots[slot] = node + 1;
        node
    }

    /// [`Tree::compact`] with the nodes of the beam, in order.
    pub(crate) fn compact(&mut self, live: &mut [u32], shared: &mut Vec<u32>) {
        self.tree.compact(live, |token| shared.push(token));
        self.ranks.truncate(self.tree.len());
        for (rank, &node) in live.iter().enumerate() {
            self.ranks[node as usize] = rank as u32;
        }
        self.rehash();
    }

    fn rehash(&mut self) {
        self.slots.fill(0);
        let mask = self.slots.len() - 1;
        for node in 1..self.tree.len() as u32 {
            let mut slot = hash(self.tree.parent(node), self.tree.value(node)) & mask;
            while self.slots[slot] != 0 {
                mark!("two prefixes have one slot, in a new table");
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = node + 1;
        }
    }
}

/// Fibonacci hashing of the pair; the upper bits are the mixed ones.
fn hash(parent: u32, token: u32) -> usize {
    let pair = u64::from(parent) << 32 | u64::from(token);
    let mixed = (pair ^ pair >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(tree: &Tree, node: u32) -> Vec<u32> {
        let mut path: Vec<u32> = tree.path_back(node).collect();
        path.reverse();
        path
    }

    fn empty() -> PrefixTree {
        let mut tree = PrefixTree::default();
        tree.reset(8).unwrap();
        tree
    }

    #[test]
    fn compaction_keeps_live_paths_and_moves_the_root_down() {
        let mut tree = empty();
        let a = tree.child(0, 7);
        let ab = tree.child(a, 8);
        let dead = tree.child(a, 9);
        let abc = tree.child(ab, 1);
        let abd = tree.child(ab, 2);
        assert_eq!(tree.child(a, 9), dead);
        assert_eq!(path(tree.tree(), abd), [7, 8, 2]);
        let (mut live, mut shared) = ([abd, abc], Vec::new());
        tree.compact(&mut live, &mut shared);
        assert_eq!(shared, [7, 8]);
        assert_eq!(tree.len(), 3);
        assert_eq!(live.map(|node| path(tree.tree(), node)), [[2], [1]]);
        let beam = |rank: usize| live.get(rank).copied();
        assert_eq!(live.map(|node| tree.rank(node, beam)), [0, 1]);
        assert_eq!(
            tree.rank(live[1], |rank| live[..1].get(rank).copied()),
            NONE
        );
        assert_eq!(tree.rank(NONE, beam), NONE);
        assert_eq!(tree.child(0, 2), live[0]);
        let fresh = tree.child(live[0], 2);
        assert_eq!(
            (path(tree.tree(), fresh), tree.rank(fresh, beam)),
            (vec![2, 2], NONE)
        );
    }

    #[test]
    fn compaction_stops_at_a_live_inner_node() {
        let mut tree = empty();
        let a = tree.child(0, 7);
        let ab = tree.child(a, 8);
        let (mut live, mut shared) = ([ab, a], Vec::new());
        tree.compact(&mut live, &mut shared);
        assert_eq!((shared, live), (vec![7], [1, 0]));
    }

    #[test]
    fn children_are_found_again_past_growth() {
        let mut tree = empty();
        let mut nodes = Vec::new();
        let parent = |token: u32| if token < 9 { 0 } else { token % 9 + 1 };
        crate::marks::expect("two prefixes have one slot, in a new table", || {
            for token in 0..5000 {
                tree.reserve(1).unwrap();
                nodes.push(tree.child(parent(token), token));
            }
        });
        assert_eq!(nodes, (1..5001).collect::<Vec<u32>>());
        // Looking for the last of each slot passes all others.
        crate::marks::expect("two prefixes have one slot", || {
            for (token, &node) in (0..).zip(&nodes) {
                assert_eq!(tree.child(parent(token), token), node);
            }
        });
        // The same token after another prefix is another one.
        assert_eq!(tree.child(4, 3), 5001);
        assert_eq!(tree.len(), 5002);
        // The table is at most half full.
        assert!(tree.slots.len() >= 2 * tree.len() && tree.slots.len().is_power_of_two());
    }

    #[test]
    fn a_node_has_a_rank_only_in_the_beam_it_is_in() {
        let mut tree = empty();
        let nodes = [1, 2, 3].map(|token| tree.child(0, token));
        for (rank, &node) in (0..).zip(&nodes) {
            assert_eq!(tree.rank(node, |_| None), NONE);
            tree.set_rank(node, rank);
        }
        let ranks = |nodes: [u32; 3], beam: &[u32]| {
            nodes.map(|node| tree.rank(node, |rank| beam.get(rank).copied()))
        };
        assert_eq!(ranks(nodes, &nodes), [0, 1, 2]);
        // Others are where two of them were.
        crate::marks::expect("a node of an earlier beam", || {
            let [a, b, _] = nodes;
            assert_eq!(ranks(nodes, &[b, a]), [NONE; 3]);
            assert_eq!(ranks(nodes, &[a, 9, 9]), [0, NONE, NONE]);
        });
    }

    #[test]
    fn what_was_dropped_is_made_anew_and_what_lives_is_found() {
        let mut tree = empty();
        let a = tree.child(0, 1);
        let b = tree.child(0, 2);
        let below = tree.child(b, 1);
        crate::marks::expect("a prefix that left comes back", || {
            assert_eq!(tree.child(0, 1), a);
        });
        let (mut live, mut shared) = ([below, 0], Vec::new());
        tree.compact(&mut live, &mut shared);
        assert_eq!((&shared[..], tree.len()), (&[][..], 3));
        let fresh = tree.child(0, 1);
        assert_eq!(fresh, 3);
        assert_eq!(tree.child(0, 2), tree.tree().parent(live[0]));
        assert_eq!(tree.child(tree.tree().parent(live[0]), 1), live[0]);
        assert_eq!(path(tree.tree(), live[0]), [2, 1]);
    }
}
