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

impl Reading {
    pub(super) const NONE: Reading = Reading {
        node: 0,
        base: 0.0,
        ngram: NgramState::EMPTY,
    };
}

/// A reading whose word under way may be complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completion {
    /// The score with that word.
    pub(super) base: f64,
    /// The word, by its place in the lexicon.
    pub(super) entry: u32,
    /// The rank of the reading.
    pub(super) from: u8,
    /// The words up to that one, as the model remembers them.
    pub(super) ngram: NgramState,
}

impl Completion {
    const NONE: Completion = Completion {
        base: 0.0,
        entry: 0,
        from: 0,
        ngram: NgramState::EMPTY,
    };
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
    pub(super) readings: [Reading; MAX_READINGS],
    pub(super) length: u8,
    pub(super) completions: [Completion; MAX_READINGS],
    pub(super) completed: u8,
    /// The value of the best reading.
    pub(super) best: f64,
    /// The greatest base of a completion.
    pub(super) best_completion: f64,
    /// Which tokens may follow, by their bits.
    pub(super) follow: u64,
}

impl SpellingState {
    pub(super) const EMPTY: SpellingState = SpellingState {
        readings: [Reading::NONE; MAX_READINGS],
        length: 0,
        completions: [Completion::NONE; MAX_READINGS],
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
pub(super) struct Best<'a> {
    readings: &'a mut [Reading; MAX_READINGS],
    origins: &'a mut [Origin; MAX_READINGS],
    values: [f64; MAX_READINGS],
    /// How many were added before each.
    orders: [u32; MAX_READINGS],
    length: usize,
    most: usize,
    added: u32,
}

impl<'a> Best<'a> {
    /// At most so many, which are written to `readings` and `origins`.
    pub(super) fn new(
        most: usize,
        readings: &'a mut [Reading; MAX_READINGS],
        origins: &'a mut [Origin; MAX_READINGS],
    ) -> Self {
        Best {
            readings,
            origins,
            values: [f64::NEG_INFINITY; MAX_READINGS],
            orders: [0; MAX_READINGS],
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
        let kept = &self.readings[..self.length];
        let same = |other: &Reading| other.node == reading.node && other.ngram == reading.ngram;
        if let Some(place) = kept.iter().position(same) {
            if reading.base <= kept[place].base {
                return;
            }
            self.shift(place + 1, self.length, place);
            self.length -= 1;
        }
        let values = &self.values[..self.length];
        let place = values.iter().take_while(|&&other| other >= value).count();
        if place == self.most {
            return;
        }
        let moved = self.length.min(self.most - 1);
        self.shift(place, moved, place + 1);
        self.readings[place] = reading;
        self.origins[place] = origin;
        self.values[place] = value;
        self.orders[place] = order;
        self.length = moved + 1;
    }

    fn shift(&mut self, start: usize, end: usize, to: usize) {
        self.readings.copy_within(start..end, to);
        self.origins.copy_within(start..end, to);
        self.values.copy_within(start..end, to);
        self.orders.copy_within(start..end, to);
    }

    /// How many there are, and the value of the best one.
    pub(super) fn found(&self) -> (u8, f64) {
        (self.length as u8, self.values[0])
    }

    /// Writes them as completions, in the order in which they were added; returns what
    /// [`Best::found`] does.
    pub(super) fn write_completions(
        &self,
        completions: &mut [Completion; MAX_READINGS],
    ) -> (u8, f64) {
        let mut places: [usize; MAX_READINGS] = std::array::from_fn(|place| place);
        let places = &mut places[..self.length];
        places.sort_unstable_by_key(|&place| self.orders[place]);
        for (completion, &place) in completions.iter_mut().zip(&*places) {
            let (reading, origin) = (&self.readings[place], self.origins[place]);
            *completion = Completion {
                base: reading.base,
                entry: origin.entry.unwrap_or(0),
                from: origin.from,
                ngram: reading.ngram,
            };
        }
        self.found()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(most: usize, values: &[(f64, u32)]) -> Vec<(f64, u32)> {
        let mut readings = [Reading::NONE; MAX_READINGS];
        let mut origins = [Origin::default(); MAX_READINGS];
        let mut best = Best::new(most, &mut readings, &mut origins);
        for &(base, node) in values {
            let ngram = NgramState::EMPTY;
            let reading = Reading { node, base, ngram };
            best.add(base, reading, Origin::default());
        }
        let (length, value) = best.found();
        let readings = readings[..usize::from(length)].iter();
        let greatest = readings.clone().map(|reading| reading.base);
        assert_eq!(value, greatest.fold(f64::NEG_INFINITY, f64::max));
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
