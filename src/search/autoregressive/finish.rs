//! Why a hypothesis finished.

/// Why a hypothesis finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Finish {
    /// Its last token is an end token.
    End,
    /// It ends with the stop sequence of this index
    /// ([`Request::with_stop_sequences`](super::Request::with_stop_sequences)).
    Stop(u32),
    /// The predicate of its request said so
    /// ([`Request::ends_when`](super::Request::ends_when)).
    Predicate,
    /// It is a complete permitted sequence ([`Completeness`](super::Completeness)).
    Complete,
    /// It was live when its request reached the maximum length.
    Length,
    /// It was live when its request ended before the maximum length.
    Live,
}
