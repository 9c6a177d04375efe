//! What the words of an n-gram model are.

/// What the words of an n-gram model are, in terms of a token's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum NgramUnit {
    /// The label is a word of the model.
    Token,
    /// Each character of the label is.
    Character,
    /// Words of the text are, which tokens spell: the units of a
    /// [`WordNgram`](super::WordNgram).
    Word,
}
