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
use super::packed::{Children, Packed};
use super::pointers::Pointers;
use super::read::{Cursor, error_at, f32_at, part, u64_at};
use super::weights::Weights;
use crate::error::Error;

/// The bytes of a unigram.
const UNIGRAM: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Trie {
    unigrams: Range<usize>,
    middle: Vec<Middle>,
    longest: Packed,
    weights: Weights,
}

#[derive(Clone, Debug)]
struct Middle {
    entries: Packed,
    pointers: Pointers,
}

impl Trie {
    pub(super) fn read(
        header: &Header,
        quantised: bool,
        array: bool,
        cursor: &mut Cursor<'_>,
    ) -> Result<Trie, Error> {
        let counts = &header.counts;
        let order = counts.len();
        let weights = match quantised {
            true => Weights::quantised(order, cursor)?,
            false => Weights::Exact,
        };
        // One more than counted, for an unknown word that is not, and the last pointer.
        let unigrams = cursor.take(counts[0] + 2, UNIGRAM as u64, "the 1-grams")?;
        let mut array_bits = None;
        let mut middle = Vec::with_capacity(order - 2);
        for n in 2..order {
            let (count, children) = (counts[n - 1], counts[n]);
            let pointers = match array {
                true => {
                    let bits = match array_bits {
                        Some(bits) => bits,
                        None => Pointers::array_bits(cursor)?,
                    };
                    array_bits = Some(bits);
                    Pointers::array(count, children, bits, cursor)?
                }
                false => Pointers::inline(children),
            };
            let bits = weights.middle_bits() + pointers.inline_bits();
            let what = format!("the {n}-grams");
            let entries = Packed::take(count, counts[0], bits, cursor, &what)?;
            middle.push(Middle { entries, pointers });
        }
        let bits = weights.longest_bits();
        let what = format!("the {order}-grams");
        let longest = Packed::take(counts[order - 1], counts[0], bits, cursor, &what)?;
        let trie = Trie {
            unigrams,
            middle,
            longest,
            weights,
        };
        trie.check_ends(counts, cursor)?;
        Ok(trie)
    }

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
            let offsets = cursor.part(middle.pointers.offsets());
            let bit = middle.entries.after_word(entry) + u64::from(self.weights.middle_bits());
            let size = middle.entries.bits;
            let children = middle.pointers.children(offsets, entries, entry, bit, size);
            if children.end != counts[n] {
                return wrong(children.end, n + 1, &middle.entries.range);
            }
        }
        Ok(())
    }

    pub(super) fn of<'a>(&'a self, bytes: &'a [u8]) -> In<'a> {
        In { trie: self, bytes }
    }
}

/// The trie in its file.
pub(super) struct In<'a> {
    trie: &'a Trie,
    bytes: &'a [u8],
}

impl Search for In<'_> {
    type Node = Children;

    #[inline]
    fn unigram(&self, word: u32) -> (Found, Children) {
        // The word is one of the model's, so it and the next are in the table.
        let at = self.trie.unigrams.start + word as usize * UNIGRAM;
        let unigram = self.bytes.get(at..).unwrap_or_default();
        let children = Children {
            begin: u64_at(unigram, 8).unwrap_or_default(),
            end: u64_at(unigram, UNIGRAM + 8).unwrap_or_default(),
        };
        let found = Found {
            probability: f32_at(unigram, 0).unwrap_or(f32::NEG_INFINITY),
            backoff: f32_at(unigram, 4).unwrap_or_default(),
            goes_on: children.begin != children.end,
        };
        (found, children)
    }

    #[inline(always)]
    fn middle(&self, level: usize, word: u32, node: Children) -> Option<(Found, Children)> {
        let Middle { entries, pointers } = self.trie.middle.get(level)?;
        let table = self.bytes.get(entries.range.clone())?;
        let entry = entries.find(table, word, node)?;
        let bit = entries.after_word(entry);
        let weights = &self.trie.weights;
        let (probability, backoff) = weights.middle(self.bytes, level, table, bit);
        let bit = bit + u64::from(weights.middle_bits());
        let offsets = part(self.bytes, pointers.offsets());
        let children = pointers.children(offsets, table, entry, bit, entries.bits);
        let found = Found {
            probability,
            backoff,
            goes_on: children.begin != children.end,
        };
        Some((found, children))
    }

    #[inline(always)]
    fn longest(&self, word: u32, node: Children) -> Option<f32> {
        let longest = &self.trie.longest;
        let table = self.bytes.get(longest.range.clone())?;
        let entry = longest.find(table, word, node)?;
        let bit = longest.after_word(entry);
        Some(self.trie.weights.longest(self.bytes, table, bit))
    }
}
