//! Text from outside, made fit for a line of a terminal.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

/// A text that keeps to its line: a label or a file name may hold a control
/// character, which a terminal would obey.
pub fn printable(text: &str) -> Cow<'_, str> {
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

/// Characters of a message that are shown: so many of its beginning, which says
/// what it is about, and of its end, which says what is wrong.
const BEGINNING: usize = 600;
const END: usize = 300;

/// A message that keeps to a few lines of a terminal, although it repeats what a
/// file holds: a line of text or the name of an array may be of any length.
pub fn message(text: &str) -> Cow<'_, str> {
    let beginning = text.char_indices().nth(BEGINNING).map(|(at, _)| at);
    let end = text.char_indices().nth_back(END - 1).map(|(at, _)| at);
    match (beginning, end) {
        (Some(beginning), Some(end)) if beginning < end => Cow::Owned(format!(
            "{} [{} bytes more] {}",
            printable(&text[..beginning]),
            end - beginning,
            printable(&text[end..])
        )),
        _ => printable(text),
    }
}

/// So many of a thing, as "1 thread" and "2 threads".
pub fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// A path as text. Bytes that are not UTF-8 become `\xff` and the like, so that
/// two paths do not read the same.
pub fn path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_alone_are_escaped() {
        assert_eq!(
            printable("na\u{ef}ve \"text\" \\"),
            "na\u{ef}ve \"text\" \\"
        );
        assert_eq!(printable("a\nb\u{1b}[2J\u{9b}"), "a\\nb\\u{1b}[2J\\u{9b}");
    }

    #[test]
    fn the_middle_of_a_long_message_is_left_out() {
        for length in [0, 1, END, BEGINNING, BEGINNING + END] {
            let text = "\u{e9}".repeat(length);
            assert_eq!(message(&text), text);
        }
        let text = "a".repeat(BEGINNING) + "\u{e9}\n" + &"z".repeat(END);
        let cut = message(&text);
        assert!(cut.contains("a [3 bytes more] z"));
        assert_eq!(cut.len(), BEGINNING + END + " [3 bytes more] ".len());
    }

    /// Every character that a terminal may obey.
    fn controls() -> Vec<char> {
        let controls: Vec<char> = (0..0x300)
            .filter_map(char::from_u32)
            .filter(|c| c.is_control())
            .collect();
        assert_eq!(controls.len(), 32 + 1 + 32);
        controls
    }

    /// What a message reads as, by its definition.
    fn shown(text: &str) -> String {
        let escape = |c: &char| match c.is_control() {
            true => c.escape_default().to_string(),
            false => c.to_string(),
        };
        let text: Vec<char> = text.chars().collect();
        let Some(end) = text.len().checked_sub(END).filter(|&end| end > BEGINNING) else {
            return text.iter().map(escape).collect();
        };
        let bytes: usize = text[BEGINNING..end].iter().map(|c| c.len_utf8()).sum();
        let beginning: String = text[..BEGINNING].iter().map(escape).collect();
        let end: String = text[end..].iter().map(escape).collect();
        format!("{beginning} [{bytes} bytes more] {end}")
    }

    /// Short messages, those that are just not cut, just cut, and long.
    const LENGTHS: [usize; 6] = [
        1,
        7,
        BEGINNING + END - 1,
        BEGINNING + END,
        BEGINNING + END + 1,
        BEGINNING + END + 200,
    ];

    #[test]
    fn one_control_character_anywhere_in_a_message_is_escaped() {
        for length in LENGTHS {
            for at in 0..length {
                let mut text: Vec<char> = vec!['\u{e9}'; length];
                text[at] = '\u{1b}';
                let text: String = text.into_iter().collect();
                let message = message(&text);
                assert!(
                    !message.contains(char::is_control),
                    "character {at} of {length}"
                );
                // Nothing but what is left out is missing.
                let left_out = length > BEGINNING + END && (BEGINNING..length - END).contains(&at);
                assert_eq!(message.contains("\\u{1b}"), !left_out, "{at} of {length}");
            }
        }
    }

    #[test]
    fn every_control_character_in_every_place_of_a_message_is_escaped() {
        let controls = controls();
        for length in LENGTHS {
            for first in 0..controls.len() {
                let characters = controls.iter().cycle().skip(first);
                let text: String = characters.take(length).collect();
                let message = message(&text);
                assert!(!message.contains(char::is_control), "{length}, {first}");
                assert_eq!(message, shown(&text));
            }
        }
    }

    #[test]
    fn one_of_a_thing_is_no_plural() {
        assert_eq!(
            [0, 1, 2].map(|n| count(n, "item")),
            ["0 items", "1 item", "2 items"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_utf_8_are_escaped() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"a\xff\xc3\xa9\xc3.npy");
        assert_eq!(path(Path::new(name)), "a\\xff\u{e9}\\xc3.npy");
    }
}
