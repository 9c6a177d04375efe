//! The sorts of errors.

/// The sorts of [`Error`](super::Error).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// A shape, a stride, a length or a number of values does not fit the others.
    InvalidShape,
    /// A size is above the limit that the library has for it, or the memory that a search may
    /// take above the limit that its caller has set.
    LimitExceeded,
    /// A score is not what its kind allows, such as a NaN; or of a kind that a setting
    /// does not work with.
    InvalidScore,
    /// A setting is out of its range, or does not go with another.
    InvalidSetting,
    /// A token, the blank, or a character of a text is not in the vocabulary.
    UnknownToken,
    /// There is no such instruction-set level, or not on this processor.
    InvalidLevel,
    /// A call came where it has no meaning, such as frames for a stream that is
    /// finished, or scores of a step that has not begun.
    OutOfOrder,
    /// A request is not in the search: it was removed, or belongs to another.
    UnknownRequest,
    /// The input is valid, and no hypothesis is possible under it.
    NoHypothesis,
    /// The file of a model or of a trie is not what it should be.
    InvalidModel,
    /// A source could not be read: an I/O error, in its words.
    Unreadable,
    /// A function of the caller panicked before.
    Panicked,
    /// The caller cancelled the search
    /// ([`CancellationToken::cancel`](crate::CancellationToken::cancel)), or gave up a step of
    /// one that was.
    Cancelled,
    /// The deadline of the search passed
    /// ([`CancellationToken::with_deadline`](crate::CancellationToken::with_deadline)).
    DeadlinePassed,
    /// A buffer could not be allocated: the machine, not the input, is at fault.
    OutOfMemory,
}
