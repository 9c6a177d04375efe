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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenMask {
    words: Vec<u64>,
}

impl TokenMask {
    /// The mask of bit `i % 64` of word `i / 64` for token `i`. Words past the
    /// last token that there can be, 2^32 - 1, are left out.
    pub fn from_words(mut words: Vec<u64>) -> Self {
        words.truncate(1 << 26);
        TokenMask { words }
    }

    /// Makes room for the tokens of a vocabulary.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, vocab: usize) -> Result<(), Error> {
        let more = vocab.div_ceil(64).saturating_sub(self.words.len());
        reserve(&mut self.words, more, "the mask of permitted tokens")
    }

    /// Adds a token.
    pub fn insert(&mut self, token: u32) {
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
