//! Words that a hypothesis must be made of.

use super::scorer::Scorer;
use super::trie::{ROOT, Trie};
use crate::error::{Error, Kind};

/// Allows only hypotheses made of given words: at every moment the last word is
/// a prefix of one of them, and at the end of input it is one, or has not
/// begun.
#[derive(Clone, Debug)]
pub struct Lexicon {
    trie: Trie,
    whole: Vec<bool>,
    separator: Option<u32>,
}

impl Lexicon {
    /// A lexicon of words, each a sequence of tokens. `separator` is the token
    /// between two words; without one a hypothesis is a single word.
    ///
    /// # Errors
    ///
    /// If a word is empty or holds the separator.
    pub fn new<T: AsRef<[u32]>>(words: &[T], separator: Option<u32>) -> Result<Self, Error> {
        let mut trie = Trie::default();
        let mut whole = vec![false];
        for (index, word) in words.iter().enumerate() {
            let word = word.as_ref();
            if word.is_empty() {
                return Err(Kind::EmptySequence { index }.into());
            }
            if let Some(separator) = separator.filter(|separator| word.contains(separator)) {
                return Err(Kind::SeparatorInWord { index, separator }.into());
            }
            let end = word
                .iter()
                .fold(ROOT, |node, &token| trie.insert(node, token));
            whole.resize(trie.len(), false);
            whole[end as usize] = true;
        }
        Ok(Lexicon {
            trie,
            whole,
            separator,
        })
    }

    /// Where a token leads, if it may follow.
    fn next(&self, node: u32, token: u32) -> Option<u32> {
        if self.separator == Some(token) {
            self.whole[node as usize].then_some(ROOT)
        } else {
            self.trie.child(node, token)
        }
    }
}

/// Where a prefix stands in the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LexiconState(u32);

impl Scorer for Lexicon {
    type State = LexiconState;

    fn start(&self) -> LexiconState {
        LexiconState(ROOT)
    }

    fn score(&self, state: &LexiconState, token: u32) -> f64 {
        match self.next(state.0, token) {
            Some(_) => 0.0,
            None => f64::NEG_INFINITY,
        }
    }

    /// What is forbidden leads to the root; no search goes there.
    fn advance(&self, state: &LexiconState, token: u32) -> LexiconState {
        LexiconState(self.next(state.0, token).unwrap_or(ROOT))
    }

    fn finish(&self, state: &LexiconState) -> f64 {
        if state.0 == ROOT || self.whole[state.0 as usize] {
            0.0
        } else {
            f64::NEG_INFINITY
        }
    }
}
