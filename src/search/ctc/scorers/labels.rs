//! The text of tokens.

use std::collections::HashMap;

use crate::error::{Error, Kind};

/// The labels of a vocabulary, to spell text in its tokens.
#[derive(Clone, Debug)]
pub struct Labels {
    tokens: HashMap<String, u32>,
    /// The length of the longest, in bytes.
    longest: usize,
}

impl Labels {
    /// The labels of a vocabulary in order of the token ids. That of the blank,
    /// and empty ones, spell nothing; of equal ones the first does.
    pub fn new<L: AsRef<str>>(labels: &[L], blank: u32) -> Self {
        let mut tokens = HashMap::new();
        for (token, label) in (0..).zip(labels) {
            if token != blank && !label.as_ref().is_empty() {
                tokens.entry(label.as_ref().to_owned()).or_insert(token);
            }
        }
        let longest = tokens.keys().map(String::len).max().unwrap_or(0);
        Labels { tokens, longest }
    }

    /// The token with exactly this label.
    pub fn token(&self, label: &str) -> Option<u32> {
        self.tokens.get(label).copied()
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
