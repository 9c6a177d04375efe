//! The scorer's states of the prefixes alive.

use crate::error::Error;
use crate::memory::reserve;
use crate::scorers::Scorer;

/// States that stay where they are while the ranks of their prefixes change: a prefix that
/// is carried over keeps its place, so no state is copied.
#[derive(Clone, Debug)]
pub(super) struct States<T> {
    values: Vec<T>,
    free: Vec<u32>,
    /// By rank, whether the prefix is carried over.
    kept: Vec<bool>,
}

impl<T> Default for States<T> {
    fn default() -> Self {
        States {
            values: Vec::new(),
            free: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl<T> States<T> {
    /// States without a size are all the same: one stands for all.
    const ONE: bool = size_of::<T>() == 0;

    /// Drops all states and makes room for those of two beams, the old one and the new one.
    pub(super) fn reset(&mut self, beams: usize) -> Result<(), Error> {
        let what = "the states of the scorer";
        self.values.clear();
        self.free.clear();
        self.kept.clear();
        if !Self::ONE {
            reserve(&mut self.values, 2 * beams, what)?;
            reserve(&mut self.free, 2 * beams, what)?;
            reserve(&mut self.kept, beams, what)?;
        }
        Ok(())
    }

    /// Bytes that [`States::reset`] allocates for each prefix of a beam.
    pub(super) const BYTES_A_PREFIX: usize = if Self::ONE {
        0
    } else {
        2 * (size_of::<T>() + size_of::<u32>()) + 1
    };

    /// Takes a state; returns its place.
    pub(super) fn insert(&mut self, state: T) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.values[place as usize] = state;
                place
            }
            None if Self::ONE && !self.values.is_empty() => 0,
            None => {
                self.values.push(state);
                self.values.len() as u32 - 1
            }
        }
    }

    /// Makes the state that follows that of a place by a token; returns its place.
    #[inline]
    pub(super) fn advance<S: Scorer<State = T>>(
        &mut self,
        scorer: &S,
        place: u32,
        token: u32,
    ) -> u32 {
        if let Some(&to) = self.free.last()
            && let Ok([from, next]) = self
                .values
                .get_disjoint_mut([place, to].map(|at| at as usize))
        {
            self.free.pop();
            scorer.advance_into(from, token, next);
            return to;
        }
        self.insert(scorer.advance(self.get(place), token))
    }

    #[inline]
    pub(super) fn get(&self, place: u32) -> &T {
        &self.values[place as usize]
    }

    /// A new beam is made of one with so many prefixes.
    pub(super) fn begin(&mut self, length: usize) {
        if !Self::ONE {
            self.kept.clear();
            self.kept.resize(length, false);
        }
    }

    /// The prefix of a rank is carried over.
    #[inline]
    pub(super) fn keep(&mut self, rank: usize) {
        if !Self::ONE {
            self.kept[rank] = true;
        }
    }

    /// The new beam is made: what was not kept of the old one, which has these places, is
    /// free.
    pub(super) fn end(&mut self, places: &[u32]) {
        let dropped = places.iter().zip(&self.kept);
        let dropped = dropped.filter_map(|(&place, &kept)| (!kept).then_some(place));
        self.free.extend(dropped);
    }

    /// Makes the places of prefixes free that have left the beam.
    pub(super) fn release(&mut self, places: &[u32]) {
        if !Self::ONE {
            self.free.extend_from_slice(places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_kept_states_stay() {
        let mut states = States::default();
        states.reset(2).unwrap();
        let room = states.values.capacity();
        let mut beam = vec![states.insert(10), states.insert(11)];
        for step in 0..100 {
            states.begin(beam.len());
            // The second is carried over and becomes the first; the first is extended.
            states.keep(1);
            let new = states.insert(step);
            states.end(&beam);
            beam = vec![beam[1], new];
            assert_eq!(*states.get(beam[1]), step);
            let before = if step == 0 { 11 } else { step - 1 };
            assert_eq!(*states.get(beam[0]), before);
        }
        assert!(states.values.len() <= 4 && states.values.capacity() == room);
        states.release(&beam);
        assert_eq!(states.free.len(), states.values.len());
    }

    #[test]
    fn states_without_a_size_take_no_memory() {
        let mut states = States::default();
        states.reset(1 << 20).unwrap();
        assert_eq!((states.insert(()), states.insert(())), (0, 0));
        states.begin(2);
        states.keep(0);
        states.end(&[0, 0]);
        states.release(&[0, 0]);
        assert_eq!((states.insert(()), states.free.capacity()), (0, 0));
        assert_eq!(States::<()>::BYTES_A_PREFIX, 0);
        let () = states.get(0);
    }
}
