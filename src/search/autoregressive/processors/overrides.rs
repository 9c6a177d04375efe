//! The tokens of one row whose scores differ from what was read.

use std::ops::Range;

use crate::error::Error;
use crate::memory::{reserve, resize};

/// What the tokens without an entry are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Rest {
    /// What was read.
    #[default]
    AsRead,
    /// Impossible. Before the log-softmax they keep their places in the row.
    Impossible,
    /// Excluded: impossible, whatever is set later. Before the log-softmax the others are a
    /// row of their own.
    Excluded,
}

/// A sparse set of scores over the vocabulary. Beginning anew costs what was
/// set before, not the vocabulary.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Overrides {
    entries: Vec<(u32, f64)>,
    /// For each token, one past its place in `entries`, or 0.
    places: Vec<u32>,
    rest: Rest,
    /// The round in which each token was last met.
    met: Vec<u32>,
    round: u32,
    kept: Vec<(u32, f64)>,
    /// How often each token was counted; 0 between two counts.
    counts: Vec<u32>,
}

impl Overrides {
    /// The bytes of a set for a vocabulary of `vocab` tokens.
    pub(in super::super) fn bytes_needed(vocab: usize) -> usize {
        vocab.saturating_mul(3 * size_of::<u32>() + 2 * size_of::<(u32, f64)>())
    }

    /// Readies the set for a vocabulary of `vocab` tokens: no score that is set
    /// asks for memory.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(in super::super) fn resize(&mut self, vocab: usize) -> Result<(), Error> {
        let what = "processed scores";
        resize(&mut self.places, vocab, what)?;
        resize(&mut self.met, vocab, what)?;
        resize(&mut self.counts, vocab, what)?;
        // A token has one entry at most.
        reserve(&mut self.entries, vocab, what)?;
        self.kept.clear();
        reserve(&mut self.kept, vocab, what)
    }

    pub(in super::super) fn clear(&mut self) {
        for &(token, _) in &self.entries {
            self.places[token as usize] = 0;
        }
        self.entries.clear();
        self.rest = Rest::AsRead;
    }

    pub(in super::super) fn vocab(&self) -> usize {
        self.places.len()
    }

    /// Whether tokens without an entry are impossible.
    pub(in super::super) fn only(&self) -> bool {
        self.rest != Rest::AsRead
    }

    /// What tokens without an entry are.
    pub(in super::super) fn rest(&self) -> Rest {
        self.rest
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && !self.only()
    }

    pub(in super::super) fn entries(&self) -> &[(u32, f64)] {
        &self.entries
    }

    pub(in super::super) fn entries_mut(&mut self) -> &mut [(u32, f64)] {
        &mut self.entries
    }

    /// The score set for a token of the vocabulary.
    pub(in super::super) fn get(&self, token: u32) -> Option<f64> {
        let place = self.places[token as usize].checked_sub(1)?;
        Some(self.entries[place as usize].1)
    }

    pub(in super::super) fn contains(&self, token: u32) -> bool {
        self.places[token as usize] != 0
    }

    /// Sets the score of a token of the vocabulary, unless it is excluded.
    pub(in super::super) fn set(&mut self, token: u32, score: f64) {
        match self.places[token as usize].checked_sub(1) {
            Some(place) => self.entries[place as usize].1 = score,
            None if self.rest == Rest::Excluded => {}
            None => self.insert(token, score),
        }
    }

    fn insert(&mut self, token: u32, score: f64) {
        self.entries.push((token, score));
        self.places[token as usize] = self.entries.len() as u32;
    }

    /// Excludes every token but `permitted`, which are within the vocabulary;
    /// `base` is the score of those not set so far.
    pub(in super::super) fn retain(
        &mut self,
        permitted: impl Iterator<Item = u32>,
        base: impl Fn(u32) -> f64,
    ) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        self.begin_round();
        for token in permitted {
            if self.meet(token) {
                match (self.get(token), self.rest) {
                    (Some(score), _) => kept.push((token, score)),
                    (None, Rest::Excluded) => {}
                    (None, Rest::Impossible) => kept.push((token, f64::NEG_INFINITY)),
                    (None, Rest::AsRead) => kept.push((token, base(token))),
                }
            }
        }
        self.clear();
        for &(token, score) in &kept {
            self.insert(token, score);
        }
        self.rest = Rest::Excluded;
        self.kept = kept;
    }

    /// Makes a range of tokens of the vocabulary impossible; `base` is the score of those not
    /// set so far. O(the tokens of the range or the others, whichever are fewer).
    pub(in super::super) fn forbid(&mut self, range: Range<usize>, base: impl Fn(u32) -> f64) {
        if self.only() || range.len() > self.vocab() / 2 {
            for (token, score) in &mut self.entries {
                if range.contains(&(*token as usize)) {
                    *score = f64::NEG_INFINITY;
                }
            }
        } else {
            for token in range.clone() {
                self.set(token as u32, f64::NEG_INFINITY);
            }
        }
        if !self.only() && range.len() > self.vocab() / 2 {
            for token in (0..range.start).chain(range.end..self.vocab()) {
                let token = token as u32;
                if !self.contains(token) {
                    self.insert(token, base(token));
                }
            }
            self.rest = Rest::Impossible;
        }
    }

    /// Counts tokens: `each` gets every one of the vocabulary among them once, and how often
    /// it occurs.
    pub(in super::super) fn count(
        &mut self,
        tokens: &[u32],
        mut each: impl FnMut(&mut Self, u32, usize),
    ) {
        let vocab = self.vocab();
        let within = || tokens.iter().filter(|&&token| (token as usize) < vocab);
        for &token in within() {
            self.counts[token as usize] += 1;
        }
        for &token in within() {
            let count = std::mem::take(&mut self.counts[token as usize]);
            if count > 0 {
                each(self, token, count as usize);
            }
        }
    }

    /// Forgets what [`Overrides::count`] was counting when a function of the caller panicked.
    pub(in super::super) fn forget_counts(&mut self) {
        self.counts.fill(0);
    }

    /// Puts the entries in the order of their tokens.
    pub(in super::super) fn sort(&mut self) {
        self.entries.sort_unstable_by_key(|&(token, _)| token);
        for (place, &(token, _)) in self.entries.iter().enumerate() {
            self.places[token as usize] = place as u32 + 1;
        }
    }

    /// Starts a round in which no token was met.
    pub(in super::super) fn begin_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            mark!("the rounds of overrides start again");
            self.met.fill(0);
            self.round = 1;
        }
    }

    /// Whether this is the first time in the round that the token is met.
    pub(in super::super) fn meet(&mut self, token: u32) -> bool {
        let met = &mut self.met[token as usize];
        let first = *met != self.round;
        *met = self.round;
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks;

    #[test]
    fn a_token_is_met_once_a_round_when_rounds_start_again() {
        let mut overrides = Overrides::default();
        overrides.resize(3).unwrap();
        overrides.begin_round();
        assert!(overrides.meet(0) && !overrides.meet(0));
        assert!(overrides.meet(1));
        // Round 1 comes again after all others, and nothing of the first is left.
        overrides.round = u32::MAX;
        marks::expect("the rounds of overrides start again", || {
            overrides.begin_round();
        });
        assert_eq!(overrides.round, 1);
        for token in [2, 0, 1] {
            assert!(overrides.meet(token) && !overrides.meet(token));
        }
        overrides.begin_round();
        assert!(overrides.meet(0));
    }

    #[test]
    fn overrides_hold_one_score_a_token_and_forget_all_of_them() {
        let mut overrides = Overrides::default();
        overrides.resize(4).unwrap();
        assert!(overrides.is_empty() && !overrides.only() && overrides.vocab() == 4);
        for (token, score) in [(3, -1.0), (1, -2.0), (3, -3.0)] {
            overrides.set(token, score);
        }
        assert_eq!(overrides.entries(), [(3, -3.0), (1, -2.0)]);
        assert!(!overrides.is_empty());
        overrides.sort();
        assert_eq!(overrides.entries(), [(1, -2.0), (3, -3.0)]);
        let all: Vec<_> = (0..4).map(|token| overrides.get(token)).collect();
        assert_eq!(all, [None, Some(-2.0), None, Some(-3.0)]);
        overrides.set(1, -4.0);
        assert_eq!(overrides.entries(), [(1, -4.0), (3, -3.0)]);
        // What is retained: twice the same, one that was set, one that was not.
        overrides.retain([3, 0, 3].into_iter(), |token| f64::from(token) - 10.0);
        assert_eq!(overrides.entries(), [(3, -3.0), (0, -10.0)]);
        overrides.set(1, -1.0);
        let there: Vec<_> = (0..4).map(|token| overrides.contains(token)).collect();
        assert_eq!(there, [true, false, false, true]);
        assert!(overrides.only());
        overrides.retain([0, 1].into_iter(), |_| {
            unreachable!("all others are excluded")
        });
        assert_eq!(overrides.entries(), [(0, -10.0)]);
        overrides.retain([].into_iter(), |_| -1.0);
        assert!(overrides.entries().is_empty() && !overrides.is_empty());
        overrides.clear();
        assert!(overrides.is_empty() && !overrides.only());
        assert!((0..4).all(|token| !overrides.contains(token)));
    }
}
