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
use super::read::{Bits, Cursor, bits_for, part, u64_at};
use crate::error::Error;

/// How the n-grams of one order keep their pointers.
pub(super) trait Pointers: Sized + Send + Sync + 'static {
    /// Those of so many entries to so many children. `array_bits` is what arrays have in
    /// common, once it is read.
    fn read(
        entries: u64,
        children: u64,
        array_bits: &mut Option<u32>,
        cursor: &mut Cursor<'_>,
    ) -> Result<Self, Error>;

    /// The bits of a pointer in an entry.
    fn bits(&self) -> u32;

    /// The children of an entry: from its pointer up to that of the next entry. The pointer
    /// is at `bit`, and entries are of `entry_bits`.
    fn children(
        &self,
        bytes: &[u8],
        table: &[u8],
        entry: u64,
        bit: u64,
        entry_bits: u64,
    ) -> Children;
}

/// Whole.
#[derive(Clone, Debug)]
pub(super) struct Inline(Bits);

impl Pointers for Inline {
    fn read(
        _: u64,
        children: u64,
        _: &mut Option<u32>,
        _: &mut Cursor<'_>,
    ) -> Result<Inline, Error> {
        Ok(Inline(Bits::new(bits_for(children))))
    }

    fn bits(&self) -> u32 {
        self.0.width()
    }

    #[inline(always)]
    fn children(&self, _: &[u8], table: &[u8], _: u64, bit: u64, entry_bits: u64) -> Children {
        Children {
            begin: self.0.at(table, bit),
            end: self.0.at(table, bit + entry_bits),
        }
    }
}

/// Split.
#[derive(Clone, Debug)]
pub(super) struct Array {
    low: Bits,
    offsets: Range<usize>,
}

impl Pointers for Array {
    fn read(
        entries: u64,
        children: u64,
        array_bits: &mut Option<u32>,
        cursor: &mut Cursor<'_>,
    ) -> Result<Array, Error> {
        let most = match *array_bits {
            Some(most) => most,
            None => *array_bits.insert(most_bits(cursor)?),
        };
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
        let low = Bits::new(all - high);
        Ok(Array { low, offsets })
    }

    fn bits(&self) -> u32 {
        self.low.width()
    }

    #[inline(always)]
    fn children(
        &self,
        bytes: &[u8],
        table: &[u8],
        entry: u64,
        bit: u64,
        entry_bits: u64,
    ) -> Children {
        let (offsets, _) = part(bytes, &self.offsets).as_chunks::<8>();
        // The first offset is 0, so one is not above.
        let first = offsets.partition_point(|&offset| u64::from_le_bytes(offset) <= entry);
        let more = offsets.iter().skip(first);
        let more = more.take_while(|&&offset| u64::from_le_bytes(offset) <= entry + 1);
        let last = first + more.count();
        let high = |place: usize| (place.saturating_sub(1) as u64) << self.low.width();
        Children {
            begin: high(first) | self.low.at(table, bit),
            end: high(last) | self.low.at(table, bit + entry_bits),
        }
    }
}

/// The most high bits that arrays were to take off: they come with the first array, and
/// hold for all.
fn most_bits(cursor: &Cursor<'_>) -> Result<u32, Error> {
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
