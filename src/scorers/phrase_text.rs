//! How a phrase is written.

/// See [`Phrases::text`](super::Phrases::text).
pub(super) fn phrase_text(phrase: &str) -> String {
    let pieces: String;
    let words = if phrase.contains('\u{2581}') {
        let spelled = phrase.chars().filter(|c| !c.is_whitespace());
        pieces = spelled
            .map(|c| if c == '\u{2581}' { ' ' } else { c })
            .collect();
        &pieces
    } else {
        phrase
    };
    let mut text = String::with_capacity(words.len());
    for word in words.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_one_space_and_pieces_join() {
        for (phrase, text) in [
            ("hello", "hello"),
            ("  turn \t left\n", "turn left"),
            ("\u{2581}he llo", "hello"),
            ("\u{2581}turn \u{2581}l eft", "turn left"),
            ("\u{2581}\u{2581}a\u{2581} \u{2581}b\u{2581}", "a b"),
            ("he\u{2581}", "he"),
            ("gr\u{fc}n\u{3000}ja", "gr\u{fc}n ja"),
            ("\u{2581}", ""),
            (" ", ""),
            ("", ""),
        ] {
            assert_eq!(phrase_text(phrase), text, "{phrase:?}");
        }
    }
}
