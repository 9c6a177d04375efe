//! Texts in messages.

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
    fn long_texts_are_cut_short() {
        let most = "\u{e9}".repeat(QUOTED);
        assert_eq!(quoted(&most), format!("\"{most}\""));
        assert_eq!(quoted(&format!("{most}x")), format!("\"{most}\"..."));
        assert_eq!(quoted(""), "\"\"");
    }
}
