//! The text of each token.

mod file;

use std::path::Path;

use widebeam::ctc::Blank;
use widebeam::scorers::{Vocabulary, WordBoundary};
use widebeam_perf::console::failure::{Failure, note};
use widebeam_perf::console::printable;

use crate::text;

/// What stands before a word in word pieces.
pub const WORD_MARK: char = '\u{2581}';

/// What the blank is called in files of labels.
const BLANKS: [&str; 5] = ["<blank>", "[blank]", "<blk>", "blank", "<ctc_blank>"];

/// One label for each token of a vocabulary.
#[derive(Debug)]
pub struct Labels {
    vocabulary: Vocabulary,
    blank: Option<Blank>,
    /// Where they are from, for messages.
    pub name: String,
    /// Whether the labels themselves say where words part.
    boundary_found: bool,
}

impl Labels {
    /// Labels in order of their tokens, of a source of that name.
    pub fn new<L: AsRef<str>>(labels: &[L], blank: Option<Blank>, name: String) -> Self {
        Labels {
            vocabulary: Vocabulary::new(labels, blank),
            blank,
            name,
            boundary_found: true,
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

    /// The same labels with this one between words.
    ///
    /// # Errors
    ///
    /// If there is no such label.
    pub fn with_word_delimiter(self, label: &str) -> Result<Self, Failure> {
        let Labels {
            vocabulary,
            blank,
            name,
            ..
        } = self;
        let Some(token) = vocabulary.token(label) else {
            return Err(Failure::Input(format!(
                "{name}: no label is the --word-delimiter {label:?}"
            )));
        };
        Ok(Labels {
            vocabulary: vocabulary.with_boundary(WordBoundary::Delimiter(token))?,
            blank,
            name,
            boundary_found: false,
        })
    }

    /// Notes which label was found to stand between words, or that none was although they
    /// `must_part`.
    pub fn say_where_words_part(&self, must_part: bool) {
        if let Some(message) = self.where_words_part(must_part) {
            note(format_args!("{}: {message}", self.name));
        }
    }

    fn where_words_part(&self, must_part: bool) -> Option<String> {
        if !self.boundary_found {
            return None;
        }
        match self.vocabulary.boundary() {
            WordBoundary::Delimiter(token) => {
                let label = self.vocabulary.label(token)?;
                Some(format!("the label {label:?} stands between words"))
            }
            WordBoundary::Space if must_part => {
                let labels = self.vocabulary.labels();
                let any = labels.iter().any(|label| label.contains(' '));
                let none = "no label stands between words, so that a text is one word \
                            (--word-delimiter names the label)";
                (!any).then(|| none.to_owned())
            }
            _ => None,
        }
    }

    /// Why another token than the one said is probably the blank: its label says so.
    pub fn doubt_of_blank(&self) -> Option<String> {
        let Blank(blank) = self.blank?;
        let names_it = |label: &str| BLANKS.iter().any(|name| label.eq_ignore_ascii_case(name));
        let own = self.vocabulary.label(blank)?;
        let labels = self.vocabulary.labels().iter();
        let (token, label) = labels.enumerate().find(|(_, label)| names_it(label))?;
        (!names_it(own)).then(|| {
            format!(
                "{}: the label of token {token} is {label:?}, and --blank says {blank}",
                self.name
            )
        })
    }

    /// Whether this is the label of the blank.
    pub fn is_blank(&self, label: &str) -> bool {
        let blank = self
            .blank
            .and_then(|Blank(blank)| self.vocabulary.label(blank));
        blank == Some(label)
    }

    /// The token between words, if one stands there.
    pub fn delimiter(&self) -> Option<u32> {
        match self.vocabulary.boundary() {
            WordBoundary::Delimiter(token) => Some(token),
            _ => None,
        }
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

    #[test]
    fn another_token_that_is_named_the_blank_is_noticed() {
        for (labels, blank, doubted) in [
            (["<blank>", "a", "b"], 1, true),
            (["a", "[BLANK]", "b"], 2, true),
            (["<blank>", "a", "b"], 0, false),
            (["<blank>", "a", "<blk>"], 2, false),
            (["-", "a", "b"], 1, false),
            (["<blank>", "a", "b"], 9, false),
        ] {
            let labels = Labels::new(&labels, Some(Blank(blank)), "l.txt".to_owned());
            assert_eq!(labels.doubt_of_blank().is_some(), doubted, "{labels:?}");
        }
        let labels = Labels::new(&["<blank>"], None, "l.txt".to_owned());
        assert_eq!(labels.doubt_of_blank(), None);
    }

    #[test]
    fn where_words_part_is_said_unless_it_is_told_or_marked() {
        let said = |labels: &[&str], delimiter: Option<&str>| {
            let labels = Labels::new(labels, Some(Blank(0)), "l.txt".to_owned());
            let labels = match delimiter {
                Some(label) => labels.with_word_delimiter(label).unwrap(),
                None => labels,
            };
            let said = labels.where_words_part(true);
            assert!(
                labels
                    .where_words_part(false)
                    .is_none_or(|part| Some(part) == said)
            );
            said
        };
        let found = said(&["-", "a", "|"], None);
        assert_eq!(
            found.as_deref(),
            Some("the label \"|\" stands between words")
        );
        let none = said(&["-", "a"], None).unwrap();
        assert!(none.starts_with("no label stands between words"));
        let letters = Labels::new(&["-", "a"], None, "l.txt".to_owned());
        assert_eq!(letters.where_words_part(false), None);
        for (labels, delimiter) in [
            (&["-", "a", "|"][..], Some("a")),
            (&["-", "\u{2581}a"], None),
            (&["-", "##a"], None),
            (&["-", "a b"], None),
        ] {
            assert_eq!(said(labels, delimiter), None, "{labels:?}");
        }
    }

    #[test]
    fn any_label_but_the_blank_may_stand_between_words() {
        let labels = || Labels::new(&["-", "a", "x"], Some(Blank(0)), "l.txt".to_owned());
        let parted = labels().with_word_delimiter("x").unwrap();
        assert_eq!(parted.text(&[1, 2, 1]), "a a");
        for label in ["-", "y", ""] {
            let Err(Failure::Input(message)) = labels().with_word_delimiter(label) else {
                panic!("{label:?}")
            };
            let expected = format!("l.txt: no label is the --word-delimiter {label:?}");
            assert_eq!(message, expected);
        }
    }
}
