//! Hash tables with linear probing, of slots that begin with the key. A key of 0 is a free
//! slot.

use std::num::NonZeroU64;
use std::ops::Range;

use super::header::Header;
use super::read::Cursor;
use crate::error::Error;
use crate::simd::prefetch;

/// A table of slots of `SLOT` bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<const SLOT: usize> {
    start: usize,
    end: usize,
    slots: NonZeroU64,
}

/// Where the search for a key begins: at a slot of the table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Probe {
    pub(super) key: u64,
    place: usize,
}

impl<const SLOT: usize> Table<SLOT> {
    pub(super) fn take(
        header: &Header,
        entries: u64,
        cursor: &mut Cursor<'_>,
        what: &str,
    ) -> Result<Self, Error> {
        let slots = header.slots(entries);
        let Range { start, end } = cursor.take(slots.get(), SLOT as u64, what)?;
        Ok(Table { start, end, slots })
    }

    #[inline(always)]
    fn probe(&self, key: u64) -> Probe {
        // As many slots as fit in memory.
        let place = (key % self.slots) as usize;
        Probe { key, place }
    }

    /// Prefetches the place of a key.
    #[inline(always)]
    pub(super) fn prefetch(&self, bytes: &[u8], key: u64) -> Probe {
        let probe = self.probe(key);
        prefetch(bytes, self.start + probe.place * SLOT);
        probe
    }

    /// The slot of a key. A key of 0 is in no slot.
    pub(super) fn find<'a>(&self, bytes: &'a [u8], key: u64) -> Option<&'a [u8; SLOT]> {
        let slot = self.find_from(bytes, self.probe(key));
        slot.filter(|_| key != 0)
    }

    /// The slot of a key; a free one for a key of 0, as with KenLM. (To compare four slots at
    /// once, without branches, is no faster: it takes more instructions.)
    #[inline(always)]
    pub(super) fn find_from<'a>(
        &self,
        bytes: &'a [u8],
        Probe { key, place }: Probe,
    ) -> Option<&'a [u8; SLOT]> {
        let ahead = bytes.get(self.start + place * SLOT..self.end)?;
        for slot in ahead.as_chunks().0 {
            match key_of(slot) {
                found if found == key => return Some(slot),
                0 => return None,
                _ => {}
            }
        }
        self.find_before(bytes, key, place)
    }

    /// The slot of a key that is not at its place or after it.
    #[cold]
    #[inline(never)]
    fn find_before<'a>(&self, bytes: &'a [u8], key: u64, place: usize) -> Option<&'a [u8; SLOT]> {
        let (slots, _) = bytes.get(self.start..self.end)?.as_chunks();
        let mut before = slots.iter().take(place);
        let end =
            before.find(|slot| matches!(key_of(slot), found if found == key || found == 0))?;
        (key_of(end) == key).then_some(end)
    }
}

#[inline(always)]
fn key_of<const SLOT: usize>(slot: &[u8; SLOT]) -> u64 {
    slot.first_chunk().map_or(0, |&key| u64::from_le_bytes(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table at byte 16, of these keys.
    fn table(keys: &[u64]) -> (Table<12>, Vec<u8>) {
        let mut bytes = vec![0xee; 16];
        for (place, key) in keys.iter().enumerate() {
            bytes.extend(key.to_le_bytes());
            bytes.extend((place as u32).to_le_bytes());
        }
        let end = bytes.len();
        bytes.extend([0xee; 40]);
        let slots = NonZeroU64::new(keys.len() as u64).unwrap();
        let start = 16;
        (Table { start, end, slots }, bytes)
    }

    #[test]
    fn a_key_is_found_from_its_place_on_and_past_the_end() {
        let (table, bytes) = table(&[9, 11, 0, 3, 13, 4]);
        let place = |key| table.find(&bytes, key).map(|slot| slot[8]);
        for (key, expected) in [(3, Some(3)), (4, Some(5)), (9, Some(0)), (11, Some(1))] {
            assert_eq!(place(key), expected, "{key}");
        }
        // 13 is not where it belongs; 10 and 2 are nowhere, nor is the key of a free slot.
        for key in [13, 10, 2, 0] {
            assert_eq!(place(key), None, "{key}");
        }
    }

    #[test]
    fn a_full_table_ends_the_search() {
        let (table, bytes) = table(&[7, 1, 13]);
        for key in [2, 3, 4] {
            assert_eq!(table.find(&bytes, key), None, "{key}");
        }
        let (cut, _) = bytes.split_at(30);
        assert_eq!(table.find(cut, 7), None);
    }
}
