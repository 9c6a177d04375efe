//! A lexicon of words as text.

use super::{PrefixScorer, text};

/// The only words that are allowed, in whichever tokens.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The words.
    pub words: Vec<Vec<u8>>,
    /// The bytes that each token spells; a space parts words.
    pub spellings: Vec<Vec<u8>>,
}

impl Allowed {
    /// The score of a whole input: whether all of its words are allowed.
    pub fn total(&self, tokens: &[u32]) -> f64 {
        let text = text::bytes(&self.spellings, tokens);
        let mut words = text
            .split(|&byte| byte == b' ')
            .filter(|word| !word.is_empty());
        Self::score(words.all(|word| self.has(word)))
    }

    fn score(allowed: bool) -> f64 {
        if allowed { 0.0 } else { f64::NEG_INFINITY }
    }

    fn has(&self, word: &[u8]) -> bool {
        self.words.iter().any(|other| other == word)
    }
}

impl PrefixScorer for Allowed {
    fn last(&self, prefix: &[u32]) -> f64 {
        let (words, under_way) = text::words(&self.spellings, prefix);
        let begins = self.words.iter().any(|word| word.starts_with(&under_way));
        let whole = words.iter().all(|word| self.has(word));
        Self::score(whole && (begins || under_way.is_empty()))
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        let (words, under_way) = text::words(&self.spellings, prefix);
        let whole = words.iter().all(|word| self.has(word));
        Self::score(whole && (self.has(&under_way) || under_way.is_empty()))
    }

    fn tries_all(&self) -> bool {
        true
    }
}
