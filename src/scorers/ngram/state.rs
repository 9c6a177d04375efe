//! What a model remembers of the words before.

use std::hash::{Hash, Hasher};

use super::MAX_ORDER;

/// The end of the words read so far that can still matter, as KenLM keeps it.
///
/// Two states are equal exactly if they are the same words; from then on the model gives
/// the same scores after both. A word that no longer n-gram of the model goes on from, and
/// that has no back-off, is left out.
///
/// The back-offs go with the words, so that a score needs no second search for them.
#[derive(Clone, Copy, Debug)]
pub struct NgramState {
    /// The last word first.
    words: [u32; MAX_ORDER - 1],
    /// The back-offs of the last word, of the last two words, and so on.
    backoffs: [f32; MAX_ORDER - 1],
    /// As wide as the others: one stored as a byte and read with its padding is slow.
    length: u32,
}

impl NgramState {
    /// That of no words.
    pub(crate) const EMPTY: NgramState = NgramState {
        words: [0; MAX_ORDER - 1],
        backoffs: [0.0; MAX_ORDER - 1],
        length: 0,
    };

    /// The last word first.
    #[inline]
    pub(super) fn words(&self) -> &[u32] {
        // Never cut: the compiler does not know that, and so checks nothing.
        &self.words[..(self.length as usize).min(MAX_ORDER - 1)]
    }

    #[inline]
    pub(super) fn backoffs(&self) -> &[f32] {
        &self.backoffs[..(self.length as usize).min(MAX_ORDER - 1)]
    }

    /// An upper bound of log10 P(w | state) over all words: an n-gram has at most 0, and the
    /// back-offs are added from the shortest on, so rounding keeps the order.
    #[inline]
    pub(crate) fn max_log10(&self) -> f32 {
        let lifted = |sum: f32, &backoff: &f32| sum + backoff.max(0.0);
        self.backoffs().iter().fold(0.0, lifted)
    }

    /// The back-off of the last word and so many before it, if a state can have one.
    #[inline(always)]
    pub(super) fn backoff(&self, place: usize) -> Option<f32> {
        self.backoffs.get(place).copied()
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    /// Writes down the n-gram that `word` completes at its start, `length` words long, with
    /// its back-off. The state gets that long if the n-gram can matter later.
    #[inline]
    pub(super) fn extend(&mut self, length: usize, word: u32, backoff: f32) {
        if let Some(place) = length.checked_sub(1).filter(|&place| place < MAX_ORDER - 1) {
            self.words[place] = word;
            self.backoffs[place] = backoff;
            if can_be_extended(backoff) {
                self.length = length as u32;
            }
        }
    }
}

impl PartialEq for NgramState {
    // A handful of words: a loop is faster than a call that compares memory.
    #[inline]
    fn eq(&self, other: &NgramState) -> bool {
        let pairs = self.words().iter().zip(other.words());
        self.length == other.length && pairs.fold(true, |same, (a, b)| same & (a == b))
    }
}

impl Eq for NgramState {}

impl Hash for NgramState {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.words().hash(hasher);
    }
}

/// The back-off of an n-gram that has none and that no longer n-gram begins with.
pub(super) const DEAD_END: f32 = -0.0;

/// Whether an n-gram matters to what follows it: it has a back-off, or a longer n-gram
/// begins with it. Of the back-off 0 the sign says the latter.
#[inline]
fn can_be_extended(backoff: f32) -> bool {
    backoff.to_bits() != DEAD_END.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher;

    #[test]
    fn words_that_cannot_matter_are_no_part_of_a_state() {
        let mut state = NgramState::EMPTY;
        state.extend(1, 7, -0.5);
        state.extend(2, 8, DEAD_END);
        let mut other = NgramState::EMPTY;
        other.extend(1, 7, -0.5);
        assert_eq!((state, state.words()), (other, &[7][..]));
        let hasher = std::hash::RandomState::new();
        assert_eq!(hasher.hash_one(state), hasher.hash_one(other));

        // A back-off of 0 whose n-gram goes on, and one beyond that which does not.
        state.extend(2, 8, 0.0);
        assert_eq!(state.words(), [7, 8]);
        assert_ne!(state, other);
        // A longer one counts whatever is between.
        let mut state = NgramState::EMPTY;
        state.extend(1, 7, DEAD_END);
        state.extend(2, 8, -1.0);
        assert_eq!(state.words(), [7, 8]);
        assert_eq!(state.backoffs(), [0.0, -1.0]);
    }

    #[test]
    fn an_n_gram_of_the_highest_order_fits_in_no_state() {
        let mut state = NgramState::EMPTY;
        state.extend(MAX_ORDER, 7, -0.5);
        assert_eq!(state, NgramState::EMPTY);
        state.extend(MAX_ORDER - 1, 7, -0.5);
        assert_eq!(state.words().len(), MAX_ORDER - 1);
    }
}
