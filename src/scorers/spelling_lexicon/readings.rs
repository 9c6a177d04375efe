//! What a prefix may have been read as.

use crate::scorers::ngram::NgramState;

/// The most readings that a prefix keeps.
pub(super) const MAX_READINGS: usize = 8;

/// One way to read a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Where the word under way stands in the trie of spellings.
    pub(super) node: u32,
    /// The sum of the scores of the complete words.
    pub(super) base: f64,
    /// The complete words, as the model remembers them.
    pub(super) ngram: NgramState,
}

/// A reading whose word under way may be complete.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Completion {
    /// The score with that word.
    pub(super) base: f64,
    /// The word, by its place in the lexicon.
    pub(super) entry: u32,
    /// The rank of the reading.
    pub(super) from: u8,
}

/// Where a reading comes from: the rank of the reading before the last token, and the word
/// that the token completed, if one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Origin {
    pub(super) from: u8,
    pub(super) entry: Option<u32>,
}

/// What a [`SpellingLexicon`](super::SpellingLexicon) remembers of a prefix: its best
/// readings.
#[derive(Clone, Copy, Debug)]
pub struct SpellingState {
    readings: [Reading; MAX_READINGS],
    length: u8,
    completions: [Completion; MAX_READINGS],
    completed: u8,
    /// The value of the best reading.
    pub(super) best: f64,
    /// The greatest base of a completion.
    pub(super) best_completion: f64,
    /// Which tokens may follow, by their bits.
    pub(super) follow: u64,
}

impl SpellingState {
    pub(super) const EMPTY: SpellingState = SpellingState {
        readings: [Reading {
            node: 0,
            base: 0.0,
            ngram: NgramState::EMPTY,
        }; MAX_READINGS],
        length: 0,
        completions: [Completion {
            base: 0.0,
            entry: 0,
            from: 0,
        }; MAX_READINGS],
        completed: 0,
        best: f64::NEG_INFINITY,
        best_completion: f64::NEG_INFINITY,
        follow: 0,
    };

    /// The readings, best first.
    pub(super) fn readings(&self) -> &[Reading] {
        &self.readings[..usize::from(self.length)]
    }

    /// The best completions of the readings, in order of their ranks and of the lexicon.
    pub(super) fn completions(&self) -> &[Completion] {
        &self.completions[..usize::from(self.completed)]
    }
}

/// The best readings of all that are added, by value; of equal values the first. Of two that
/// the search cannot tell apart only the better one stays: they stand at the same node, and
/// the model remembers the same of them.
pub(super) struct Best {
    candidates: [Candidate; MAX_READINGS],
    length: usize,
    most: usize,
    added: u32,
}

#[derive(Clone, Copy)]
struct Candidate {
    value: f64,
    /// How many were added before.
    order: u32,
    reading: Reading,
    origin: Origin,
}

impl Candidate {
    const NOTHING: Candidate = Candidate {
        value: 0.0,
        order: 0,
        reading: Reading {
            node: 0,
            base: 0.0,
            ngram: NgramState::EMPTY,
        },
        origin: Origin {
            from: 0,
            entry: None,
        },
    };
}

impl Best {
    pub(super) fn new(most: usize) -> Self {
        Best {
            candidates: [Candidate::NOTHING; MAX_READINGS],
            length: 0,
            most: most.min(MAX_READINGS),
            added: 0,
        }
    }

    /// Adds a reading; one whose value is not finite is none.
    pub(super) fn add(&mut self, value: f64, reading: Reading, origin: Origin) {
        let order = self.added;
        self.added += 1;
        if !value.is_finite() {
            return;
        }
        let kept = &self.candidates[..self.length];
        let same = |other: &Candidate| {
            other.reading.node == reading.node && other.reading.ngram == reading.ngram
        };
        if let Some(place) = kept.iter().position(same) {
            if reading.base <= kept[place].reading.base {
                return;
            }
            self.candidates.copy_within(place + 1..self.length, place);
            self.length -= 1;
        }
        let kept = &self.candidates[..self.length];
        let place = kept.iter().take_while(|other| other.value >= value).count();
        if place == self.most {
            return;
        }
        let moved = self.length.min(self.most - 1);
        self.candidates.copy_within(place..moved, place + 1);
        self.candidates[place] = Candidate {
            value,
            order,
            reading,
            origin,
        };
        self.length = moved + 1;
    }

    /// Makes them the readings of a state, and writes where each comes from.
    pub(super) fn write(&self, state: &mut SpellingState, origins: &mut [Origin; MAX_READINGS]) {
        let kept = &self.candidates[..self.length];
        for (rank, candidate) in kept.iter().enumerate() {
            state.readings[rank] = candidate.reading;
            origins[rank] = candidate.origin;
        }
        state.length = self.length as u8;
        state.best = kept.first().map_or(f64::NEG_INFINITY, |best| best.value);
    }

    /// Makes them the completions of a state, in the order in which they were added.
    pub(super) fn write_completions(&mut self, state: &mut SpellingState) {
        let kept = &mut self.candidates[..self.length];
        let best = kept.first().map(|best| best.value);
        state.best_completion = best.unwrap_or(f64::NEG_INFINITY);
        kept.sort_unstable_by_key(|candidate| candidate.order);
        for (place, candidate) in kept.iter().enumerate() {
            state.completions[place] = Completion {
                base: candidate.reading.base,
                entry: candidate.origin.entry.unwrap_or(0),
                from: candidate.origin.from,
            };
        }
        state.completed = kept.len() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(most: usize, values: &[(f64, u32)]) -> Vec<(f64, u32)> {
        let mut best = Best::new(most);
        for &(base, node) in values {
            let ngram = NgramState::EMPTY;
            let reading = Reading { node, base, ngram };
            best.add(base, reading, Origin::default());
        }
        let mut state = SpellingState::EMPTY;
        best.write(&mut state, &mut [Origin::default(); MAX_READINGS]);
        let readings = state.readings().iter();
        readings
            .map(|reading| (reading.base, reading.node))
            .collect()
    }

    #[test]
    fn the_best_readings_are_kept_in_order_and_equal_ones_as_they_came() {
        let values = [(-2.0, 1), (-1.0, 2), (-2.0, 3), (-3.0, 4), (0.0, 5)];
        assert_eq!(
            added(8, &values),
            [(0.0, 5), (-1.0, 2), (-2.0, 1), (-2.0, 3), (-3.0, 4)]
        );
        assert_eq!(added(3, &values), [(0.0, 5), (-1.0, 2), (-2.0, 1)]);
        assert_eq!(added(1, &values), [(0.0, 5)]);
        assert_eq!(added(2, &[]), []);
        assert_eq!(added(2, &[(f64::NEG_INFINITY, 1), (f64::NAN, 2)]), []);
    }

    #[test]
    fn of_two_that_are_alike_the_better_stays_in_its_place() {
        assert_eq!(
            added(8, &[(-2.0, 1), (-1.0, 2), (-0.5, 1)]),
            [(-0.5, 1), (-1.0, 2)]
        );
        assert_eq!(
            added(8, &[(-2.0, 1), (-1.0, 2), (-3.0, 1)]),
            [(-1.0, 2), (-2.0, 1)]
        );
        // The better one came later than another of its value.
        assert_eq!(
            added(8, &[(-2.0, 1), (-1.0, 2), (-1.0, 1)]),
            [(-1.0, 2), (-1.0, 1)]
        );
        assert_eq!(
            added(2, &[(-2.0, 1), (-1.0, 2), (-1.0, 1), (-1.5, 3)]),
            [(-1.0, 2), (-1.0, 1)]
        );
    }
}
