//! N-grams in hash tables with linear probing.
//!
//! ```text
//! unigrams   by id: log-probability, back-off, [rest cost]
//! middle     a table an order: key, log-probability, back-off, [rest cost]
//! longest    a table: key, log-probability
//! ```
//!
//! The key is the hash of the n-gram's words from the last to the first. A key of 0 is a
//! free slot. The sign of a log-probability is always minus; the bit says something else:
//! cleared, that a longer n-gram ends in this one. Rest costs are for searches that write
//! sentences from their middle, and no part of a score.

use std::ops::Range;

use super::super::hash;
use super::super::search::{Found, Search};
use super::header::Header;
use super::read::{Cursor, f32_at, u64_at};
use crate::error::Error;
use crate::simd::prefetch;

/// A hash table, of slots that begin with the key.
#[derive(Clone, Debug)]
pub(super) struct Table<const SLOT: usize> {
    range: Range<usize>,
    slots: u64,
}

impl<const SLOT: usize> Table<SLOT> {
    pub(super) fn take(
        header: &Header,
        entries: u64,
        cursor: &mut Cursor<'_>,
        what: &str,
    ) -> Result<Self, Error> {
        let slots = header.slots(entries);
        let range = cursor.take(slots, SLOT as u64, what)?;
        Ok(Table { range, slots })
    }

    /// Has the slot of a key fetched.
    #[inline]
    fn prefetch(&self, bytes: &[u8], key: u64) {
        prefetch(bytes, self.range.start + (key % self.slots) as usize * SLOT);
    }

    /// The slot of a key.
    #[inline]
    pub(super) fn find<'a>(&self, bytes: &'a [u8], key: u64) -> Option<&'a [u8; SLOT]> {
        let (slots, _) = bytes.get(self.range.clone())?.as_chunks::<SLOT>();
        // There is always a slot, and as many as fit in memory.
        let first = (key % self.slots) as usize;
        let mut place = first;
        loop {
            let slot = slots.get(place)?;
            let found = u64_at(slot, 0)?;
            // First, as the key of a free slot is none.
            if found == 0 {
                return None;
            }
            if found == key {
                return Some(slot);
            }
            place += 1;
            if place == slots.len() {
                place = 0;
            }
            if place == first {
                return None;
            }
        }
    }
}

/// `MIDDLE` is the size of a slot of the middle orders.
#[derive(Clone, Debug)]
pub(super) struct Probing<const MIDDLE: usize> {
    unigrams: Range<usize>,
    middle: Vec<Table<MIDDLE>>,
    longest: Table<12>,
}

/// Without and with rest costs.
pub(super) const PLAIN: usize = 16;
pub(super) const WITH_RESTS: usize = 20;

impl<const MIDDLE: usize> Probing<MIDDLE> {
    /// What a slot holds beside its key, and what a unigram is.
    const WEIGHTS: usize = MIDDLE - 8;

    pub(super) fn read(header: &Header, cursor: &mut Cursor<'_>) -> Result<Self, Error> {
        let counts = &header.counts;
        // One more than counted, for an unknown word that is not.
        let unigrams = cursor.take(counts[0] + 1, Self::WEIGHTS as u64, "the 1-grams")?;
        let order = counts.len();
        let mut middle = Vec::with_capacity(order - 2);
        for n in 2..order {
            let what = format!("the table of the {n}-grams");
            middle.push(Table::take(header, counts[n - 1], cursor, &what)?);
        }
        let what = format!("the table of the {order}-grams");
        Ok(Probing {
            unigrams,
            middle,
            longest: Table::take(header, counts[order - 1], cursor, &what)?,
        })
    }

    /// Has what a score is made of fetched: the n-grams of a word and those before it, the
    /// last one first.
    pub(super) fn prefetch(&self, bytes: &[u8], before: &[u32], word: u32) {
        prefetch(bytes, self.unigrams.start + word as usize * Self::WEIGHTS);
        let mut key = u64::from(word);
        for (level, &word) in before.iter().enumerate() {
            key = hash::with_word_before(key, word);
            match self.middle.get(level) {
                Some(table) => table.prefetch(bytes, key),
                None => return self.longest.prefetch(bytes, key),
            }
        }
    }

    pub(super) fn of<'a>(&'a self, bytes: &'a [u8]) -> In<'a, MIDDLE> {
        In {
            probing: self,
            bytes,
        }
    }
}

/// The tables in their file.
pub(super) struct In<'a, const MIDDLE: usize> {
    probing: &'a Probing<MIDDLE>,
    bytes: &'a [u8],
}

/// Of a log-probability and a back-off, 8 bytes.
#[inline]
fn found(weights: u64) -> Found {
    let probability = f32::from_bits(weights as u32);
    Found {
        probability: -probability.abs(),
        backoff: f32::from_bits((weights >> 32) as u32),
        goes_on: probability.is_sign_positive(),
    }
}

impl<const MIDDLE: usize> Search for In<'_, MIDDLE> {
    type Node = u64;

    #[inline]
    fn unigram(&self, word: u32) -> (Found, u64) {
        // The word is one of the model's, so its place is in the table.
        let at = self.probing.unigrams.start + word as usize * Probing::<MIDDLE>::WEIGHTS;
        let weights = u64_at(self.bytes, at).unwrap_or_default();
        (found(weights), u64::from(word))
    }

    #[inline(always)]
    fn middle(&self, level: usize, word: u32, node: u64) -> Option<(Found, u64)> {
        let key = hash::with_word_before(node, word);
        let slot = self.probing.middle.get(level)?.find(self.bytes, key)?;
        Some((found(u64_at(slot, 8)?), key))
    }

    #[inline(always)]
    fn longest(&self, word: u32, node: u64) -> Option<f32> {
        let key = hash::with_word_before(node, word);
        f32_at(self.probing.longest.find(self.bytes, key)?, 8)
    }
}
