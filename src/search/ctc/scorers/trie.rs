//! A trie over numbers, by hashing.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The root of every [`Trie`].
pub(super) const ROOT: u32 = 0;

/// Nodes are numbered in order of insertion, so a parent comes before its
/// children.
#[derive(Clone, Debug, Default)]
pub(super) struct Trie {
    children: HashMap<u64, u32, BuildHasherDefault<Mix>>,
    nodes: u32,
}

impl Trie {
    /// The number of nodes, the root included.
    pub(super) fn len(&self) -> usize {
        self.nodes as usize + 1
    }

    pub(super) fn child(&self, node: u32, symbol: u32) -> Option<u32> {
        self.children.get(&key(node, symbol)).copied()
    }

    /// The child of a node, made if there is none.
    pub(super) fn insert(&mut self, node: u32, symbol: u32) -> u32 {
        let new = self.nodes + 1;
        let child = *self.children.entry(key(node, symbol)).or_insert(new);
        self.nodes = self.nodes.max(child);
        child
    }

    /// Every edge: parent, symbol and child, by child.
    pub(super) fn edges(&self) -> Vec<(u32, u32, u32)> {
        let edge = |(&key, &child): (&u64, &u32)| ((key >> 32) as u32, key as u32, child);
        let mut edges: Vec<_> = self.children.iter().map(edge).collect();
        edges.sort_unstable_by_key(|&(_, _, child)| child);
        edges
    }
}

fn key(node: u32, symbol: u32) -> u64 {
    u64::from(node) << 32 | u64::from(symbol)
}

/// Fibonacci hashing of one u64; keys are made here, so nobody can choose them
/// to collide.
#[derive(Clone, Copy, Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        let mixed = (self.0 ^ key ^ key >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}
