//! A trie from sequences.

use super::bits::BLOCK;
use super::layout::{HEADER, Header};

/// The bytes of a trie of sequences.
///
/// Nodes of one depth are the different beginnings of that length, in the order of the sorted
/// sequences; so each depth is one pass over the sequences that are as long.
///
/// # Panics
///
/// If there are 2^32 - 1 nodes or more.
pub(super) fn build<S: AsRef<[u32]>>(sequences: &mut Vec<S>) -> Vec<u8> {
    sequences.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
    sequences.dedup_by(|a, b| a.as_ref() == b.as_ref());
    let shared = shared_beginnings(sequences);
    let sequence = |at: u32| sequences[at as usize].as_ref();
    let length = |at: u32| sequence(at).len();

    let mut parts = Parts::default();
    let first = sequences.first();
    let has_empty = first.is_some_and(|first| first.as_ref().is_empty());
    parts.push(0, has_empty, sequences.len() > usize::from(has_empty));
    // Those at least as long as the depth.
    let mut long: Vec<u32> = (0..sequences.len() as u32).collect();
    for depth in 1.. {
        long.retain(|&at| length(at) >= depth);
        if long.is_empty() {
            break;
        }
        for &at in &long {
            let before = shared[at as usize] as usize;
            if before >= depth {
                continue;
            }
            // The sequence before is the parent's own, or begins otherwise.
            let is_first = at == 0 || before + 1 < depth || length(at - 1) < depth;
            if is_first && parts.nodes > 1 {
                parts.end_run();
            }
            let is_end = length(at) == depth;
            let goes_on = shared.get(at as usize + 1);
            let goes_on = goes_on.is_some_and(|&shared| shared as usize >= depth);
            parts.push(sequence(at)[depth - 1], is_end, !is_end || goes_on);
        }
    }
    if parts.nodes > 1 {
        parts.end_run();
    }
    parts.into_bytes()
}

/// How many tokens each sequence and the one before begin with together; 0 for the first.
fn shared_beginnings<S: AsRef<[u32]>>(sequences: &[S]) -> Vec<u32> {
    let pairs = sequences.windows(2).map(|pair| {
        let both = pair[0].as_ref().iter().zip(pair[1].as_ref());
        both.take_while(|(a, b)| a == b).count() as u32
    });
    let first = sequences.first().map(|_| 0);
    first.into_iter().chain(pairs).collect()
}

/// The parts of a trie while it grows by one node after the other.
#[derive(Default)]
struct Parts {
    nodes: u32,
    tokens: Vec<u32>,
    ends: Vec<u64>,
    parents: Vec<u64>,
    lasts: Vec<u64>,
}

impl Parts {
    fn push(&mut self, token: u32, is_end: bool, has_children: bool) {
        let (word, bit) = (self.nodes as usize / 64, self.nodes % 64);
        if word == self.ends.len() {
            for bits in [&mut self.ends, &mut self.parents, &mut self.lasts] {
                bits.push(0);
            }
        }
        self.ends[word] |= u64::from(is_end) << bit;
        self.parents[word] |= u64::from(has_children) << bit;
        self.tokens.push(token);
        self.nodes += 1;
        assert!(self.nodes < u32::MAX, "a trie of 2^32 - 1 nodes");
    }

    /// The node pushed last is the last child of its parent.
    fn end_run(&mut self) {
        let last = self.nodes - 1;
        self.lasts[last as usize / 64] |= 1 << (last % 64);
    }

    fn into_bytes(self) -> Vec<u8> {
        let count = |bits: &[u64]| bits.iter().map(|word| word.count_ones()).sum();
        let largest = self.tokens.iter().copied().max().unwrap_or(0);
        let header = Header {
            nodes: self.nodes,
            parents: count(&self.parents),
            sequences: count(&self.ends),
            token_bytes: if largest <= u32::from(u16::MAX) { 2 } else { 4 },
            largest,
        };
        let mut bytes = Vec::with_capacity(header.layout().bytes);
        bytes.extend(header.to_bytes());
        debug_assert_eq!(bytes.len(), HEADER);
        for token in self.tokens {
            bytes.extend_from_slice(&token.to_le_bytes()[..header.token_bytes as usize]);
        }
        pad(&mut bytes);
        push_words(&mut bytes, &self.ends);
        for bits in [&self.parents, &self.lasts] {
            push_words(&mut bytes, bits);
            let mut before = 0u32;
            for block in bits.chunks(BLOCK / 64) {
                bytes.extend(before.to_le_bytes());
                before += block.iter().map(|word| word.count_ones()).sum::<u32>();
            }
            pad(&mut bytes);
        }
        bytes
    }
}

fn push_words(bytes: &mut Vec<u8>, words: &[u64]) {
    words
        .iter()
        .for_each(|word| bytes.extend(word.to_le_bytes()));
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}
