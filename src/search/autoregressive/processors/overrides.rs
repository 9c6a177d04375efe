//! The tokens of one row whose scores differ from what was read.

use crate::error::Error;
use crate::memory::{reserve, resize};

/// A sparse set of scores over the vocabulary. Beginning anew costs what was
/// set before, not the vocabulary.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Overrides {
    entries: Vec<(u32, f64)>,
    /// For each token, one past its place in `entries`, or 0.
    places: Vec<u32>,
    /// Whether every token without an entry is impossible.
    only: bool,
    /// The round in which each token was last met.
    met: Vec<u32>,
    round: u32,
    kept: Vec<(u32, f64)>,
}

impl Overrides {
    /// The bytes of a set for a vocabulary of `vocab` tokens.
    pub(in super::super) fn bytes_needed(vocab: usize) -> usize {
        vocab.saturating_mul(2 * size_of::<u32>() + 2 * size_of::<(u32, f64)>())
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
        self.only = false;
    }

    pub(in super::super) fn vocab(&self) -> usize {
        self.places.len()
    }

    /// Whether tokens without an entry are impossible.
    pub(in super::super) fn only(&self) -> bool {
        self.only
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && !self.only
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
            None if self.only => {}
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
                match self.get(token) {
                    Some(score) => kept.push((token, score)),
                    None if self.only => {}
                    None => kept.push((token, base(token))),
                }
            }
        }
        self.clear();
        for &(token, score) in &kept {
            self.insert(token, score);
        }
        self.only = true;
        self.kept = kept;
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
