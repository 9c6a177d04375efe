//! Which tokens end at each byte of a text.

use crate::error::Error;
use crate::memory::resize;
use crate::scorers::trie::{ROOT, Trie};

const WHAT: &str = "the ends of spellings";

/// An automaton of Aho and Corasick ("Efficient string matching: an aid to bibliographic
/// search", 1975) over the spellings of tokens: it reads a text once, where to try each token at
/// each byte takes the product of their lengths, for a text and a token that repeat themselves.
#[derive(Clone, Debug)]
pub(super) struct Endings {
    trie: Trie<u8>,
    nodes: Vec<Node>,
}

/// What is known of a node of the trie.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// The number of bytes to it.
    depth: usize,
    /// The node of its longest proper suffix in the trie.
    suffix: u32,
    /// The longest token that is a suffix of it or itself; the root if none is.
    token: u32,
}

impl Endings {
    /// Of a trie of spellings, and which of its nodes are `whole` ones.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn new(trie: Trie<u8>, whole: &[bool]) -> Result<Self, Error> {
        let mut nodes = Vec::new();
        resize(&mut nodes, trie.len(), WHAT)?;
        let mut endings = Endings { trie, nodes };
        // A suffix is less deep, so it is done before.
        for parent in 0..endings.trie.len() as u32 {
            for child in endings.trie.children(parent) {
                let Node { depth, suffix, .. } = endings.nodes[parent as usize];
                let suffix = match parent {
                    ROOT => ROOT,
                    _ => endings.next(suffix, endings.trie.symbol(child)),
                };
                let token = match whole[child as usize] {
                    true => child,
                    false => endings.nodes[suffix as usize].token,
                };
                endings.nodes[child as usize] = Node {
                    depth: depth + 1,
                    suffix,
                    token,
                };
            }
        }
        Ok(endings)
    }

    /// The node after one more byte.
    pub(super) fn next(&self, mut node: u32, byte: u8) -> u32 {
        loop {
            match self.trie.child(node, byte) {
                Some(child) => return child,
                None if node == ROOT => return ROOT,
                None => node = self.nodes[node as usize].suffix,
            }
        }
    }

    /// The lengths of the tokens that end where a text has led to a node, the longest first.
    pub(super) fn tokens(&self, node: u32) -> impl Iterator<Item = usize> {
        let mut node = self.nodes[node as usize].token;
        std::iter::from_fn(move || {
            let Node { depth, suffix, .. } = self.nodes[node as usize];
            if node == ROOT {
                return None;
            }
            node = self.nodes[suffix as usize].token;
            Some(depth)
        })
    }

    /// The lengths of the ends of a text that begin a token, where it has led to a node: the
    /// longest first, without the empty one. With `before_space` a space must follow there in
    /// a token.
    pub(super) fn begun(&self, mut node: u32, before_space: bool) -> impl Iterator<Item = usize> {
        std::iter::from_fn(move || {
            while node != ROOT {
                let here = node;
                let Node { depth, suffix, .. } = self.nodes[here as usize];
                node = suffix;
                if !before_space || self.trie.child(here, b' ').is_some() {
                    return Some(depth);
                }
            }
            None
        })
    }
}
