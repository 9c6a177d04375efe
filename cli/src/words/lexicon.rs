//! The only words allowed, as text or with their spellings.

use std::path::Path;

use widebeam::scorers::{Phrases, Vocabulary, WordBoundary};
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use super::left_out::Kept;
use super::lines::{Line, lines};
use super::quoted::quoted;
use crate::labels::{Labels, WORD_MARK};
use crate::text;

/// What stands between the labels of a spelling.
const BETWEEN: [char; 2] = [' ', '\t'];

/// The words of a lexicon.
#[derive(Debug)]
pub enum Lexicon {
    /// Words, which any labels may spell whose text they are.
    Words(Kept<String>),
    /// Words and the tokens of a spelling; a word may come again with another one.
    Spellings(Kept<(String, Vec<u32>)>),
}

impl Lexicon {
    /// Reads a lexicon.
    ///
    /// - It has spellings if its first line has a tab: a line is a word, a tab, and labels
    ///   with spaces between them. It also has them if no line has a tab, but each has two
    ///   fields or more, all but the first of which are labels.
    /// - Else a line is a word.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, holds no word, or a line is not of its form.
    pub fn read(path: &Path, labels: &Labels) -> Result<Self, Failure> {
        let content = text::read(path)?;
        let source = printable::path(path);
        let lines: Vec<Line<'_>> = lines(&source, &content).collect();
        if lines.is_empty() {
            return Err(Failure::Input(format!("{source}: holds no word")));
        }
        match Form::of(&lines, labels.vocabulary()) {
            Form::Words => read_words(&source, &lines, labels).map(Lexicon::Words),
            form => read_spellings(&source, &lines, form, labels).map(Lexicon::Spellings),
        }
    }
}

/// How the lines of a lexicon are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Words,
    /// A word, a tab, and its labels.
    Tab,
    /// A word and its labels, with spaces between all of them.
    Spaces,
}

impl Form {
    fn of(lines: &[Line<'_>], vocabulary: &Vocabulary) -> Self {
        let has_tab = |line: &Line<'_>| line.text.contains('\t');
        if lines.first().is_some_and(has_tab) {
            return Form::Tab;
        }
        let is_spelled = |line: &Line<'_>| {
            let mut labels = fields(line.text);
            // A mark is of pieces that are joined to one word.
            let is_word = labels.next().is_some_and(|word| !word.contains(WORD_MARK));
            let mut labels = labels.peekable();
            let has_labels = labels.peek().is_some();
            is_word && has_labels && labels.all(|label| vocabulary.token(label).is_some())
        };
        match !lines.iter().any(has_tab) && lines.iter().all(is_spelled) {
            true => Form::Spaces,
            false => Form::Words,
        }
    }

    /// The word of a line and its labels.
    fn split(self, line: &str) -> (&str, &str) {
        let parts = match self {
            Form::Tab => line.split_once('\t'),
            Form::Spaces | Form::Words => line.trim_start().split_once(' '),
        };
        let (word, labels) = parts.unwrap_or((line, ""));
        (word.trim(), labels)
    }
}

fn fields(text: &str) -> impl Iterator<Item = &str> {
    text.split(BETWEEN).filter(|field| !field.is_empty())
}

fn read_words(source: &str, lines: &[Line<'_>], labels: &Labels) -> Result<Kept<String>, Failure> {
    let speller = labels.vocabulary().speller()?;
    let verdict = format!("cannot be spelled with the labels of {}", labels.name);
    let mut kept = Kept::new(source, "word", verdict);
    for line in lines {
        let word = Phrases::text(line.text);
        if word.is_empty() {
            return Err(line.refused("an empty word"));
        }
        if word.contains(' ') {
            return Err(line.refused(format_args!("{} is more than one word", quoted(&word))));
        }
        match speller.can_spell(&word, true) {
            true => kept.entries.push(word),
            false => kept.leave_out(*line, &word, None),
        }
    }
    Ok(kept)
}

fn read_spellings(
    source: &str,
    lines: &[Line<'_>],
    form: Form,
    labels: &Labels,
) -> Result<Kept<(String, Vec<u32>)>, Failure> {
    let vocabulary = labels.vocabulary();
    let delimiter = match vocabulary.boundary() {
        WordBoundary::Delimiter(token) => Some(token),
        _ => None,
    };
    let verdict = format!("cannot be read with the labels of {}", labels.name);
    let mut kept = Kept::new(source, "spelling", verdict);
    for line in lines {
        let (word, spelling) = form.split(line.text);
        if word.is_empty() {
            return Err(line.refused("no word stands before the tab"));
        }
        let word = without_number(word);
        let (mut tokens, mut unknown) = (Vec::new(), None);
        for label in fields(spelling) {
            match vocabulary.token(label) {
                Some(token) => tokens.push(token),
                None => unknown = unknown.or(Some(label)),
            }
        }
        if unknown.is_none() && tokens.iter().all(|&token| Some(token) == delimiter) {
            return Err(line.refused(format_args!(
                "{} has no spelling; a word, a tab and its labels should stand here",
                quoted(word)
            )));
        }
        match unknown {
            None => kept.entries.push((word.to_owned(), tokens)),
            Some(label) => {
                let is_blank = labels.is_blank(label);
                let label = quoted(label);
                let reason = match is_blank {
                    true => format!("{label} is the blank"),
                    false => format!("no label {label}"),
                };
                kept.leave_out(*line, word, Some(reason));
            }
        }
    }
    Ok(kept)
}

/// A word without the number that tells its pronunciations apart: `read` of `read(2)`.
fn without_number(word: &str) -> &str {
    let number = || {
        let (word, number) = word.strip_suffix(')')?.rsplit_once('(')?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (digits && !word.is_empty()).then_some(word)
    };
    number().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use widebeam::ctc::Blank;

    /// Reads a lexicon over the letters a, b and c, `|` and the blank.
    fn read(content: &str) -> Result<Lexicon, Failure> {
        let labels = ["-", "a", "b", "c", "|"];
        let labels = Labels::new(&labels, Some(Blank(0)), "l.txt".to_owned());
        let mut file = tempfile::NamedTempFile::with_prefix("lexicon").unwrap();
        file.write_all(content.as_bytes()).unwrap();
        Lexicon::read(file.path(), &labels)
    }

    #[track_caller]
    fn words(content: &str, expected: &[&str]) {
        match read(content).unwrap() {
            Lexicon::Words(kept) => assert_eq!(kept.entries, expected, "{content:?}"),
            Lexicon::Spellings(_) => panic!("{content:?}"),
        }
    }

    #[track_caller]
    fn spellings(content: &str, expected: &[(&str, &[u32])]) {
        let Lexicon::Spellings(kept) = read(content).unwrap() else {
            panic!("{content:?}")
        };
        let found: Vec<_> = kept.entries.iter().map(|(w, t)| (&**w, &**t)).collect();
        assert_eq!(found, expected, "{content:?}");
    }

    #[track_caller]
    fn refused(content: &str, expected: &str) {
        match read(content) {
            Err(Failure::Input(message)) => {
                assert!(message.ends_with(expected), "{message}");
                assert!(message.contains("lexicon"), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_is_a_word() {
        words("ab\n\nc\r\nx\n", &["ab", "c"]);
        words("\u{feff}ab\n", &["ab"]);
        words("\u{2581}a b\n", &["ab"]);
        words("read(2)\nab\n", &["ab"]);
        refused("ab\na d\n", "line 2: \"a d\" is more than one word");
        // A tab in the first line alone makes it a file of spellings.
        refused("ab\nc\tc\n", "line 2: \"c c\" is more than one word");
        refused("ab\n\u{2581}\n", "line 2: an empty word");
        refused("", ": holds no word");
        refused("\u{feff}\r\n \n", ": holds no word");
    }

    #[test]
    fn a_word_a_tab_and_labels_with_spaces_between_them() {
        let all = [("ab", &[1, 2, 4][..]), ("c d", &[3]), ("ab", &[2])];
        spellings("ab\ta b |\n\nc d\tc\r\nab(2)\t b \n", &all);
        spellings("ab\t\ta\tb\n", &[("ab", &[1, 2])]);
        // The blank is not a label that can be spelled with.
        spellings("ab\ta b\nx\ta x\ny\t-\n", &[("ab", &[1, 2])]);
        let spelling = "has no spelling; a word, a tab and its labels should stand here";
        refused("ab\ta b\nc\n", &format!("line 2: \"c\" {spelling}"));
        refused("ab\ta b\nc a\n", &format!("line 2: \"c a\" {spelling}"));
        refused("ab\t\nc\ta\n", &format!("line 1: \"ab\" {spelling}"));
        refused("ab\ta\n \ta\n", "line 2: no word stands before the tab");
        refused("ab\ta b\n\nc\t| |\n", &format!("line 3: \"c\" {spelling}"));
    }

    #[test]
    fn fields_that_are_all_labels_are_spellings() {
        spellings(" ab a b |\nx(3)  c \n", &[("ab", &[1, 2, 4]), ("x", &[3])]);
        refused("ab a b\nx d\n", "line 1: \"ab a b\" is more than one word");
        refused("ab a b\nx\n", "line 1: \"ab a b\" is more than one word");
    }

    #[test]
    fn only_a_number_in_brackets_is_left_off_a_word() {
        for (word, expected) in [
            ("read(2)", "read"),
            ("read(12)", "read"),
            ("read()", "read()"),
            ("read(x)", "read(x)"),
            ("read(2", "read(2"),
            ("(2)", "(2)"),
            ("f(1)(2)", "f(1)"),
        ] {
            assert_eq!(without_number(word), expected);
        }
    }
}
