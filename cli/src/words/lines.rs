//! The lines of a file of words.

use widebeam_perf::console::failure::Failure;

/// A line that is not blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    source: &'a str,
    /// Its number, from 1 on; blank lines count.
    pub(super) number: usize,
    /// What stands in it.
    pub(super) text: &'a str,
}

impl Line<'_> {
    /// The failure that this line is the cause of.
    pub(super) fn refused(&self, message: impl std::fmt::Display) -> Failure {
        let Line { source, number, .. } = self;
        Failure::input(format_args!("{source}, line {number}: {message}"))
    }
}

/// The lines of a file that are not blank. A byte order mark is no part of the first.
pub(super) fn lines<'a>(source: &'a str, content: &'a str) -> impl Iterator<Item = Line<'a>> {
    let content = content.strip_prefix('\u{feff}').unwrap_or(content);
    let numbered = (1..).zip(content.lines());
    let lines = numbered.map(move |(number, text)| Line {
        source,
        number,
        text,
    });
    lines.filter(|line| !line.text.trim().is_empty())
}

#[cfg(test)]
impl<'a> Line<'a> {
    /// A line of a file `f`.
    pub(super) fn of(number: usize, text: &'a str) -> Self {
        Line {
            source: "f",
            number,
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_counted_and_skipped() {
        let found: Vec<_> = lines("f", "\u{feff}a\r\n\r\n \t\n  b c \nd").collect();
        let expected = [Line::of(1, "a"), Line::of(4, "  b c "), Line::of(5, "d")];
        assert_eq!(found, expected);
        for nothing in ["", "\u{feff}", "\n", " \r\n\r\n"] {
            assert_eq!(lines("f", nothing).count(), 0);
        }
    }
}
