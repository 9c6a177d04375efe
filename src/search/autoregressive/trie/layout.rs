//! Where the parts of a trie lie in its bytes.
//!
//! Nodes are numbered breadth first, the root is node 0, and the children of a node lie side
//! by side. All numbers are little-endian; each part begins at a multiple of 8 bytes:
//!
//! | part | bytes |
//! |---|---|
//! | the name of the format | 8 |
//! | the number of nodes, of nodes with children, of sequences; the bytes of a token (2 or 4); the largest token, or 0 | 4 each |
//! | 0 | 4 |
//! | the token that leads to each node; 0 for the root | 2 or 4 each |
//! | whether a sequence ends at each node | 1 bit each, in words of 8 |
//! | whether it has children | the same |
//! | how many of the nodes before each 512 have children | 4 each |
//! | whether it is the last child of its parent | 1 bit each, in words of 8 |
//! | how many of the nodes before each 512 are last children | 4 each |
//!
//! The children of the k-th node that has any are the k-th such run of nodes, from node 1 on
//! (Jacobson 1989, "Space-efficient static trees and graphs").

use std::ops::Range;

use super::bits::BLOCK;

/// What the bytes begin with.
pub(super) const MAGIC: [u8; 8] = *b"wbtrie1\n";

/// Bytes before the first part.
pub(super) const HEADER: usize = 32;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) nodes: u32,
    /// Nodes that have children.
    pub(super) parents: u32,
    /// Nodes at which a sequence ends.
    pub(super) sequences: u32,
    /// Bytes of a token.
    pub(super) token_bytes: u32,
    /// The largest token; 0 if there is none.
    pub(super) largest: u32,
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        for (bytes, number) in bytes[8..].chunks_exact_mut(4).zip(self.numbers()) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn numbers(&self) -> [u32; 6] {
        let Header {
            nodes,
            parents,
            sequences,
            token_bytes,
            largest,
        } = *self;
        [nodes, parents, sequences, token_bytes, largest, 0]
    }

    /// The header at the front of bytes of which there are enough.
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let mut numbers = bytes.get(8..HEADER)?.chunks_exact(4);
        let mut next = || Some(u32::from_le_bytes(numbers.next()?.try_into().ok()?));
        Some(Header {
            nodes: next()?,
            parents: next()?,
            sequences: next()?,
            token_bytes: next()?,
            largest: next()?,
        })
    }

    pub(super) fn layout(&self) -> Layout {
        let nodes = self.nodes as usize;
        let mut end = HEADER;
        let mut part = |bytes: usize| {
            let start = end;
            // What no memory holds is as long as no bytes are.
            let stop = start.saturating_add(bytes);
            end = stop.checked_next_multiple_of(8).unwrap_or(usize::MAX);
            start..stop
        };
        let (words, counts) = (nodes.div_ceil(64) * 8, nodes.div_ceil(BLOCK) * 4);
        Layout {
            tokens: part(nodes.saturating_mul(self.token_bytes as usize)),
            ends: part(words),
            parents: part(words),
            parent_counts: part(counts),
            lasts: part(words),
            last_counts: part(counts),
            bytes: end,
        }
    }
}

/// Where each part lies.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) tokens: Range<usize>,
    pub(super) ends: Range<usize>,
    pub(super) parents: Range<usize>,
    pub(super) parent_counts: Range<usize>,
    pub(super) lasts: Range<usize>,
    pub(super) last_counts: Range<usize>,
    /// All bytes.
    pub(super) bytes: usize,
}
