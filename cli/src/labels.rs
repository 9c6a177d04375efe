//! The text of each token.

use std::path::Path;

use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use crate::text;

/// What stands before a word in word pieces.
pub const WORD_MARK: char = '\u{2581}';

/// One label for each token of a vocabulary.
#[derive(Debug)]
pub struct Labels {
    labels: Vec<String>,
    /// Where they are from, for messages.
    pub name: String,
}

impl Labels {
    /// Labels of a text of that name, one a line, the first of token 0. A label
    /// may be empty, or be white space.
    pub fn parse(text: &str, name: String) -> Self {
        Labels {
            labels: text.lines().map(str::to_owned).collect(),
            name,
        }
    }

    /// Reads the labels of a file, one a line.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is not UTF-8.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        text::read(path).map(|text| Labels::parse(&text, printable::path(path)))
    }

    /// # Errors
    ///
    /// Unless there is exactly one label per token. One too many is an error
    /// like one too few: the usual cause, a missing blank or padding token,
    /// shifts every label by one.
    pub fn require(&self, vocab: usize) -> Result<(), Failure> {
        let given = self.labels.len();
        if given == vocab {
            return Ok(());
        }
        Err(Failure::input(format!(
            "a vocabulary of {vocab} tokens needs {vocab} labels, {} has {given}",
            self.name
        )))
    }

    /// The labels of `tokens` joined. Word pieces mark the beginning of a word
    /// with U+2581, which reads as a space.
    pub fn text(&self, tokens: &[u32]) -> String {
        let labels = tokens
            .iter()
            .map(|&token| self.labels[token as usize].as_str());
        let text: String = labels.collect();
        if text.contains(WORD_MARK) {
            let spaced = text.replace(WORD_MARK, " ");
            return spaced.strip_prefix(' ').unwrap_or(&spaced).to_owned();
        }
        text
    }

    /// Whether words begin with a mark.
    pub fn are_pieces(&self) -> bool {
        self.labels.iter().any(|label| label.starts_with(WORD_MARK))
    }

    /// The labels by token.
    pub fn as_slice(&self) -> &[String] {
        &self.labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_pieces_join_into_words() {
        let parse = |text| Labels::parse(text, String::new());
        let labels = parse("<blank>\n\u{2581}the\n\u{2581}be\nam\n");
        assert!(labels.are_pieces());
        assert_eq!(labels.text(&[1, 2, 3]), "the beam");
        assert_eq!(labels.text(&[3, 1]), "am the");
        let letters = parse("\na\n \nb\n");
        assert!(!letters.are_pieces());
        assert_eq!(letters.text(&[2, 1, 2, 3]), " a b");
    }

    #[test]
    fn a_label_a_token_and_not_one_more() {
        let labels = Labels::parse("a\nb\n\n", "l.txt".to_owned());
        assert_eq!(labels.as_slice(), ["a", "b", ""]);
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

    #[test]
    fn one_space_before_the_first_word_is_left_out() {
        let labels = Labels::parse("\u{2581}\n\u{2581}\u{2581}a\nb\u{2581}\nx\n", String::new());
        assert_eq!(labels.text(&[0, 3]), "x");
        assert_eq!(labels.text(&[1]), " a");
        assert_eq!(labels.text(&[2, 3]), "b x");
        assert_eq!(labels.text(&[3, 0]), "x ");
        assert_eq!(labels.text(&[]), "");
        // A mark within a label alone is not that of word pieces.
        let within = Labels::parse("b\u{2581}\nx\n", String::new());
        assert!(!within.are_pieces() && labels.are_pieces());
    }
}
