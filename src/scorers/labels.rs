//! The text of tokens.

use std::collections::HashMap;

use crate::blank::Blank;
use crate::error::{Error, Kind};

/// The labels of a vocabulary: text in tokens, and tokens as text.
///
/// ```
/// use widebeam::ctc::Blank;
/// use widebeam::scorers::Labels;
///
/// let labels = Labels::new(&["<blank>", "a", "b", "ab", " "], Blank(0));
/// assert_eq!(labels.spell("ab a")?, [3, 4, 1]);
/// assert_eq!(labels.text(&[3, 4, 1])?, "ab a");
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Labels {
    texts: Vec<String>,
    tokens: HashMap<String, u32>,
    /// The length of the longest, in bytes.
    longest: usize,
}

impl Labels {
    /// The labels of a vocabulary in order of the token ids. The label of the blank, and
    /// empty ones, spell nothing; of equal ones the first does.
    pub fn new<L: AsRef<str>>(labels: &[L], blank: Blank) -> Self {
        let mut texts: Vec<String> = labels.iter().map(|l| l.as_ref().to_owned()).collect();
        if let Some(text) = texts.get_mut(blank.0 as usize) {
            text.clear();
        }
        let mut tokens = HashMap::new();
        for (token, text) in (0..).zip(&texts) {
            if !text.is_empty() {
                tokens.entry(text.clone()).or_insert(token);
            }
        }
        let longest = tokens.keys().map(String::len).max().unwrap_or(0);
        Labels {
            texts,
            tokens,
            longest,
        }
    }

    /// The number of labels: that of the vocabulary's tokens.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The token with exactly this label.
    pub fn token(&self, label: &str) -> Option<u32> {
        self.tokens.get(label).copied()
    }

    /// The label of a token, empty for the blank; `None` if there is no such token.
    pub fn label(&self, token: u32) -> Option<&str> {
        self.texts.get(token as usize).map(String::as_str)
    }

    /// The text of some tokens: their labels, one after the other.
    ///
    /// # Errors
    ///
    /// If a token has no label.
    pub fn text(&self, tokens: &[u32]) -> Result<String, Error> {
        let mut text = String::new();
        for &token in tokens {
            let (what, vocab) = ("the tokens of a text", self.len());
            let label = self.label(token);
            text += label.ok_or(Kind::UnknownToken { what, token, vocab })?;
        }
        Ok(text)
    }

    /// The tokens that spell `text`, from left to right the longest label that
    /// fits.
    ///
    /// # Errors
    ///
    /// If no label fits somewhere: the error names the character.
    pub fn spell(&self, text: &str) -> Result<Vec<u32>, Error> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let mut fitting = (1..=self.longest.min(rest.len()))
                .rev()
                .filter_map(|length| {
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
}
