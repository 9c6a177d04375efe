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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::hash::BuildHasher;

    #[test]
    fn a_trie_numbers_its_nodes_in_order_of_insertion() {
        let mut trie = Trie::default();
        assert_eq!((trie.len(), trie.edges()), (1, vec![]));
        let mut expected: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        let mut bits = 7u32;
        for _ in 0..2000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let node = (bits >> 8) % trie.len() as u32;
            let symbol = [0, 1, 2, u32::MAX, bits][bits as usize >> 29 & 3];
            let new = expected.len() as u32 + 1;
            let known = expected.get(&(node, symbol)).copied();
            assert_eq!(trie.child(node, symbol), known);
            let child = *expected.entry((node, symbol)).or_insert(new);
            assert_eq!(trie.insert(node, symbol), child);
            assert_eq!(trie.child(node, symbol), Some(child));
            assert_eq!(trie.len(), expected.len() + 1);
        }
        let edges = expected
            .iter()
            .map(|(&(node, symbol), &child)| (node, symbol, child));
        let mut edges: Vec<_> = edges.collect();
        edges.sort_by_key(|&(.., child)| child);
        assert_eq!(trie.edges(), edges);
        assert!(edges.len() > 500 && edges.iter().all(|&(node, _, child)| node < child));
    }

    /// The map takes its buckets from the lowest bits and compares the highest.
    #[test]
    fn hashes_of_a_tries_keys_are_spread_in_their_lowest_and_highest_bits() {
        let hash = |key: u64| BuildHasherDefault::<Mix>::default().hash_one(key);
        // The first symbols of a few nodes, one symbol of many nodes, a chain.
        let few: Vec<u64> = (0..16 * 256).map(|i| key(i / 256, i % 256)).collect();
        let one: Vec<u64> = (0..4096).map(|i| key(i, 3)).collect();
        let strided: Vec<u64> = (0..4096).map(|i| key(i, 1024 * i)).collect();
        let chain: Vec<u64> = (0..4096).map(|i| key(i, i)).collect();
        for keys in [few, one, strided, chain] {
            let hashes: BTreeSet<u64> = keys.iter().map(|&key| hash(key)).collect();
            assert_eq!(hashes.len(), keys.len());
            for bits in [|hash: u64| hash & 0xfff, |hash: u64| hash >> 52] {
                let mut buckets = [0; 4096];
                for &key in &keys {
                    buckets[bits(hash(key)) as usize] += 1;
                }
                // Random hashes would have 7 or so at the most, and fill 63 %.
                assert!(buckets.iter().all(|&count| count <= 12));
                assert!(buckets.iter().filter(|&&count| count > 0).count() > 2000);
            }
        }
        // As bytes too, one after another.
        let of = |bytes: &[u8]| {
            let mut mix = Mix::default();
            mix.write(bytes);
            mix.finish()
        };
        assert_ne!(of(&[1, 2]), of(&[2, 1]));
        assert_ne!(of(&[1]), of(&[]));
    }
}
