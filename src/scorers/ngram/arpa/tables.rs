//! N-grams in hash tables, of the keys of KenLM's probing files.
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
use super::placed::{Placed, Probe};

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

/// So many n-grams ahead, the places that one will need are prefetched.
const AHEAD: usize = 8;

/// The n-grams of every order. Words of an n-gram stand from the last to the first.
#[derive(Debug)]
pub(super) struct Tables {
    unigrams: Vec<Weights>,
    /// Of 2 words and more.
    middle: Vec<Placed<Weights>>,
    /// Of the highest order, unless that is 1: log-probabilities.
    longest: Placed<f32>,
    order: usize,
}

impl Tables {
    pub(super) fn new(order: usize, unigrams: Vec<Weights>) -> Self {
        Tables {
            unigrams,
            middle: Vec::new(),
            longest: Placed::for_entries(0),
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
        if n == self.order {
            self.longest = self.table(n, words, weights, |weights| weights.probability)?;
        } else {
            let table = self.table(n, words, weights, |weights| weights)?;
            self.middle.push(table);
        }
        Ok(())
    }

    /// The table of an order, with a value of each n-gram. The n-grams of lower orders get
    /// what they need.
    fn table<V: Copy + Default>(
        &mut self,
        n: usize,
        words: &[u32],
        weights: &[Weights],
        value: impl Fn(Weights) -> V,
    ) -> Result<Placed<V>, (usize, &'static str)> {
        let mut table = Placed::for_entries(weights.len());
        let mut later = words.chunks_exact(n).skip(AHEAD);
        for (entry, (words, &weights)) in words.chunks_exact(n).zip(weights).enumerate() {
            if let Some(later) = later.next() {
                table.prefetch(key(later));
                if let Some(shorter) = self.middle.last() {
                    shorter.prefetch(key(&later[..n - 1]));
                    shorter.prefetch(key(&later[1..]));
                }
            }
            let value = value(Weights {
                probability: -weights.probability.abs(),
                ..weights
            });
            table
                .insert(key(words), value)
                .ok_or((entry, "is there twice"))?;
            if let Some(end) = self.complete(&words[..n - 1]) {
                end.mark_as_end();
            }
            self.open(&words[1..]);
        }
        Ok(table)
    }

    fn find(&mut self, words: &[u32]) -> Option<&mut Weights> {
        match words {
            &[word] => self.unigrams.get_mut(word as usize),
            _ => self.middle.get_mut(words.len() - 2)?.find_mut(key(words)),
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
                self.middle.get_mut(length - 2)?.insert(key, weights);
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

/// The key of an n-gram in its table.
fn key(words: &[u32]) -> u64 {
    let hash = words.iter().copied().map(u64::from);
    let hash = hash.reduce(|hash, word| hash::with_word_before(hash, word as u32));
    hash.unwrap_or(0)
}

/// An n-gram to look up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    key: u64,
    probe: Probe,
}

impl Tables {
    /// The n-gram of one more word, if the context has one; its place is prefetched.
    #[inline(always)]
    fn longer(&self, matched: usize, context: &[u32], key: u64) -> Node {
        let Some(&word) = context.get(matched) else {
            return Node::default();
        };
        let key = hash::with_word_before(key, word);
        let probe = match self.middle.get(matched) {
            Some(table) => table.prefetch(key),
            None => self.longest.prefetch(key),
        };
        Node { key, probe }
    }
}

impl Search for Tables {
    type Node = Node;

    #[inline(always)]
    fn unigram(&self, word: u32, context: &[u32]) -> (Found, Node) {
        let longer = self.longer(0, context, u64::from(word));
        let weights = self.unigrams.get(word as usize);
        (weights.copied().unwrap_or_default().found(), longer)
    }

    #[inline(always)]
    fn middle(&self, matched: usize, context: &[u32], node: Node) -> Option<(Found, Node)> {
        let longer = self.longer(matched + 1, context, node.key);
        let weights = self.middle.get(matched)?.find_from(node.probe)?;
        Some((weights.found(), longer))
    }

    #[inline(always)]
    fn longest(&self, _: usize, _: &[u32], node: Node) -> Option<f32> {
        self.longest.find_from(node.probe)
    }
}
