//! N-grams in hash tables.
//!
//! ```text
//! unigrams   by id: log-probability, back-off, [rest cost]
//! middle     a table an order: key, log-probability, back-off, [rest cost]
//! longest    a table: key, log-probability
//! ```
//!
//! The key is the hash of the n-gram's words from the last to the first. The sign of a
//! log-probability is always minus; the bit says something else: cleared, that a longer
//! n-gram ends in this one. Rest costs are for searches that write sentences from their
//! middle, and no part of a score.

use std::ops::Range;

use super::super::hash;
use super::super::search::{Found, Search};
use super::header::Header;
use super::ngrams::Ngrams;
use super::read::{Cursor, f32_at, u64_at};
use super::table::{Probe, Table};
use super::vocab::Vocab;
use crate::error::Error;

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
}

impl<const MIDDLE: usize> Ngrams for Probing<MIDDLE> {
    type In<'a> = In<'a, MIDDLE>;

    fn vocab(header: &Header, cursor: &mut Cursor<'_>) -> Result<Vocab, Error> {
        Vocab::hashed(header, cursor)
    }

    fn read(header: &Header, cursor: &mut Cursor<'_>) -> Result<Self, Error> {
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

    #[inline(always)]
    fn of<'a>(&'a self, bytes: &'a [u8]) -> In<'a, MIDDLE> {
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

impl<const MIDDLE: usize> In<'_, MIDDLE> {
    /// The n-gram of one more word, if the context has one; its place is prefetched.
    #[inline(always)]
    fn longer(&self, matched: usize, context: &[u32], key: u64) -> Probe {
        let Some(&word) = context.get(matched) else {
            return Probe::default();
        };
        let key = hash::with_word_before(key, word);
        match self.probing.middle.get(matched) {
            Some(table) => table.prefetch(self.bytes, key),
            None => self.probing.longest.prefetch(self.bytes, key),
        }
    }
}

/// Of a log-probability and a back-off, 8 bytes.
#[inline(always)]
fn found(weights: u64) -> Found {
    let probability = f32::from_bits(weights as u32);
    Found {
        probability: -probability.abs(),
        backoff: f32::from_bits((weights >> 32) as u32),
        goes_on: probability.is_sign_positive(),
    }
}

impl<const MIDDLE: usize> Search for In<'_, MIDDLE> {
    type Node = Probe;

    #[inline(always)]
    fn unigram(&self, word: u32, context: &[u32]) -> (Found, Probe) {
        let longer = self.longer(0, context, word.into());
        // The word is one of the model's, so its place is in the table.
        let at = self.probing.unigrams.start + word as usize * Probing::<MIDDLE>::WEIGHTS;
        let weights = u64_at(self.bytes, at).unwrap_or_default();
        (found(weights), longer)
    }

    #[inline(always)]
    fn middle(&self, matched: usize, context: &[u32], node: Probe) -> Option<(Found, Probe)> {
        let longer = self.longer(matched + 1, context, node.key);
        let table = self.probing.middle.get(matched)?;
        let slot = table.find_from(self.bytes, node)?;
        Some((found(u64_at(slot, 8)?), longer))
    }

    #[inline(always)]
    fn longest(&self, _: usize, _: &[u32], node: Probe) -> Option<f32> {
        f32_at(self.probing.longest.find_from(self.bytes, node)?, 8)
    }
}
