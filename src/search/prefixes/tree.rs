//! Trees of which only the paths to some live leaves matter, in flat arrays.

use crate::error::Error;
use crate::memory;

/// In place of a node: there is none.
pub(crate) const NONE: u32 = u32::MAX;

/// A tree of values; the path from its root to a node spells a sequence.
///
/// Nodes are only ever appended, so a parent's index is below its children's.
/// Memory is reclaimed by [`Tree::compact`], which leaves the nodes that some
/// live node descends from.
#[derive(Clone, Debug)]
pub(crate) struct Tree<V = u32> {
    pub(super) nodes: Vec<Node<V>>,
    /// Of each node, during compaction: how many kept children it has.
    children: Vec<u32>,
    /// Of each node that is kept, during compaction: its new index.
    moved: Vec<u32>,
}

/// Side by side, because they are looked at together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node<V> {
    pub(super) parent: u32,
    pub(super) value: V,
}

impl<V> Default for Tree<V> {
    fn default() -> Self {
        Tree {
            nodes: Vec::new(),
            children: Vec::new(),
            moved: Vec::new(),
        }
    }
}

impl<V: Copy + Default> Tree<V> {
    /// Bytes that each node takes, compaction included.
    pub(crate) const BYTES_A_NODE: usize = size_of::<Node<V>>() + 2 * size_of::<u32>();

    /// Empties the tree, makes room for `nodes`, and gives it a root, node 0,
    /// whose value is not part of any path.
    pub(crate) fn reset(&mut self, nodes: usize) -> Result<(), Error> {
        self.nodes.clear();
        self.reserve(nodes)?;
        self.push(NONE, V::default());
        Ok(())
    }

    /// Makes room for `more` nodes, and for compaction when they are there.
    #[inline]
    pub(crate) fn reserve(&mut self, more: usize) -> Result<(), Error> {
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

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn parent(&self, node: u32) -> u32 {
        self.nodes[node as usize].parent
    }

    pub(crate) fn value(&self, node: u32) -> V {
        self.nodes[node as usize].value
    }

    pub(crate) fn push(&mut self, parent: u32, value: V) -> u32 {
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { parent, value });
        node
    }

    /// The number of values on the path to `node`.
    pub(crate) fn depth(&self, mut node: u32) -> usize {
        let mut depth = 0;
        while self.parent(node) != NONE {
            node = self.parent(node);
            depth += 1;
        }
        depth
    }

    /// The values on the path to `node`, the last first.
    #[inline]
    pub(crate) fn path_back(&self, mut node: u32) -> impl Iterator<Item = V> {
        std::iter::from_fn(move || {
            let Node { parent, value } = *self.nodes.get(node as usize)?;
            node = parent;
            (parent != NONE).then_some(value)
        })
    }

    /// Drops every node that no live one descends from, and moves the root
    /// down to the last node that all live ones share; the values passed on
    /// the way are handed to `share`, in order.
    ///
    /// The nodes in `live` are renumbered in place; [`NONE`] among them stays.
    /// Linear in the number of nodes.
    pub(crate) fn compact(&mut self, live: &mut [u32], mut share: impl FnMut(V)) {
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
        // Which nodes are kept follows no pattern, so no branch depends on it.
        for node in (1..self.len()).rev() {
            let parent = self.nodes[node].parent as usize;
            self.children[parent] += u32::from(self.children[node] > 0);
        }
        let mut root = 0;
        while self.children[root] == 1 {
            // What is kept after it descends from it, the next one directly.
            root += 1;
            while self.children[root] == 0 {
                root += 1;
            }
            share(self.nodes[root].value);
        }
        self.moved[root] = 0;
        let mut kept = 1;
        // What lies before the root was its ancestor or is dropped.
        for node in root + 1..self.len() {
            let Node { parent, value } = self.nodes[node];
            let parent = self.moved[parent as usize];
            self.nodes[kept] = Node { parent, value };
            self.moved[node] = kept as u32;
            kept += usize::from(self.children[node] > 0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_nodes_is_room_for_compaction() {
        let mut tree: Tree = Tree::default();
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
            tree.compact(&mut live, |_| {});
            assert_eq!(rooms(&tree), before, "{more}");
        }
    }

    #[test]
    fn impossible_alignments_hold_on_to_nothing() {
        let mut tree: Tree = Tree::default();
        tree.reset(8).unwrap();
        let a = tree.push(0, 5);
        let b = tree.push(a, 6);
        tree.push(b, 7);
        let (mut live, mut shared) = ([NONE, b, NONE], Vec::new());
        tree.compact(&mut live, |value| shared.push(value));
        assert_eq!(live, [NONE, 0, NONE]);
        assert_eq!((&shared[..], tree.len()), (&[5, 6][..], 1));
    }
}
