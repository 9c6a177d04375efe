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
            // It was in an earlier beam.
            _ => NONE,
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
                return node;
            }
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
        let mut child = |token| {
            tree.reserve(1).unwrap();
            tree.child(0, token)
        };
        let nodes: Vec<u32> = (0..5000).map(&mut child).collect();
        for (token, &node) in nodes.iter().enumerate() {
            assert_eq!(child(token as u32), node);
        }
        assert_eq!(tree.len(), 5001);
    }
}
