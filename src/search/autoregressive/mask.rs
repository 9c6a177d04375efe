//! A set of tokens as bits.

use crate::error::Error;
use crate::memory::reserve;

/// A set of tokens of a vocabulary, a bit each: what grammar engines hand out.
///
/// ```
/// use widebeam::autoregressive::TokenMask;
///
/// let mask: TokenMask = [2, 3, 70].into_iter().collect();
/// assert!(mask.contains(70) && !mask.contains(4));
/// assert_eq!(mask.iter().collect::<Vec<_>>(), [2, 3, 70]);
/// ```
#[derive(Clone, Debug)]
pub struct TokenMask {
    words: Vec<u64>,
    /// Tokens from here on are left out.
    limit: u64,
}

/// The number of tokens that there can be, which is one too many for 32 bits.
const ALL: u64 = 1 << 32;

impl Default for TokenMask {
    fn default() -> Self {
        TokenMask {
            words: Vec::new(),
            limit: ALL,
        }
    }
}

/// Masks are equal that hold the same tokens.
impl PartialEq for TokenMask {
    fn eq(&self, other: &Self) -> bool {
        let (short, long) = match self.words.len() <= other.words.len() {
            true => (&self.words, &other.words),
            false => (&other.words, &self.words),
        };
        let (same, rest) = long.split_at(short.len());
        short == same && rest.iter().all(|&word| word == 0)
    }
}

impl Eq for TokenMask {}

impl TokenMask {
    /// The mask of bit `i % 64` of word `i / 64` for token `i`. Words past the
    /// last token that there can be, 2^32 - 1, are left out.
    pub fn from_words(mut words: Vec<u64>) -> Self {
        words.truncate((ALL / 64) as usize);
        TokenMask { words, limit: ALL }
    }

    /// Makes room for the tokens of a vocabulary; others are left out from now on.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, vocab: usize) -> Result<(), Error> {
        self.limit = vocab as u64;
        let more = vocab.div_ceil(64).saturating_sub(self.words.len());
        reserve(&mut self.words, more, "the mask of permitted tokens")
    }

    /// Adds a token.
    pub fn insert(&mut self, token: u32) {
        if u64::from(token) >= self.limit {
            return;
        }
        let word = token as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (token % 64);
    }

    /// Removes every token.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Whether a token is in the set.
    pub fn contains(&self, token: u32) -> bool {
        let word = self.words.get(token as usize / 64);
        word.is_some_and(|word| word >> (token % 64) & 1 == 1)
    }

    /// The number of tokens.
    pub fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The tokens, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let words = self.words.iter().enumerate();
        words.flat_map(|(i, &word)| {
            let lowest_taken = |&word: &u64| Some(word & word.wrapping_sub(1));
            let rest = std::iter::successors(Some(word), lowest_taken);
            let bits = rest.take_while(|&word| word != 0);
            bits.map(move |word| i as u32 * 64 + word.trailing_zeros())
        })
    }
}

impl FromIterator<u32> for TokenMask {
    fn from_iter<I: IntoIterator<Item = u32>>(tokens: I) -> Self {
        let mut mask = TokenMask::default();
        mask.extend(tokens);
        mask
    }
}

impl Extend<u32> for TokenMask {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, tokens: I) {
        tokens.into_iter().for_each(|token| self.insert(token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_the_same_tokens_are_equal_whatever_their_room() {
        let mask = |tokens: &[u32]| tokens.iter().copied().collect::<TokenMask>();
        let mut cleared = mask(&[1, 500]);
        assert_ne!(cleared, mask(&[1]));
        assert_ne!(mask(&[1]), cleared);
        cleared.clear();
        assert_eq!(cleared, TokenMask::default());
        assert_eq!(TokenMask::from_words(vec![2, 0, 0]), mask(&[1]));
        assert_ne!(TokenMask::from_words(vec![2, 0, 1]), mask(&[1]));
        assert_ne!(mask(&[1]), mask(&[2]));
    }

    #[test]
    fn tokens_beyond_the_vocabulary_take_no_memory() {
        let mut mask = TokenMask::default();
        mask.reserve(70).unwrap();
        let room = mask.words.capacity();
        for token in [69, 70, 71, u32::MAX] {
            mask.insert(token);
        }
        assert_eq!(mask.iter().collect::<Vec<_>>(), [69]);
        assert_eq!(mask.words.capacity(), room);
    }
}
