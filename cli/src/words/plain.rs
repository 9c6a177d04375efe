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
}
