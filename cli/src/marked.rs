//! A text that shows what is wrong with it.

use std::fmt;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

/// What is wrong.
const WRONG: Style = AnsiColor::BrightRed.on_default().bold();

/// A text in which the characters that are not in the truth are red. A stream that takes no
/// colours has to strip them.
pub(crate) struct Marked<'a> {
    pub(crate) truth: &'a str,
    pub(crate) text: &'a str,
}

impl fmt::Display for Marked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in TextDiff::from_chars(self.truth, self.text).iter_all_changes() {
            match change.tag() {
                ChangeTag::Equal => write!(f, "{}", change.value())?,
                ChangeTag::Insert => write!(f, "{WRONG}{}{WRONG:#}", change.value())?,
                ChangeTag::Delete => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_truth_is_marked() {
        let marked = |truth, text| Marked { truth, text }.to_string();
        assert_eq!(marked("a b", "a b"), "a b");
        assert_eq!(
            marked("behold", "bohold"),
            format!("b{WRONG}o{WRONG:#}hold")
        );
        // What is missing cannot be seen.
        assert_eq!(marked("behold", "beold"), "beold");
        assert_eq!(marked("", "é"), format!("{WRONG}é{WRONG:#}"));
    }
}
