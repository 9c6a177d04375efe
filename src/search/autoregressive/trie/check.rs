//! Whether bytes are a trie: every number in them, before any is used.

use super::bits::{BLOCK, Bits, CountedBits};
use super::layout::{HEADER, Header, Layout, MAGIC};
use super::view::TrieView;
use crate::error::{Error, Kind};

/// The header and the layout of bytes that are a trie. O(bytes).
///
/// # Errors
///
/// If they are none: at which byte, and why.
pub(super) fn check(bytes: &[u8]) -> Result<(Header, Layout), Error> {
    if bytes.get(..MAGIC.len()) != Some(&MAGIC) {
        return refuse(0, "it does not begin like a trie of this version");
    }
    let Some(header) = Header::read(bytes) else {
        return refuse(
            bytes.len(),
            format!("the header of {HEADER} bytes is cut off"),
        );
    };
    let Header {
        nodes, token_bytes, ..
    } = header;
    if nodes == 0 || nodes == u32::MAX {
        return refuse(
            8,
            format!("{nodes} nodes; there are at least 1 and at most 2^32 - 2"),
        );
    }
    if !matches!(token_bytes, 2 | 4) {
        return refuse(
            20,
            format!("tokens of {token_bytes} bytes; they have 2 or 4"),
        );
    }
    let layout = header.layout();
    if bytes.len() != layout.bytes {
        let (given, needed) = (bytes.len(), layout.bytes);
        let why = format!("{given} bytes in all; {nodes} nodes take {needed}");
        return refuse(given.min(needed), why);
    }
    let view = TrieView::new(&header, &layout, bytes);
    check_counts(view.parents, header.parents, layout.parents.start, nodes)?;
    check_counts(view.lasts, header.parents, layout.lasts.start, nodes)?;
    check_ends(&view, &header, layout.ends.start)?;
    check_runs(&view, &layout)?;
    check_tokens(&view, &header, &layout)?;
    Ok((header, layout))
}

fn refuse<T>(offset: usize, what: impl Into<String>) -> Result<T, Error> {
    let (offset, what) = (offset as u64, what.into());
    Err(Kind::TrieBytes { offset, what }.into())
}

/// A directory says what it should, and no bit is set beyond the nodes.
fn check_counts(bits: CountedBits<'_>, all: u32, start: usize, nodes: u32) -> Result<(), Error> {
    let mut count = 0;
    for (index, word) in bits.bits.words().enumerate() {
        let block = index / (BLOCK / 64);
        let listed = bits.before_block(block);
        if index % (BLOCK / 64) == 0 && listed != count {
            let why = format!("{count} bits are set before block {block}; {listed} are listed");
            return refuse(start + 8 * index, why);
        }
        count = word.count_ones().saturating_add(count);
    }
    check_end(bits.bits, start, nodes)?;
    match count == all {
        true => Ok(()),
        false => refuse(
            start,
            format!("{count} bits are set; the header says {all}"),
        ),
    }
}

fn check_end(bits: Bits<'_>, start: usize, nodes: u32) -> Result<(), Error> {
    match bits.next(nodes) {
        None => Ok(()),
        Some(bit) => refuse(
            start + bit as usize / 8,
            format!("a bit of node {bit} of {nodes} is set"),
        ),
    }
}

/// A sequence ends at every node without children, but for a root alone.
fn check_ends(view: &TrieView<'_>, header: &Header, start: usize) -> Result<(), Error> {
    check_end(view.ends, start, header.nodes)?;
    let (mut sequences, mut left) = (0, header.nodes);
    for (index, (ends, parents)) in view.ends.words().zip(view.parents.bits.words()).enumerate() {
        sequences += ends.count_ones();
        let nodes = match left {
            0..64 => !(u64::MAX << left),
            _ => u64::MAX,
        };
        left = left.saturating_sub(64);
        let neither = nodes & !(ends | parents);
        if neither != 0 && header.nodes > 1 {
            let node = 64 * index + neither.trailing_zeros() as usize;
            let why = format!("node {node} has no children, and no sequence ends there");
            return refuse(start + node / 8, why);
        }
    }
    match sequences == header.sequences {
        true => Ok(()),
        false => {
            let said = header.sequences;
            refuse(
                start,
                format!("{sequences} sequences; the header says {said}"),
            )
        }
    }
}

/// Each run of children lies behind its parent, and the runs are all nodes but the root.
fn check_runs(view: &TrieView<'_>, layout: &Layout) -> Result<(), Error> {
    let (lasts, parents) = (view.lasts.bits, view.parents.bits);
    let at = |node: u32| layout.lasts.start + node as usize / 8;
    if lasts.get(0) {
        return refuse(at(0), "the root is no child");
    }
    if view.nodes > 1 && !lasts.get(view.nodes - 1) {
        return refuse(at(view.nodes - 1), "the last node is a last child");
    }
    // There are as many runs as parents: the counts have been compared.
    let mut first = 1;
    for (index, mut word) in parents.words().enumerate() {
        while word != 0 {
            let parent = 64 * index as u32 + word.trailing_zeros();
            word &= word - 1;
            let last = lasts.next(first);
            let Some(last) = last.filter(|_| first > parent) else {
                let why = format!("the children of node {parent} begin at node {first}");
                return refuse(at(first), why);
            };
            first = last + 1;
        }
    }
    Ok(())
}

/// The tokens of the children of a node ascend, and none is above the largest.
fn check_tokens(view: &TrieView<'_>, header: &Header, layout: &Layout) -> Result<(), Error> {
    let at = |node: u32| layout.tokens.start + node as usize * header.token_bytes as usize;
    if view.tokens.get(0) != 0 {
        return refuse(at(0), "the token of the root is 0");
    }
    let (mut largest, mut before, mut begins) = (0, 0, true);
    for (index, word) in view.lasts.bits.words().enumerate() {
        let nodes = 64 * index as u32..view.nodes.min(64u32.saturating_mul(index as u32 + 1));
        for node in nodes.filter(|&node| node > 0) {
            let token = view.tokens.get(node);
            if token <= before && !begins {
                let why = format!("token {token} of node {node} is not above {before} before it");
                return refuse(at(node), why);
            }
            largest = largest.max(token);
            before = token;
            begins = word >> (node % 64) & 1 == 1;
        }
    }
    match largest == header.largest {
        true => Ok(()),
        false => {
            let said = header.largest;
            refuse(
                24,
                format!("the largest token is {largest}; the header says {said}"),
            )
        }
    }
}
