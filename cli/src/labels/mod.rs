//! The text of each token.

mod file;

use std::path::Path;

use widebeam::ctc::Blank;
use widebeam::scorers::Vocabulary;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use crate::text;

/// What stands before a word in word pieces.
pub const WORD_MARK: char = '\u{2581}';

/// One label for each token of a vocabulary.
#[derive(Debug)]
pub struct Labels {
    vocabulary: Vocabulary,
    /// Where they are from, for messages.
    pub name: String,
}

impl Labels {
    /// Labels in order of their tokens, of a source of that name.
    pub fn new<L: AsRef<str>>(labels: &[L], blank: Option<Blank>, name: String) -> Self {
        Labels {
            vocabulary: Vocabulary::new(labels, blank),
            name,
        }
    }

    /// Reads the labels of a file: lines, lines with token ids, or JSON by the name's
    /// ending.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not UTF-8, or its ids are not those from 0 on.
    pub fn open(path: &Path, blank: Option<Blank>) -> Result<Self, Failure> {
        let name = printable::path(path);
        let is_json = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let labels = file::parse(&text::read(path)?, is_json)
            .map_err(|message| Failure::input(message).about(&name))?;
        Ok(Labels::new(&labels, blank, name))
    }

    /// # Errors
    ///
    /// Unless there is exactly one label per token. One too many is an error
    /// like one too few: the usual cause, a missing blank or padding token,
    /// shifts every label by one.
    pub fn require(&self, vocab: usize) -> Result<(), Failure> {
        let given = self.vocabulary.len();
        if given == vocab {
            return Ok(());
        }
        Err(Failure::input(format!(
            "a vocabulary of {vocab} tokens needs {vocab} labels, {} has {given}",
            self.name
        )))
    }

    /// The text of tokens, all of which must have labels.
    pub fn text(&self, tokens: &[u32]) -> String {
        self.vocabulary.text(tokens).unwrap_or_default()
    }

    /// Whether words begin with a mark.
    pub fn are_pieces(&self) -> bool {
        self.vocabulary.boundary() == widebeam::scorers::WordBoundary::BeginMark
    }

    /// The labels as a vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_a_token_and_not_one_more() {
        let labels = Labels::new(&["a", "b", ""], None, "l.txt".to_owned());
        assert!(labels.require(3).is_ok());
        for vocab in [2, 4] {
            let Err(Failure::Input(message)) = labels.require(vocab) else {
                panic!("3 labels of {vocab} tokens")
            };
            assert_eq!(
                message,
                format!("a vocabulary of {vocab} tokens needs {vocab} labels, l.txt has 3")
            );
        }
    }
}
