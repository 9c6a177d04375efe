//! Words that a hypothesis must be made of.

use std::sync::Arc;

use super::scorer::Scorer;
use super::trie::{ROOT, Trie};
use super::vocabulary::{Spellings, Vocabulary};
use crate::error::{Error, Kind};
use crate::memory::reserve;

/// Allows only hypotheses whose text is made of given words, in whichever tokens: at every
/// moment the word under way is the start of one of them.
///
/// A space is allowed after a whole word, and where no word is under way. At the end of
/// input the last word is whole, or has not begun. A token that spells nothing is always
/// allowed. A token is read byte by byte in a trie of the words.
///
/// ```
/// use widebeam::ctc::Blank;
/// use widebeam::scorers::{Lexicon, Scorer, Vocabulary};
///
/// let labels = ["", "\u{2581}turn", "\u{2581}l", "eft", "\u{2581}left"];
/// let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
/// let lexicon = Lexicon::new(&["turn", "left"], &vocabulary)?;
/// let turn = lexicon.advance(&lexicon.start(), 1);
/// assert_eq!(lexicon.score(&turn, 2), 0.0);
/// assert_eq!(lexicon.score(&turn, 3), f64::NEG_INFINITY);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lexicon {
    trie: Trie<u8>,
    /// At which nodes a word may end, or none is under way.
    between: Vec<bool>,
    spellings: Arc<Spellings>,
    /// Where each token leads from the root.
    from_root: Vec<Option<u32>>,
}

impl Lexicon {
    /// A lexicon of words, which the tokens of a vocabulary spell. A word that they cannot
    /// spell is never found; [`Speller`](super::Speller) tells which.
    ///
    /// # Errors
    ///
    /// If a word is empty or has a space in it, if memory runs out, or if the words have more
    /// than `u32::MAX` starts.
    pub fn new<T: AsRef<str>>(words: &[T], vocabulary: &Vocabulary) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        reserve(&mut bytes, words.len(), "the words of a lexicon")?;
        for (index, word) in words.iter().enumerate() {
            let word = word.as_ref();
            if word.is_empty() {
                return Err(Kind::EmptySequence { index }.into());
            }
            if word.contains(' ') {
                return Err(Kind::SpaceInWord { index }.into());
            }
            bytes.push(word.as_bytes());
        }
        let (trie, ends) = Trie::new(&bytes)?;
        let mut between = trie.marks(&ends)?;
        between[ROOT as usize] = true;
        let spellings = Arc::clone(vocabulary.spellings());
        let mut lexicon = Lexicon {
            trie,
            between,
            spellings: Arc::clone(&spellings),
            from_root: Vec::new(),
        };
        reserve(
            &mut lexicon.from_root,
            spellings.len(),
            "the tokens of a lexicon",
        )?;
        for spelling in spellings.iter() {
            let to = lexicon.read(ROOT, spelling);
            lexicon.from_root.push(to);
        }
        Ok(lexicon)
    }

    /// Where a token leads, if it may follow.
    #[inline]
    fn next(&self, node: u32, token: u32) -> Option<u32> {
        if node == ROOT {
            // Where no token is known, none spells anything.
            return self
                .from_root
                .get(token as usize)
                .map_or(Some(ROOT), |&to| to);
        }
        self.read(node, self.spellings.of(token))
    }

    fn read(&self, node: u32, bytes: &[u8]) -> Option<u32> {
        bytes.iter().try_fold(node, |node, &byte| match byte {
            b' ' => self.between[node as usize].then_some(ROOT),
            _ => self.trie.child(node, byte),
        })
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
        if self.between[state.0 as usize] {
            0.0
        } else {
            f64::NEG_INFINITY
        }
    }

    fn max_score(&self, _: &LexiconState) -> f64 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blank::Blank;
    use crate::scorers::WordBoundary;
    use proptest::prelude::*;

    /// Whether words make a text: its last one may be cut short, unless it has ended.
    fn allows(words: &[&str], text: &[u8], ended: bool) -> bool {
        let mut parts: Vec<&[u8]> = text.split(|&byte| byte == b' ').collect();
        let last = parts.pop().unwrap();
        let is_word =
            |part: &[u8]| part.is_empty() || words.iter().any(|word| word.as_bytes() == part);
        let begins = |part: &[u8]| words.iter().any(|word| word.as_bytes().starts_with(part));
        parts.into_iter().all(is_word) && (is_word(last) || !ended && begins(last))
    }

    fn check(words: &[&str], labels: &[&str], boundary: Option<WordBoundary>) {
        let mut vocabulary = Vocabulary::new(labels, Some(Blank(0)));
        if let Some(boundary) = boundary {
            vocabulary = vocabulary.with_boundary(boundary).unwrap();
        }
        let lexicon = Lexicon::new(words, &vocabulary).unwrap();
        let score = |allowed| if allowed { 0.0 } else { f64::NEG_INFINITY };
        let mut prefixes = vec![(vec![], lexicon.start(), 0)];
        while let Some((text, state, length)) = prefixes.pop() {
            assert_eq!(lexicon.finish(&state), score(allows(words, &text, true)));
            // One token more is not in the vocabulary.
            for token in 0..=labels.len() as u32 {
                let longer = [&text[..], vocabulary.spelling(token)].concat();
                let allowed = allows(words, &longer, false);
                assert_eq!(lexicon.score(&state, token), score(allowed), "{longer:?}");
                if allowed && length < 4 {
                    prefixes.push((longer, lexicon.advance(&state, token), length + 1));
                }
            }
        }
    }

    #[test]
    fn words_are_allowed_in_every_spelling_and_nothing_else() {
        let pieces = ["", "\u{2581}a", "b", "\u{2581}", "\u{2581}ab\u{2581}a", "a"];
        let bytes = ["", "<0xC3>", "<0xA4>", "a\u{e4}", "|", "<unk>"];
        let before = ["", "a", "##b", "ab"];
        let after = ["", "a@@", "b", "ab"];
        for words in [
            &["ab"][..],
            &["a", "ab", "b"],
            &["a\u{e4}", "\u{e4}", "\u{e5}"],
            &["bb"],
            &[],
        ] {
            for labels in [&pieces[..], &bytes, &before, &after] {
                check(words, labels, None);
                check(words, labels, Some(WordBoundary::EveryToken));
            }
        }
    }

    proptest! {
        #[test]
        fn random_words_are_allowed_in_every_spelling(
            words in prop::collection::vec("[ab]{1,4}", 0..4),
            labels in prop::collection::vec("[ab ]{1,3}", 1..5),
        ) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let labels: Vec<&str> = std::iter::once("").chain(labels.iter().map(|l| &**l)).collect();
            check(&words, &labels, None);
        }
    }
}
