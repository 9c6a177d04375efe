//! The text of tokens.

mod boundary;
mod endings;
mod speller;
mod spellings;
mod suffixes;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

pub use boundary::WordBoundary;
use boundary::{CONTINUED, DELIMITERS, GOES_ON, WORD_MARK};
pub use speller::Speller;
pub(super) use spellings::Spellings;

use crate::blank::Blank;
use crate::error::{Error, Kind};

/// The tokens of a vocabulary as text: what each spells, and where words part.
///
/// A token spells its label. Marks of [`WordBoundary`] spell a space or nothing, and a
/// label `<0xC3>` spells that byte: bytes join to UTF-8. The blank spells nothing, nor do
/// the usual special tokens: `<unk>`, `<pad>`, `<s>`, `</s>`, `<bos>`, `<eos>`, `<sos>`,
/// `<sos/eos>`, `<mask>`, `<blank>`, `<blk>`, `<eps>`, `<epsilon>`, `<ctc>`, `<null>`,
/// `[UNK]`, `[PAD]`, `[CLS]`, `[SEP]` and `[MASK]`, in capitals or not.
///
/// ```
/// use widebeam::ctc::Blank;
/// use widebeam::scorers::{Vocabulary, WordBoundary};
///
/// let labels = ["<blank>", "\u{2581}he", "llo", "\u{2581}you"];
/// let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
/// assert_eq!(vocabulary.boundary(), WordBoundary::BeginMark);
/// assert_eq!(vocabulary.text(&[1, 2, 3])?, "hello you");
/// let words = vocabulary.words(&[1, 2, 3])?;
/// assert_eq!((&*words[0].text, &words[0].tokens), ("hello", &(0..2)));
///
/// // The frames at which the tokens of a word begin, from those of a CTC hypothesis.
/// let frames = [3u32, 7, 12];
/// assert_eq!(frames[words[0].tokens.clone()], [3, 7]);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vocabulary {
    labels: Vec<String>,
    tokens: HashMap<String, u32>,
    boundary: WordBoundary,
    blank: Option<Blank>,
    spellings: Arc<Spellings>,
}

/// A word of some tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Word {
    /// Its text.
    pub text: String,
    /// Which of the tokens spell it, by their places.
    pub tokens: Range<usize>,
}

impl Vocabulary {
    /// The vocabulary of labels in order of the token ids. Of equal labels the first is that
    /// of [`Vocabulary::token`].
    ///
    /// Words part as the labels show: by a label that begins with U+2581; or else with `##`;
    /// or else that ends with `@@`; or else by the label of a space, `|`, `<space>` or
    /// `<wb>`, in this order, which is a delimiter. With none of them, [`WordBoundary::Space`].
    pub fn new<L: AsRef<str>>(labels: &[L], blank: Option<Blank>) -> Self {
        let labels: Vec<String> = labels.iter().map(|l| l.as_ref().to_owned()).collect();
        let mut tokens = HashMap::new();
        for (token, label) in (0..).zip(&labels) {
            if !label.is_empty() && blank != Some(Blank(token)) {
                tokens.entry(label.clone()).or_insert(token);
            }
        }
        let boundary = found_boundary(&labels, &tokens);
        let spellings = Arc::new(Spellings::new(&labels, boundary, blank));
        Vocabulary {
            labels,
            tokens,
            boundary,
            blank,
            spellings,
        }
    }

    /// The same vocabulary with words parted in another way.
    ///
    /// # Errors
    ///
    /// If there is no token of a [`WordBoundary::Delimiter`].
    pub fn with_boundary(mut self, boundary: WordBoundary) -> Result<Self, Error> {
        if let WordBoundary::Delimiter(token) = boundary {
            let (what, vocab) = ("the word delimiter", self.len());
            if token as usize >= vocab {
                return Err(Kind::UnknownToken { what, token, vocab }.into());
            }
        }
        self.boundary = boundary;
        self.spellings = Arc::new(Spellings::new(&self.labels, boundary, self.blank));
        Ok(self)
    }

    /// How words part.
    pub fn boundary(&self) -> WordBoundary {
        self.boundary
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The first token with exactly this label; the blank has none.
    pub fn token(&self, label: &str) -> Option<u32> {
        self.tokens.get(label).copied()
    }

    /// The label of a token, if there is such a token.
    pub fn label(&self, token: u32) -> Option<&str> {
        self.labels.get(token as usize).map(String::as_str)
    }

    /// The labels by token.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The bytes that a token spells; spaces part words. Empty for the blank, and for what
    /// is no token.
    pub fn spelling(&self, token: u32) -> &[u8] {
        self.spellings.of(token)
    }

    /// The spellings, to be shared with a scorer over text.
    pub(super) fn spellings(&self) -> &Arc<Spellings> {
        &self.spellings
    }

    /// What says which texts the tokens can spell.
    ///
    /// # Errors
    ///
    /// If memory runs out, or the tokens spell more than 4 GiB.
    pub fn speller(&self) -> Result<Speller, Error> {
        Speller::new(&self.spellings)
    }

    /// The text of some tokens. The space before a first word that is marked, or after a
    /// last one, is left out. What is not UTF-8 becomes U+FFFD.
    ///
    /// # Errors
    ///
    /// If a token is not in the vocabulary.
    pub fn text(&self, tokens: &[u32]) -> Result<String, Error> {
        let mut bytes = Vec::new();
        for &token in tokens {
            self.check(token)?;
            bytes.extend_from_slice(self.spelling(token));
        }
        let text = match self.boundary {
            WordBoundary::BeginMark | WordBoundary::ContinueMark => bytes.strip_prefix(b" "),
            WordBoundary::GoOnMark | WordBoundary::EveryToken => bytes.strip_suffix(b" "),
            WordBoundary::Space | WordBoundary::Delimiter(_) => None,
        };
        Ok(String::from_utf8_lossy(text.unwrap_or(&bytes)).into_owned())
    }

    /// The words of some tokens, which are what stands between spaces.
    ///
    /// # Errors
    ///
    /// If a token is not in the vocabulary.
    pub fn words(&self, tokens: &[u32]) -> Result<Vec<Word>, Error> {
        let mut words = Vec::new();
        let (mut word, mut places) = (Vec::new(), 0..0);
        let mut end = |word: &mut Vec<u8>, places: &Range<usize>| {
            if !word.is_empty() {
                let text = String::from_utf8_lossy(word).into_owned();
                let tokens = places.clone();
                words.push(Word { text, tokens });
                word.clear();
            }
        };
        for (place, &token) in tokens.iter().enumerate() {
            self.check(token)?;
            for &byte in self.spelling(token) {
                if byte == b' ' {
                    end(&mut word, &places);
                    continue;
                }
                if word.is_empty() {
                    places.start = place;
                }
                places.end = place + 1;
                word.push(byte);
            }
        }
        end(&mut word, &places);
        Ok(words)
    }

    /// The tokens whose labels, one after the other, are `text`: from left to right the
    /// longest label that fits. So words are written with what parts them in the labels, as
    /// `cat|bat` or with U+2581 before each.
    ///
    /// # Errors
    ///
    /// If no label fits somewhere: the error names the character.
    pub fn spell(&self, text: &str) -> Result<Vec<u32>, Error> {
        let longest = self.tokens.keys().map(String::len).max().unwrap_or(0);
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let mut fitting = (1..=longest.min(rest.len())).rev().filter_map(|length| {
                let label = rest.get(..length)?;
                Some((self.token(label)?, length))
            });
            let Some((token, length)) = fitting.next() else {
                let text = text.to_owned();
                return Err(Kind::Unspellable { text, character }.into());
            };
            tokens.push(token);
            rest = &rest[length..];
        }
        Ok(tokens)
    }

    fn check(&self, token: u32) -> Result<(), Error> {
        let (what, vocab) = ("the tokens of a text", self.len());
        if token as usize >= vocab {
            return Err(Kind::UnknownToken { what, token, vocab }.into());
        }
        Ok(())
    }
}

/// The word boundary that the labels show.
fn found_boundary(labels: &[String], tokens: &HashMap<String, u32>) -> WordBoundary {
    let any = |marked: fn(&str) -> bool| labels.iter().any(|label| marked(label));
    if any(|label| label.starts_with(WORD_MARK)) {
        return WordBoundary::BeginMark;
    }
    if any(|label| label.len() > CONTINUED.len() && label.starts_with(CONTINUED)) {
        return WordBoundary::ContinueMark;
    }
    if any(|label| label.len() > GOES_ON.len() && label.ends_with(GOES_ON)) {
        return WordBoundary::GoOnMark;
    }
    let delimiter = DELIMITERS.iter().find_map(|&label| tokens.get(label));
    delimiter.map_or(WordBoundary::Space, |&token| WordBoundary::Delimiter(token))
}
