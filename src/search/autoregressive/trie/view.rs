//! A trie in its bytes.
//!
//! Bytes that change after they were checked, as those of a mapped file can, give other
//! tokens, but nothing is read out of bounds, and no walk is without an end: nodes that do not
//! lie behind their parent are none.

use std::ops::Range;

use super::bits::{Bits, CountedBits};
use super::layout::{Header, Layout};

/// The root of every trie.
pub(in super::super) const ROOT: u32 = 0;

/// The parts of a trie.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct TrieView<'a> {
    pub(super) nodes: u32,
    pub(super) tokens: Tokens<'a>,
    pub(super) ends: Bits<'a>,
    pub(super) parents: CountedBits<'a>,
    pub(super) lasts: CountedBits<'a>,
}

/// The token that leads to each node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tokens<'a> {
    Two(&'a [u8]),
    Four(&'a [u8]),
}

impl Tokens<'_> {
    /// Beyond the end there is none that a vocabulary has.
    pub(super) fn get(&self, node: u32) -> u32 {
        let at = node as usize;
        let found = match self {
            Tokens::Two(bytes) => {
                let bytes = bytes.get(2 * at..2 * at + 2);
                let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
                bytes.map(|bytes| u32::from(u16::from_le_bytes(bytes)))
            }
            Tokens::Four(bytes) => {
                let bytes = bytes.get(4 * at..4 * at + 4);
                let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
                bytes.map(u32::from_le_bytes)
            }
        };
        found.unwrap_or(u32::MAX)
    }
}

/// Appends little-endian numbers of so many bytes.
fn extend<const BYTES: usize>(
    tokens: &mut Vec<u32>,
    bytes: &[u8],
    nodes: Range<u32>,
    number: impl Fn([u8; BYTES]) -> u32,
) {
    let range = BYTES * nodes.start as usize..BYTES * nodes.end as usize;
    let numbers = bytes.get(range).unwrap_or_default().as_chunks().0;
    tokens.extend(numbers.iter().map(|&bytes| number(bytes)));
}

impl<'a> TrieView<'a> {
    /// The trie of a header and a layout; of bytes that are too few what is missing is empty.
    pub(super) fn new(header: &Header, layout: &Layout, bytes: &'a [u8]) -> Self {
        let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        let counted = |words, counts| CountedBits::new(Bits::new(part(words)), part(counts));
        let tokens = part(&layout.tokens);
        TrieView {
            nodes: header.nodes,
            tokens: match header.token_bytes {
                2 => Tokens::Two(tokens),
                _ => Tokens::Four(tokens),
            },
            ends: Bits::new(part(&layout.ends)),
            parents: counted(&layout.parents, &layout.parent_counts),
            lasts: counted(&layout.lasts, &layout.last_counts),
        }
    }

    /// Whether a sequence ends at a node.
    pub(in super::super) fn is_end(&self, node: u32) -> bool {
        self.ends.get(node)
    }

    /// Whether a node has children.
    pub(in super::super) fn has_children(&self, node: u32) -> bool {
        self.parents.bits.get(node)
    }

    /// Whether one of some neighbouring nodes has children. O(1).
    pub(in super::super) fn have_children(&self, nodes: &Range<u32>) -> bool {
        let Some(last) = nodes.end.checked_sub(1).filter(|last| *last >= nodes.start) else {
            return false;
        };
        self.has_children(last) || self.parents.rank(last) != self.parents.rank(nodes.start)
    }

    /// The children of a node. O(log of nodes + children / 64).
    pub(in super::super) fn children(&self, node: u32) -> Range<u32> {
        let none = 0..0;
        if !self.has_children(node) {
            return none;
        }
        let start = match self.parents.rank(node).checked_sub(1) {
            None => Some(1),
            Some(before) => self.lasts.select(before).map(|last| last + 1),
        };
        let Some(start) = start.filter(|&start| start > node) else {
            return none;
        };
        match self.lasts.bits.next(start) {
            Some(last) if last < self.nodes => start..last + 1,
            _ => none,
        }
    }

    /// The nodes of 0 tokens, of one, and so on. O(log of nodes) each.
    fn levels(self) -> impl Iterator<Item = Range<u32>> + 'a {
        std::iter::successors(Some(ROOT..ROOT + 1), move |level| {
            if level.end >= self.nodes {
                return None;
            }
            // Runs of children follow each other as their parents do.
            let last = self.parents.rank(level.end).checked_sub(1)?;
            let end = self.lasts.select(last)? + 1;
            (level.end < end && end <= self.nodes).then_some(level.end..end)
        })
    }

    /// How many tokens come at least before one of some end tokens, which may follow a sequence
    /// or be in one; if these are fewer than `most`, then as if none were in a sequence.
    pub(in super::super) fn earliest_end(&self, end_tokens: &[u32], most: usize) -> usize {
        let first = self.ends.next(ROOT).unwrap_or(u32::MAX);
        let shortest = self.levels().take(most).position(|level| first < level.end);
        if let Some(shortest) = shortest {
            return shortest;
        }
        let is_end = |token: u32| end_tokens.binary_search(&token).is_ok();
        let mut levels = self.levels().skip(1).take(most);
        let within = levels.position(|level| self.tokens(level).any(is_end));
        within.unwrap_or(most)
    }

    /// The tokens that lead to nodes.
    pub(in super::super) fn tokens(self, nodes: Range<u32>) -> impl Iterator<Item = u32> + 'a {
        nodes.map(move |node| self.tokens.get(node))
    }

    /// Appends the tokens that lead to nodes.
    pub(in super::super) fn extend_tokens(&self, nodes: Range<u32>, tokens: &mut Vec<u32>) {
        match self.tokens {
            Tokens::Two(bytes) => {
                extend(tokens, bytes, nodes, |bytes| {
                    u16::from_le_bytes(bytes).into()
                });
            }
            Tokens::Four(bytes) => extend(tokens, bytes, nodes, u32::from_le_bytes),
        }
    }

    /// The child of a node that a token leads to. O(log of nodes).
    pub(in super::super) fn child(&self, node: u32, token: u32) -> Option<u32> {
        let Range { mut start, mut end } = self.children(node);
        while start < end {
            let middle = start + (end - start) / 2;
            match self.tokens.get(middle).cmp(&token) {
                std::cmp::Ordering::Less => start = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => end = middle,
            }
        }
        None
    }
}
