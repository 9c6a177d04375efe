//! Where words part.

/// How the tokens of a vocabulary part words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WordBoundary {
    /// Only spaces within labels part words.
    Space,
    /// This token stands between words, and spells a space.
    Delimiter(u32),
    /// U+2581 stands before a word and spells a space, as in SentencePiece.
    BeginMark,
    /// `##` stands before a token that continues a word, as in WordPiece; every other
    /// token begins one.
    ContinueMark,
    /// `@@` stands after a token whose word goes on in the next one, as in subword-nmt;
    /// every other token ends a word.
    GoOnMark,
    /// Every token is a word, and spells a space after it.
    EveryToken,
}

/// What stands before a word in the pieces of SentencePiece: U+2581.
pub(super) const WORD_MARK: &str = "\u{2581}";
/// What stands before a piece that continues a word in WordPiece.
pub(super) const CONTINUED: &str = "##";
/// What stands after a piece whose word goes on in the next one (subword-nmt).
pub(super) const GOES_ON: &str = "@@";
/// Labels of a token between words, in the order in which they are looked for.
pub(super) const DELIMITERS: [&str; 4] = [" ", "|", "<space>", "<wb>"];
