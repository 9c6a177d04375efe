//! N-grams in hash tables, as in KenLM's probing files.
//!
//! ```text
//! insert(n-gram):
//!     put it in the table of its order
//!     complete(its end of n - 1 words), and mark that as an end
//!     open(its beginning of n - 1 words)
//!
//! complete(n-gram):           all its ends get there
//!     find the longest end that is there
//!     for each longer one, from the shortest on:
//!         P = that of the next shorter, plus the back-off of its context
//!         put it there, and mark the next shorter as an end
//!
//! open(n-gram):               it gets there, as the beginning of a longer one
//!     if it is not: complete(it), and open(its own beginning)
//!     if it has no back-off, note that it goes on all the same
//! ```
//!
//! A missing end gets the score that it would have by backing off, so nothing changes but
//! that the search for longer n-grams goes through it. KenLM does the same, and refuses a
//! model that lacks a beginning.
//!
//! As in KenLM, a log-probability is minus by meaning, and the bit of its sign says
//! something else: cleared, that a longer n-gram ends in this one. So a missing end whose
//! back-offs lift its P above 1 gets 1 / P, as in KenLM.

use super::super::hash;
use super::super::search::{Found, Search};
use super::super::state::DEAD_END;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weights {
    pub(super) probability: f32,
    pub(super) backoff: f32,
}

impl Weights {
    fn mark_as_end(&mut self) {
        self.probability = self.probability.abs();
    }

    fn open(&mut self) {
        if self.backoff == 0.0 {
            self.backoff = 0.0;
        }
    }

    #[inline]
    fn found(self) -> Found {
        Found {
            probability: -self.probability.abs(),
            backoff: self.backoff,
            goes_on: self.probability.is_sign_positive(),
        }
    }
}

/// A slot of a hash table.
pub(super) trait Slot: Copy + Default {
    fn key(&self) -> u64;
    fn is_free(&self) -> bool;
}

/// An n-gram; free if the key is 0.
#[derive(Clone, Copy, Debug, Default)]
struct Ngram {
    key: u64,
    weights: Weights,
}

impl Slot for Ngram {
    fn key(&self) -> u64 {
        self.key
    }

    fn is_free(&self) -> bool {
        self.key == 0
    }
}

/// A hash table with linear probing, a third of whose slots are free.
#[derive(Debug)]
pub(super) struct Placed<S> {
    slots: Vec<S>,
    used: usize,
}

impl<S: Slot> Placed<S> {
    pub(super) fn for_entries(entries: usize) -> Self {
        Placed {
            slots: vec![S::default(); entries + entries / 2 + 4],
            used: 0,
        }
    }

    /// Where a key belongs: a hash of it, scaled to the number of slots.
    #[inline]
    fn place(&self, key: u64) -> usize {
        let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((u128::from(mixed) * self.slots.len() as u128) >> 64) as usize
    }

    /// Where a key is, or where it would be.
    #[inline]
    fn search(&self, key: u64) -> usize {
        let mut place = self.place(key);
        loop {
            let slot = &self.slots[place];
            if slot.is_free() || slot.key() == key {
                return place;
            }
            place += 1;
            if place == self.slots.len() {
                place = 0;
            }
        }
    }

    /// Where the search for a key begins.
    #[inline]
    fn first(&self, key: u64) -> &S {
        &self.slots[self.place(key)]
    }

    #[inline]
    pub(super) fn find(&self, key: u64) -> Option<&S> {
        let slot = &self.slots[self.search(key)];
        (!slot.is_free()).then_some(slot)
    }

    #[inline]
    fn find_mut(&mut self, key: u64) -> Option<&mut S> {
        let place = self.search(key);
        let slot = &mut self.slots[place];
        (!slot.is_free()).then_some(slot)
    }

    /// Puts in what is not there.
    #[inline]
    pub(super) fn insert(&mut self, slot: S) -> Option<()> {
        if self.used >= self.slots.len() / 4 * 3 {
            self.grow();
        }
        let place = self.search(slot.key());
        if !self.slots[place].is_free() {
            return None;
        }
        self.slots[place] = slot;
        self.used += 1;
        Some(())
    }

    fn grow(&mut self) {
        let grown = Placed::for_entries(2 * self.slots.len());
        let before = std::mem::replace(self, grown);
        for slot in before.slots.into_iter().filter(|slot| !slot.is_free()) {
            let place = self.search(slot.key());
            self.slots[place] = slot;
        }
        self.used = before.used;
    }
}

/// So many n-grams ahead, the places that one will need are read, so that the memory
/// fetches them side by side.
const AHEAD: usize = 8;

/// The n-grams of every order. Words of an n-gram stand from the last to the first.
#[derive(Debug)]
pub(super) struct Tables {
    unigrams: Vec<Weights>,
    /// Of 2 words and more.
    longer: Vec<Placed<Ngram>>,
    order: usize,
}

impl Tables {
    pub(super) fn new(order: usize, unigrams: Vec<Weights>) -> Self {
        Tables {
            unigrams,
            longer: Vec::new(),
            order,
        }
    }

    pub(super) fn order(&self) -> usize {
        self.order
    }

    /// Puts in all n-grams of the next order.
    ///
    /// # Errors
    ///
    /// If one is there twice: which, and what is wrong with it.
    pub(super) fn insert(
        &mut self,
        n: usize,
        words: &[u32],
        weights: &[Weights],
    ) -> Result<(), (usize, &'static str)> {
        let mut table: Placed<Ngram> = Placed::for_entries(weights.len());
        let mut later = words.chunks_exact(n).skip(AHEAD);
        for (entry, (words, &weights)) in words.chunks_exact(n).zip(weights).enumerate() {
            if let Some(later) = later.next() {
                let mut touched = table.first(key(later)).key;
                if let Some(shorter) = self.longer.last() {
                    touched ^= shorter.first(key(&later[..n - 1])).key;
                    touched ^= shorter.first(key(&later[1..])).key;
                }
                std::hint::black_box(touched);
            }
            let weights = Weights {
                probability: -weights.probability.abs(),
                backoff: if n == self.order {
                    DEAD_END
                } else {
                    weights.backoff
                },
            };
            let key = key(words);
            table
                .insert(Ngram { key, weights })
                .ok_or((entry, "is there twice"))?;
            if let Some(end) = self.complete(&words[..n - 1]) {
                end.mark_as_end();
            }
            self.open(&words[1..]);
        }
        self.longer.push(table);
        Ok(())
    }

    fn find(&mut self, words: &[u32]) -> Option<&mut Weights> {
        match words {
            &[word] => self.unigrams.get_mut(word as usize),
            _ => {
                let table = self.longer.get_mut(words.len() - 2)?;
                Some(&mut table.find_mut(key(words))?.weights)
            }
        }
    }

    /// The n-gram, which is there then, as are all its ends. `None` cannot be.
    fn complete(&mut self, words: &[u32]) -> Option<&mut Weights> {
        let there = (1..=words.len()).rev();
        let longest = there
            .into_iter()
            .find(|&length| self.find(&words[..length]).is_some())?;
        if longest < words.len() {
            let mut probability = -self.find(&words[..longest])?.probability.abs();
            for length in longest + 1..=words.len() {
                if let Some(context) = self.find(&words[1..length]) {
                    context.open();
                    probability += context.backoff;
                }
                self.find(&words[..length - 1])?.mark_as_end();
                let key = key(&words[..length]);
                let weights = Weights {
                    probability,
                    backoff: DEAD_END,
                };
                self.longer
                    .get_mut(length - 2)?
                    .insert(Ngram { key, weights });
            }
        }
        self.find(words)
    }

    fn open(&mut self, words: &[u32]) {
        if words.len() > 1 && self.find(words).is_none() {
            self.complete(words);
            self.open(&words[1..]);
        }
        if let Some(weights) = self.find(words) {
            weights.open();
        }
    }
}

/// The key of an n-gram in its table, where 0 is none.
fn key(words: &[u32]) -> u64 {
    let hash = words.iter().copied().map(u64::from);
    let hash = hash.reduce(|hash, word| hash::with_word_before(hash, word as u32));
    hash.unwrap_or(0).max(1)
}

impl Search for Tables {
    type Node = u64;

    #[inline]
    fn unigram(&self, word: u32) -> (Found, u64) {
        let weights = self
            .unigrams
            .get(word as usize)
            .copied()
            .unwrap_or_default();
        (weights.found(), u64::from(word))
    }

    #[inline]
    fn middle(&self, level: usize, word: u32, node: u64) -> Option<(Found, u64)> {
        let key = hash::with_word_before(node, word);
        let ngram = self.longer.get(level)?.find(key.max(1))?;
        Some((ngram.weights.found(), key))
    }

    #[inline]
    fn longest(&self, word: u32, node: u64) -> Option<f32> {
        let key = hash::with_word_before(node, word);
        Some(self.longer.last()?.find(key.max(1))?.weights.probability)
    }
}
