//! A table of entries of equally many bits, each of which begins with its word.

use std::ops::Range;

use super::read::{Cursor, bits_at, bits_for};
use crate::error::Error;

#[derive(Clone, Debug)]
pub(super) struct Packed {
    pub(super) range: Range<usize>,
    entries: u64,
    /// Of the word, the lowest in an entry.
    word_bits: u32,
    /// Of an entry.
    pub(super) bits: u32,
    /// No word is above it.
    max_word: u64,
}

/// The entries below a node, in the next table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Children {
    pub(super) begin: u64,
    pub(super) end: u64,
}

impl Packed {
    /// The table of so many entries: one more for the last pointer, and 8 bytes so that
    /// the last bits can be read as any others.
    pub(super) fn take(
        entries: u64,
        max_word: u64,
        other_bits: u32,
        cursor: &mut Cursor<'_>,
        what: &str,
    ) -> Result<Packed, Error> {
        let word_bits = bits_for(max_word);
        let bits = word_bits + other_bits;
        // Counts are at most 2^57, so only this product can be too large.
        let all = u128::from(entries + 1) * u128::from(bits);
        let bytes = u64::try_from(all.div_ceil(8) + 8).unwrap_or(u64::MAX);
        Ok(Packed {
            range: cursor.take(bytes, 1, what)?,
            entries,
            word_bits,
            bits,
            max_word,
        })
    }

    /// The bit of an entry where what is not its word begins.
    #[inline]
    pub(super) fn after_word(&self, entry: u64) -> u64 {
        entry * u64::from(self.bits) + u64::from(self.word_bits)
    }

    /// The entry of a word among those of a node.
    ///
    /// Words are spread evenly, so where one should be is guessed from those at both ends.
    /// If that does not end soon, as in a file that lies, the middle is taken. The last few
    /// are read one after another.
    #[inline]
    pub(super) fn find(&self, table: &[u8], word: u32, node: Children) -> Option<u64> {
        const GUESSES: u32 = 16;
        const FEW: u64 = 12;
        let word = u64::from(word);
        let at = |entry: u64| bits_at(table, entry * u64::from(self.bits), self.word_bits);
        let (mut begin, mut end) = (node.begin, node.end.min(self.entries));
        // Words before `begin` are at most `above`, those from `end` on at least `below`.
        let (mut above, mut below) = (0, self.max_word);
        let mut guesses = 0;
        while end.saturating_sub(begin) > FEW {
            let width = end - begin;
            let guess = if guesses < GUESSES && width <= 1 << 32 {
                guesses += 1;
                word.saturating_sub(above) * width / (below.saturating_sub(above) + 1)
            } else {
                width / 2
            };
            let entry = begin + guess.min(width - 1);
            let found = at(entry);
            if found == word {
                return Some(entry);
            }
            if found < word {
                (begin, above) = (entry + 1, found);
            } else {
                (end, below) = (entry, found);
            }
        }
        (begin..end)
            .find(|&entry| at(entry) >= word)
            .filter(|&entry| at(entry) == word)
    }
}
