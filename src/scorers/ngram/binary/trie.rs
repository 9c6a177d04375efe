//! N-grams in a trie whose nodes are packed to the bit.
//!
//! ```text
//! [bins]     of quantised tries: weights.rs
//! unigrams   by id: log-probability, back-off, the first of its bigrams
//! middle     of each order, sorted by parent and word:
//!            [offsets of pointers: pointers.rs], then entries of: word, weights, pointer
//! longest    the same without pointers
//! ```
//!
//! An n-gram is found from its last word: the children of a node are the n-grams with one
//! more word at their start. They are the entries from its pointer up to that of the next
//! node, so every table that has pointers has one entry more than n-grams.

use std::ops::Range;

use super::super::search::{Found, Search};
use super::header::Header;
use super::ngrams::Ngrams;
use super::packed::{Children, Packed};
use super::pointers::Pointers;
use super::read::{Cursor, error_at, u64_at, u64s_at};
use super::vocab::Vocab;
use super::weights::Weights;
use crate::error::Error;

/// The bytes of a unigram.
const UNIGRAM: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Trie<W, P> {
    unigrams: Range<usize>,
    middle: Vec<Middle<W, P>>,
    longest: Longest<W>,
}

#[derive(Clone, Debug)]
struct Middle<W, P> {
    entries: Packed,
    weights: W,
    pointers: P,
}

#[derive(Clone, Debug)]
struct Longest<W> {
    entries: Packed,
    weights: W,
}

impl<W: Weights, P: Pointers> Trie<W, P> {
    /// That the last pointer of each order is the number of n-grams of the next.
    fn check_ends(&self, counts: &[u64], cursor: &Cursor<'_>) -> Result<(), Error> {
        let wrong = |found: u64, n: usize, range: &Range<usize>| {
            let what = format!(
                "the last pointer should be {}, the number of {n}-grams, not {found}",
                counts[n - 1]
            );
            Err(error_at(range.start, what))
        };
        let unigrams = cursor.part(&self.unigrams);
        let last = (counts[0] as usize) * UNIGRAM + 8;
        match u64_at(unigrams, last).unwrap_or_default() {
            found if found == counts[1] => {}
            found => return wrong(found, 2, &self.unigrams),
        }
        for (level, middle) in self.middle.iter().enumerate() {
            let n = level + 2;
            let entries = cursor.part(&middle.entries.range);
            let entry = counts[n - 1] - u64::from(counts[n - 1] > 0);
            if counts[n - 1] == 0 {
                continue;
            }
            let bit = middle.entries.after_word(entry) + u64::from(middle.weights.middle_bits());
            let size = middle.entries.bits;
            let children = middle
                .pointers
                .children(cursor.bytes(), entries, entry, bit, size);
            if children.end != counts[n] {
                return wrong(children.end, n + 1, &middle.entries.range);
            }
        }
        Ok(())
    }
}

impl<W: Weights, P: Pointers> Ngrams for Trie<W, P> {
    type In<'a> = In<'a, W, P>;

    fn vocab(header: &Header, cursor: &mut Cursor<'_>) -> Result<Vocab, Error> {
        Vocab::sorted(header, cursor)
    }

    fn read(header: &Header, cursor: &mut Cursor<'_>) -> Result<Self, Error> {
        let counts = &header.counts;
        let order = counts.len();
        let (weights, last) = W::read(order, cursor)?;
        // One more than counted, for an unknown word that is not, and the last pointer.
        let unigrams = cursor.take(counts[0] + 2, UNIGRAM as u64, "the 1-grams")?;
        let mut array_bits = None;
        let mut middle = Vec::with_capacity(order - 2);
        let packed = |n: usize, other_bits, cursor: &mut Cursor<'_>| {
            let what = format!("the {n}-grams");
            Packed::take(counts[n - 1], counts[0], other_bits, cursor, &what)
        };
        for (n, weights) in (2..order).zip(weights) {
            let pointers = P::read(counts[n - 1], counts[n], &mut array_bits, cursor)?;
            let bits = weights.middle_bits() + pointers.bits();
            middle.push(Middle {
                entries: packed(n, bits, cursor)?,
                weights,
                pointers,
            });
        }
        let longest = Longest {
            entries: packed(order, last.longest_bits(), cursor)?,
            weights: last,
        };
        let trie = Trie {
            unigrams,
            middle,
            longest,
        };
        trie.check_ends(counts, cursor)?;
        Ok(trie)
    }

    #[inline(always)]
    fn of<'a>(&'a self, bytes: &'a [u8]) -> In<'a, W, P> {
        In { trie: self, bytes }
    }
}

/// The trie in its file.
pub(super) struct In<'a, W, P> {
    trie: &'a Trie<W, P>,
    bytes: &'a [u8],
}

impl<W: Weights, P: Pointers> Search for In<'_, W, P> {
    type Node = Children;

    #[inline(always)]
    fn unigram(&self, word: u32, _: &[u32]) -> (Found, Children) {
        // The word is one of the model's, so it and the next are in the table.
        let at = self.trie.unigrams.start + word as usize * UNIGRAM;
        let [weights, begin, _, end] = u64s_at(self.bytes, at).unwrap_or_default();
        let found = Found {
            probability: f32::from_bits(weights as u32),
            backoff: f32::from_bits((weights >> 32) as u32),
            goes_on: begin != end,
        };
        (found, Children { begin, end })
    }

    #[inline(always)]
    fn middle(&self, matched: usize, context: &[u32], node: Children) -> Option<(Found, Children)> {
        let Middle {
            entries,
            weights,
            pointers,
        } = self.trie.middle.get(matched)?;
        let table = self.bytes.get(entries.range.clone())?;
        let entry = entries.find(table, *context.get(matched)?, node)?;
        let bit = entries.after_word(entry);
        let (probability, backoff) = weights.middle(self.bytes, table, bit);
        let children = match matched + 1 < context.len() {
            true => {
                let bit = bit + u64::from(weights.middle_bits());
                pointers.children(self.bytes, table, entry, bit, entries.bits)
            }
            false => Children { begin: 0, end: 0 },
        };
        let found = Found {
            probability,
            backoff,
            goes_on: children.begin != children.end,
        };
        Some((found, children))
    }

    #[inline(always)]
    fn longest(&self, matched: usize, context: &[u32], node: Children) -> Option<f32> {
        let Longest { entries, weights } = &self.trie.longest;
        let table = self.bytes.get(entries.range.clone())?;
        let entry = entries.find(table, *context.get(matched)?, node)?;
        Some(weights.longest(self.bytes, table, entries.after_word(entry)))
    }
}
