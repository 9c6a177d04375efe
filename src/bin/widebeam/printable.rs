//! Text from outside, made fit for a line of a terminal.

use std::borrow::Cow;

/// A text that keeps to its line: a label or a file name may hold a control
/// character, which a terminal would obey.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().flat_map(|c| {
        let (kept, escaped) = match c.is_control() {
            true => (None, Some(c.escape_default())),
            false => (Some(c), None),
        };
        kept.into_iter().chain(escaped.into_iter().flatten())
    });
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_alone_are_escaped() {
        assert_eq!(
            printable("na\u{ef}ve \"text\" \\"),
            "na\u{ef}ve \"text\" \\"
        );
        assert_eq!(printable("a\nb\u{1b}[2J\u{9b}"), "a\\nb\\u{1b}[2J\\u{9b}");
    }
}
