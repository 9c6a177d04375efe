//! Lists of words, as a lexicon or hotwords are given.

use std::path::Path;

use widebeam::scorers::WordBoundary;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use crate::labels::{Labels, WORD_MARK};
use crate::text;

/// The words of a file, one a line, in tokens.
pub struct Words {
    /// The tokens of each word.
    pub spelled: Vec<Vec<u32>>,
    /// The token that stands between words of letters.
    pub space: Option<u32>,
}

impl Words {
    /// Reads the words of a file and spells them in labels.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or a word cannot be spelled.
    pub fn read(path: &Path, labels: &Labels) -> Result<Self, Failure> {
        let content = text::read(path)?;
        let spelling = labels.vocabulary();
        let mut spelled = Vec::new();
        for (line, word) in content.lines().enumerate() {
            if word.is_empty() {
                continue;
            }
            let tokens = if labels.are_pieces() {
                let pieces = format!("{WORD_MARK}{}", word.replace(' ', &WORD_MARK.to_string()));
                spelling.spell(&pieces)
            } else {
                spelling.spell(word)
            };
            spelled.push(tokens.map_err(|error| {
                Failure::from(error).about(format!("{}, line {}", printable::path(path), line + 1))
            })?);
        }
        Ok(Words {
            spelled,
            space: match spelling.boundary() {
                WordBoundary::Delimiter(token) => Some(token),
                _ => None,
            },
        })
    }
}
