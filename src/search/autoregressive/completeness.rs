//! Whether generated tokens are a whole permitted sequence.

/// Whether generated tokens are a whole permitted sequence, as a constraint says.
///
/// It matters where a request has no end tokens: a hypothesis that is complete then finishes,
/// as [`Finish::Complete`](super::Finish::Complete). Where longer sequences begin with it, it
/// also goes on. Stop sequences and predicates are no end tokens here: beside them a constraint
/// that says nothing of completeness leaves it to them when a hypothesis ends.
///
/// A [`TokenTrie`](super::TokenTrie) knows it; of a mask or a function,
/// [`Constraint::with_completeness`](super::Constraint::with_completeness) says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Completeness {
    /// They are not.
    Incomplete,
    /// They are, and a longer permitted sequence may begin with them.
    MayEnd,
    /// They are, and nothing may follow.
    Complete,
}

impl Completeness {
    /// What two constraints together say: complete is what both permit to end, and nothing
    /// may follow where one says so.
    pub(super) fn and(self, other: Self) -> Self {
        use Completeness::{Complete, Incomplete, MayEnd};
        match (self, other) {
            (Incomplete, _) | (_, Incomplete) => Incomplete,
            (Complete, _) | (_, Complete) => Complete,
            (MayEnd, MayEnd) => MayEnd,
        }
    }
}
