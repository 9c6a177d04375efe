//! Words as text, however they are written.

use crate::labels::WORD_MARK;

/// The words of a line with one space between them, as the library reads a phrase: a line
/// with U+2581 in it lists pieces, which its spaces part, and U+2581 stands before a word.
pub(super) fn plain(line: &str) -> String {
    let joined: String;
    let mut text = line;
    if line.contains(WORD_MARK) {
        let pieces: String = line.split_whitespace().collect();
        joined = pieces.replace(WORD_MARK, " ");
        text = &joined;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Characters of a text that a message quotes: a line may be of any length.
const QUOTED: usize = 60;

/// A text in quotes, cut short where it is long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_to_words() {
        for (line, text) in [
            ("hello", "hello"),
            (" turn \t left ", "turn left"),
            ("\u{2581}he llo", "hello"),
            ("\u{2581}turn \u{2581}l eft", "turn left"),
            ("he\u{2581}llo \u{2581}", "he llo"),
            ("\u{2581} \u{2581}", ""),
            ("", ""),
        ] {
            assert_eq!(plain(line), text, "{line:?}");
        }
    }
    #[test]
    fn long_texts_are_cut_short() {
        let most = "\u{e9}".repeat(QUOTED);
        assert_eq!(quoted(&most), format!("\"{most}\""));
        assert_eq!(quoted(&format!("{most}x")), format!("\"{most}\"..."));
        assert_eq!(quoted(""), "\"\"");
    }
}
