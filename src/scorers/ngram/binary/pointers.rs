//! Pointers of a trie's entries to their children, which grow from entry to entry.
//!
//! They are whole in the entries, or split (Raj and Whittaker 2003): the low bits are in the
//! entries, and for each value of the high bits an array says from which entry on it holds.
//!
//! ```text
//! array   version and wished bits (2 bytes), up to the next multiple of 8, 8 bytes,
//!         offsets of 8 bytes (the first is 0), 7 bytes in all before and after
//! ```

use std::ops::Range;

use super::packed::Children;
use super::read::{Cursor, bits_at, bits_for, u64_at};
use crate::error::Error;

#[derive(Clone, Debug)]
pub(super) struct Pointers {
    /// Of the low bits.
    inline_bits: u32,
    /// Empty if pointers are whole in the entries.
    offsets: Range<usize>,
}

impl Pointers {
    pub(super) fn inline(children: u64) -> Pointers {
        Pointers {
            inline_bits: bits_for(children),
            offsets: 0..0,
        }
    }

    /// The most high bits that arrays were to take off: they come with the first array, and
    /// hold for all.
    pub(super) fn array_bits(cursor: &Cursor<'_>) -> Result<u32, Error> {
        let at = cursor.at();
        let head = cursor.part(&(at..at.saturating_add(2)));
        match head {
            [0, bits] => Ok(u32::from(*bits)),
            [version, _] => Err(cursor.error(format!(
                "the array of pointers is of version {version}, only 0 is known"
            ))),
            _ => Err(cursor.error("an array of pointers should stand here".to_owned())),
        }
    }

    pub(super) fn array(
        entries: u64,
        children: u64,
        most: u32,
        cursor: &mut Cursor<'_>,
    ) -> Result<Pointers, Error> {
        let all = bits_for(children);
        let high = high_bits(entries + 1, children, most.min(all));
        let offsets = high_part(children, all - high) + 1;
        let range = cursor.take(offsets + 1, 8, "an array of pointers")?;
        let aligned = range.start.next_multiple_of(8);
        cursor.take(7, 1, "an array of pointers")?;
        let offsets = aligned + 8..aligned + range.len();
        // All else that they say is harmless.
        if u64_at(cursor.part(&offsets), 0) != Some(0) {
            return Err(cursor.error("an array of pointers should begin with 0".to_owned()));
        }
        Ok(Pointers {
            inline_bits: all - high,
            offsets,
        })
    }

    pub(super) fn inline_bits(&self) -> u32 {
        self.inline_bits
    }

    pub(super) fn offsets(&self) -> &Range<usize> {
        &self.offsets
    }

    /// The children of an entry: from its pointer up to that of the next entry. The pointer
    /// is at `bit`, and entries are of `entry_bits`.
    #[inline]
    pub(super) fn children(
        &self,
        offsets: &[u8],
        table: &[u8],
        entry: u64,
        bit: u64,
        entry_bits: u32,
    ) -> Children {
        let low = |bit| bits_at(table, bit, self.inline_bits);
        let (begin, end) = (low(bit), low(bit + u64::from(entry_bits)));
        if offsets.is_empty() {
            return Children { begin, end };
        }
        let (offsets, _) = offsets.as_chunks::<8>();
        // The first offset is 0, so one is not above.
        let first = offsets.partition_point(|&offset| u64::from_le_bytes(offset) <= entry);
        let more = offsets.iter().skip(first);
        let more = more.take_while(|&&offset| u64::from_le_bytes(offset) <= entry + 1);
        let last = first + more.count();
        let high = |place: usize| (place.saturating_sub(1) as u64) << self.inline_bits;
        Children {
            begin: high(first) | begin,
            end: high(last) | end,
        }
    }
}

/// What is left of a pointer without its low bits.
fn high_part(pointer: u64, low_bits: u32) -> u64 {
    pointer.checked_shr(low_bits).unwrap_or(0)
}

/// How many high bits, up to `most`, cost the least: 64 bits for each value of them, and one
/// bit saved in each entry for each. The fewer where two cost the same.
fn high_bits(entries: u64, children: u64, most: u32) -> u32 {
    let all = bits_for(children);
    let cost = |high: u32| {
        let array = i128::from(high_part(children, all - high)) * 64;
        array - i128::from(entries) * i128::from(high)
    };
    (0..=most).min_by_key(|&high| cost(high)).unwrap_or(0)
}
