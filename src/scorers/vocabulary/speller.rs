//! Which texts tokens can spell.

use std::sync::Arc;

use super::endings::Endings;
use super::spellings::Spellings;
use super::suffixes::Suffixes;
use crate::error::Error;
use crate::scorers::phrase_text::phrase_text;
use crate::scorers::trie::ROOT;

/// Says which texts the tokens of a vocabulary can spell: whether a phrase or a word of a
/// lexicon can ever be found. [`Vocabulary::speller`](super::Vocabulary::speller) makes it.
///
/// ```
/// use widebeam::ctc::Blank;
/// use widebeam::scorers::Vocabulary;
///
/// let vocabulary = Vocabulary::new(&["", "\u{2581}he", "llo", "l", "o"], Some(Blank(0)));
/// let speller = vocabulary.speller()?;
/// assert!(speller.can_spell("hello", true) && speller.can_spell("hell", false));
/// // Some word has "ell" in it, none is "ell".
/// assert!(speller.can_spell("ell", false) && !speller.can_spell("ell", true));
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Speller {
    endings: Endings,
    suffixes: Suffixes,
    /// Those of the sorted suffixes that follow a space within their spelling.
    after_spaces: Vec<usize>,
}

impl Speller {
    pub(super) fn new(spellings: &Arc<Spellings>) -> Result<Self, Error> {
        let (tokens, whole) = spellings.trie()?;
        let suffixes = Suffixes::new(Arc::clone(spellings))?;
        let after_spaces = suffixes.after_spaces()?;
        Ok(Speller {
            endings: Endings::new(tokens, &whole)?,
            suffixes,
            after_spaces,
        })
    }

    /// Whether some sequence of tokens has this text in it.
    ///
    /// The text is read as [`Phrases::from_text`](crate::scorers::Phrases::from_text) does. It
    /// may begin and end within the text of a token. With `whole_words` it must stand between
    /// word boundaries: begin with a token, or after a space within one, and end with a token,
    /// or before a space within one.
    ///
    /// A text of n bytes takes O(n log V + n D) steps, if all tokens spell V bytes and at most D
    /// of them are ends of one token.
    pub fn can_spell(&self, text: &str, whole_words: bool) -> bool {
        let text = phrase_text(text);
        let text = text.as_bytes();
        // At which places of the text a token may begin.
        let mut begins = vec![false; text.len() + 1];
        begins[0] = true;
        if self.goes_on(text, whole_words, &mut begins) {
            return true;
        }
        // What the text so far begins: its first token may have begun before it.
        let mut alike = match whole_words {
            true => &self.after_spaces,
            false => self.suffixes.sorted(),
        };
        for (place, &byte) in text.iter().enumerate() {
            alike = self.suffixes.narrow(alike, place, byte);
            let Some(&shortest) = alike.first() else {
                return self.goes_on(text, whole_words, &mut begins);
            };
            begins[place + 1] |= self.suffixes.suffix(shortest).len() == place + 1;
        }
        // The text is within one token, or else in several.
        !whole_words
            || !self.suffixes.narrow(alike, text.len(), b' ').is_empty()
            || self.goes_on(text, whole_words, &mut begins)
    }

    /// Whether tokens spell the rest of a text from one of the places in `begins` on, to which
    /// it adds those where another token may begin.
    fn goes_on(&self, text: &[u8], whole_words: bool, begins: &mut [bool]) -> bool {
        let mut node = ROOT;
        for (place, &byte) in (1..).zip(text) {
            node = self.endings.next(node, byte);
            let mut starts = self.endings.tokens(node).map(|length| place - length);
            begins[place] = begins[place] || starts.any(|start| begins[start]);
        }
        // The text may end within a token.
        let mut starts = self.endings.begun(node, whole_words);
        begins[text.len()] || starts.any(|length| begins[text.len() - length])
    }
}
