//! Trees of which only the paths to some live leaves matter, in flat arrays.

use super::beam::Prefix;
use crate::error::Error;
use crate::memory::{self, resize};

/// In place of a node: there is none.
pub(super) const NONE: u32 = u32::MAX;

/// A tree of values; the path from its root to a node spells a sequence.
///
/// Nodes are only ever appended, so a parent's index is below its children's.
/// Memory is reclaimed by [`Tree::compact`], which leaves the nodes that some
/// live node descends from.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Of each node, during compaction: how many kept children it has.
    children: Vec<u32>,
    /// Of each node, during compaction: a kept child, later its new index.
    moved: Vec<u32>,
}

/// Side by side, because they are looked at together.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Node {
    parent: u32,
    value: u32,
}

impl Tree {
    /// Empties the tree, makes room for `nodes`, and gives it a root, node 0,
    /// whose value is not part of any path.
    pub(super) fn reset(&mut self, nodes: usize) -> Result<(), Error> {
        self.nodes.clear();
        self.reserve(nodes)?;
        self.push(NONE, NONE);
        Ok(())
    }

    /// Makes room for `more` nodes, and for compaction when they are there.
    #[inline]
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), Error> {
        if self.moved.capacity().saturating_sub(self.len()) < more {
            self.grow(more)?;
        }
        Ok(())
    }

    #[cold]
    fn grow(&mut self, more: usize) -> Result<(), Error> {
        let length = self.len();
        let what = "the history of the beam";
        memory::reserve(&mut self.nodes, more, what)?;
        // `moved` comes last: its room stands for that of all.
        for array in [&mut self.children, &mut self.moved] {
            // What compaction holds beyond the nodes is of no use by now.
            array.truncate(length);
            let more = length + more - array.len();
            memory::reserve(array, more, what)?;
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn parent(&self, node: u32) -> u32 {
        self.nodes[node as usize].parent
    }

    pub(super) fn value(&self, node: u32) -> u32 {
        self.nodes[node as usize].value
    }

    pub(super) fn push(&mut self, parent: u32, value: u32) -> u32 {
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { parent, value });
        node
    }

    /// The number of values on the path to `node`.
    pub(super) fn depth(&self, mut node: u32) -> usize {
        let mut depth = 0;
        while self.parent(node) != NONE {
            node = self.parent(node);
            depth += 1;
        }
        depth
    }

    /// Writes the path to `node` into `out`, which is as long as it.
    pub(super) fn read_path(&self, mut node: u32, out: &mut [u32]) {
        for out in out.iter_mut().rev() {
            *out = self.value(node);
            node = self.parent(node);
        }
    }

    /// Drops every node that no live one descends from, and moves the root
    /// down to the last node that all live ones share; the values passed on
    /// the way are appended to `shared`.
    ///
    /// The nodes in `live` are renumbered in place; [`NONE`] among them stays.
    /// Linear in the number of nodes.
    pub(super) fn compact(&mut self, live: &mut [u32], shared: &mut Vec<u32>) {
        // A live node counts itself as a child, so that no root moves past it.
        self.children.clear();
        self.children.resize(self.len(), 0);
        self.moved.clear();
        self.moved.resize(self.len(), NONE);
        for &node in live.iter() {
            if node != NONE {
                self.children[node as usize] = 2;
            }
        }
        for node in (1..self.len()).rev() {
            if self.children[node] > 0 {
                let parent = self.nodes[node].parent as usize;
                self.children[parent] += 1;
                self.moved[parent] = node as u32;
            }
        }
        let mut root = 0;
        while self.children[root] == 1 {
            root = self.moved[root] as usize;
            shared.push(self.nodes[root].value);
        }
        self.moved[root] = 0;
        let mut kept = 1;
        // What lies before the root was its ancestor or is dropped.
        for node in root + 1..self.len() {
            if self.children[node] > 0 {
                let Node { parent, value } = self.nodes[node];
                let parent = self.moved[parent as usize];
                self.nodes[kept] = Node { parent, value };
                self.moved[node] = kept as u32;
                kept += 1;
            }
        }
        self.nodes[0].parent = NONE;
        self.nodes.truncate(kept);
        for node in live {
            if *node != NONE {
                *node = self.moved[*node as usize];
            }
        }
    }
}

/// A [`Tree`] of prefixes in which a child can be looked up by its token, and a
/// node's rank in the beam.
#[derive(Debug, Default)]
pub(super) struct PrefixTree {
    tree: Tree,
    /// The rank of each node in the last beam that it was in.
    ranks: Vec<u32>,
    /// Open addressing with linear probing: 1 + node, or 0. A power of two of
    /// slots, at most half of them in use.
    slots: Vec<u32>,
}

impl PrefixTree {
    /// [`Tree::reset`].
    pub(super) fn reset(&mut self, nodes: usize) -> Result<(), Error> {
        self.tree.reset(nodes)?;
        self.ranks.clear();
        self.slots.fill(0);
        self.reserve(nodes)?;
        self.ranks.push(NONE);
        Ok(())
    }

    /// Makes room for `more` nodes, and for compaction when they are there.
    #[inline]
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), Error> {
        self.tree.reserve(more)?;
        memory::reserve(&mut self.ranks, more, "the ranks of prefixes")?;
        let slots = (2 * (self.tree.len() + more)).next_power_of_two();
        if slots > self.slots.len() {
            resize(&mut self.slots, slots, "the table of prefixes")?;
            self.rehash();
        }
        Ok(())
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    pub(super) fn set_rank(&mut self, node: u32, rank: u32) {
        self.ranks[node as usize] = rank;
    }

    /// The rank of a node among the `prefixes` of the beam, or [`NONE`]; also
    /// for [`NONE`] in place of a node.
    #[inline(always)]
    pub(super) fn rank(&self, node: u32, prefixes: &[Prefix]) -> u32 {
        let rank = self.ranks.get(node as usize).copied().unwrap_or(NONE);
        match prefixes.get(rank as usize) {
            Some(prefix) if prefix.node == node => rank,
            _ => {
                mark!("a node of an earlier beam");
                NONE
            }
        }
    }

    /// The node of a prefix extended by `token`: the one it has, else a new
    /// one, for which there is room ([`PrefixTree::reserve`]).
    pub(super) fn child(&mut self, parent: u32, token: u32) -> u32 {
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
    pub(super) fn compact(&mut self, live: &mut [u32], shared: &mut Vec<u32>) {
        self.tree.compact(live, shared);
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
        let mut path = vec![0; tree.depth(node)];
        tree.read_path(node, &mut path);
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
        let beam = live.map(|node| Prefix {
            node,
            ..Prefix::default()
        });
        assert_eq!(live.map(|node| tree.rank(node, &beam)), [0, 1]);
        assert_eq!(tree.rank(live[1], &beam[..1]), NONE);
        assert_eq!(tree.rank(NONE, &beam), NONE);
        assert_eq!(tree.child(0, 2), live[0]);
        let fresh = tree.child(live[0], 2);
        assert_eq!(
            (path(tree.tree(), fresh), tree.rank(fresh, &beam)),
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
    fn room_for_nodes_is_room_for_compaction() {
        let mut tree = Tree::default();
        tree.reset(10).unwrap();
        for more in [1, 7, 100, 3] {
            tree.reserve(more).unwrap();
            let rooms = |tree: &Tree| {
                [
                    tree.nodes.capacity(),
                    tree.children.capacity(),
                    tree.moved.capacity(),
                ]
            };
            let before = rooms(&tree);
            assert!(before.iter().all(|&room| room >= tree.len() + more));
            let mut live = Vec::new();
            for value in 0..more as u32 {
                let node = tree.push(value / 2, value);
                live.push(node);
            }
            tree.compact(&mut live, &mut Vec::new());
            assert_eq!(rooms(&tree), before, "{more}");
        }
    }

    #[test]
    fn a_node_has_a_rank_only_in_the_beam_it_is_in() {
        let mut tree = empty();
        let nodes = [1, 2, 3].map(|token| tree.child(0, token));
        for (rank, &node) in (0..).zip(&nodes) {
            assert_eq!(tree.rank(node, &[]), NONE);
            tree.set_rank(node, rank);
        }
        let beam = |nodes: &[u32]| -> Vec<Prefix> {
            let prefix = |&node| Prefix {
                node,
                ..Prefix::default()
            };
            nodes.iter().map(prefix).collect()
        };
        let ranks = |nodes: [u32; 3], beam: &[Prefix]| nodes.map(|node| tree.rank(node, beam));
        assert_eq!(ranks(nodes, &beam(&nodes)), [0, 1, 2]);
        // Others are where two of them were.
        crate::marks::expect("a node of an earlier beam", || {
            let [a, b, _] = nodes;
            assert_eq!(ranks(nodes, &beam(&[b, a])), [NONE; 3]);
            assert_eq!(ranks(nodes, &beam(&[a, 9, 9])), [0, NONE, NONE]);
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

    #[test]
    fn impossible_alignments_hold_on_to_nothing() {
        let mut tree = Tree::default();
        tree.reset(8).unwrap();
        let a = tree.push(0, 5);
        let b = tree.push(a, 6);
        tree.push(b, 7);
        let (mut live, mut shared) = ([NONE, b, NONE], Vec::new());
        tree.compact(&mut live, &mut shared);
        assert_eq!(live, [NONE, 0, NONE]);
        assert_eq!((&shared[..], tree.len()), (&[5, 6][..], 1));
    }
}
