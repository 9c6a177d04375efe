//! A hash table whose slots are in order of their hashes.
//!
//! ```text
//! place(key):   its hash, scaled to half the number of slots; it grows with the hash
//! find(key):    from its place on, the first slot whose hash is not lower
//! insert(key):  there; the slots up to the next free one move on by one
//! ```
//!
//! That is linear probing with ordered slots (Amble and Knuth 1974). A search for a key that
//! is not there ends as soon as one for a key that is, and each slot takes one comparison.
//! With half of the slots free, it is one slot or two. In no order and two thirds full, as in
//! KenLM's files, a key that is not there takes five, and mispredicted branches cost more than
//! the memory saves: 8.0 against 9.9 million scores a second.
//!
//! A key's hash is its product with an odd number that each table draws (Dietzfelbinger et al.
//! 1997). So whoever writes a model cannot choose words that come to one place. What a table
//! finds does not depend on it.

use std::hash::{BuildHasher, RandomState};

use crate::simd::prefetch;

/// A key's hash and its value; free if the rank is 0.
#[derive(Clone, Copy, Debug, Default)]
struct Slot<V> {
    /// The complement of the hash, in halves: so a value of 4 bytes makes a slot of 12, memory
    /// of zeros is free slots, and free slots end a search.
    rank: [u32; 2],
    value: V,
}

impl<V> Slot<V> {
    #[inline(always)]
    fn new(rank: u64, value: V) -> Slot<V> {
        let rank = [rank as u32, (rank >> 32) as u32];
        Slot { rank, value }
    }

    #[inline(always)]
    fn rank(&self) -> u64 {
        u64::from(self.rank[0]) | u64::from(self.rank[1]) << 32
    }
}

/// At least half of the slots are free.
#[derive(Debug)]
pub(super) struct Placed<V> {
    /// Those past the places are for the last keys, which so need no way back to the start.
    slots: Vec<Slot<V>>,
    places: usize,
    used: usize,
    /// Odd: keys that differ have hashes that differ.
    factor: u64,
}

/// Where the search for a key begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Probe {
    rank: u64,
    place: usize,
}

impl<V: Copy + Default> Placed<V> {
    /// A table that holds so many entries before it grows.
    pub(super) fn for_entries(entries: usize) -> Self {
        Self::with_factor(entries, RandomState::new().hash_one(entries) | 1)
    }

    fn with_factor(entries: usize, factor: u64) -> Self {
        let places = 2 * entries + 2;
        Placed {
            slots: vec![Slot::default(); places + 64],
            places,
            used: 0,
            factor,
        }
    }

    #[inline(always)]
    fn place(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.places as u128) >> 64) as usize
    }

    #[inline(always)]
    fn probe(&self, key: u64) -> Probe {
        let hash = key.wrapping_mul(self.factor);
        Probe {
            // One of 2^64 keys is taken for another.
            rank: (!hash).max(1),
            place: self.place(hash),
        }
    }

    /// Prefetches the place of a key.
    #[inline(always)]
    pub(super) fn prefetch(&self, key: u64) -> Probe {
        let probe = self.probe(key);
        prefetch(&self.slots, probe.place);
        probe
    }

    #[inline(always)]
    pub(super) fn find(&self, key: u64) -> Option<V> {
        self.find_from(self.probe(key))
    }

    #[inline(always)]
    pub(super) fn find_from(&self, Probe { rank, place }: Probe) -> Option<V> {
        let mut slots = self.slots.get(place..)?.iter();
        let slot = slots.find(|slot| slot.rank() <= rank)?;
        (slot.rank() == rank).then_some(slot.value)
    }

    #[inline]
    pub(super) fn find_mut(&mut self, key: u64) -> Option<&mut V> {
        let Probe { rank, place } = self.probe(key);
        let mut slots = self.slots.get_mut(place..)?.iter_mut();
        let slot = slots.find(|slot| slot.rank() <= rank)?;
        (slot.rank() == rank).then_some(&mut slot.value)
    }

    /// Puts in what is not there.
    #[inline]
    pub(super) fn insert(&mut self, key: u64, value: V) -> Option<()> {
        if 2 * self.used >= self.places {
            self.grow();
        }
        let Probe { rank, place } = self.probe(key);
        self.put(place, Slot::new(rank, value))
    }

    #[inline]
    fn put(&mut self, place: usize, slot: Slot<V>) -> Option<()> {
        let ahead = self.slots[place..].iter();
        let at = place + ahead.take_while(|there| there.rank() > slot.rank()).count();
        let later = self.slots[at..].iter();
        let moved = later.take_while(|there| there.rank() > 0).count();
        if moved > 0 && self.slots[at].rank() == slot.rank() {
            return None;
        }
        if at + moved == self.slots.len() {
            self.slots.push(Slot::default());
        }
        self.slots.copy_within(at..at + moved, at + 1);
        self.slots[at] = slot;
        self.used += 1;
        Some(())
    }

    fn grow(&mut self) {
        let grown = Placed::with_factor(2 * self.used + 2, self.factor);
        let before = std::mem::replace(self, grown);
        for slot in before.slots.into_iter().filter(|slot| slot.rank() > 0) {
            self.put(self.place(!slot.rank()), slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    /// The inverse of the factor of hashes, by Newton's steps: keys of any hash.
    fn key_of(hash: u64) -> u64 {
        let factor = FACTOR;
        let inverse = (0..6).fold(factor, |inverse, _| {
            inverse.wrapping_mul(2u64.wrapping_sub(factor.wrapping_mul(inverse)))
        });
        hash.wrapping_mul(inverse)
    }

    #[test]
    fn a_table_holds_what_a_map_holds() {
        let mut seed = 1u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed >> 11
        };
        for entries in [0, 1, 5, 100, 3000] {
            // Of too few entries as well, so that it grows.
            for room in [0, entries / 3, entries] {
                let mut table = Placed::with_factor(room, FACTOR);
                let mut map = HashMap::new();
                for value in 0..entries as u32 {
                    // Far apart, close to each other, and close to both ends.
                    let hash = match random() % 4 {
                        0 => random() << 11,
                        1 => (1 << 63) + random() % 2000,
                        2 => random() % 300,
                        _ => u64::MAX - random() % 300,
                    };
                    let key = key_of(hash.min(u64::MAX - 1));
                    let fresh = !map.contains_key(&key);
                    assert_eq!(table.insert(key, value).is_some(), fresh);
                    map.entry(key).or_insert(value);
                    assert_eq!(table.find(key), map.get(&key).copied());
                }
                for (&key, &value) in &map {
                    assert_eq!(table.find(key), Some(value));
                    assert_eq!(table.find_from(table.prefetch(key)), Some(value));
                    assert_eq!(table.find_mut(key), Some(&mut { value }));
                }
                for hash in (0..700).chain(u64::MAX - 700..=u64::MAX) {
                    let key = key_of(hash.min(u64::MAX - 1));
                    assert_eq!(table.find(key), map.get(&key).copied());
                    assert_eq!(table.find_mut(key).copied(), map.get(&key).copied());
                }
                assert_eq!(table.used, map.len());
                assert!(2 * table.used <= table.places + 1);
            }
        }
    }

    #[test]
    fn keys_that_collide_under_one_factor_are_spread_under_another() {
        let drawn = [0, 0].map(|entries| Placed::<u32>::for_entries(entries).factor);
        assert!(drawn[0] != drawn[1] && drawn.iter().all(|factor| factor % 2 == 1));
        let longest = |factor| {
            let mut table = Placed::with_factor(20_000, factor);
            for value in 0..20_000 {
                table.insert(key_of(value + 1), value).unwrap();
            }
            let taken = table.slots.split(|slot| slot.rank() == 0).map(<[_]>::len);
            taken.max().unwrap()
        };
        // They were chosen for the first.
        assert_eq!(longest(FACTOR), 20_000);
        assert!(longest(0xc2b2_ae3d_27d4_eb4f) < 100);
    }
}
