//! Why a hypothesis finishes.

use crate::autoregressive as engine;

/// Why a hypothesis finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Its last token is an end token.
    End,
    /// It ends with the stop sequence of this number.
    Stop(usize),
    /// The request's predicate said so.
    Predicate,
    /// It is a complete permitted sequence.
    Complete,
    /// It was live at the maximum length.
    Length,
    /// It was live when its request ended before the maximum length.
    Live,
}

impl From<engine::Finish> for Finish {
    fn from(finish: engine::Finish) -> Finish {
        match finish {
            engine::Finish::End => Finish::End,
            engine::Finish::Stop(index) => Finish::Stop(index as usize),
            engine::Finish::Predicate => Finish::Predicate,
            engine::Finish::Complete => Finish::Complete,
            engine::Finish::Live => Finish::Live,
            engine::Finish::Length => Finish::Length,
        }
    }
}

/// Whether generated tokens are a whole permitted sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// They are not.
    Incomplete,
    /// They are, and a longer one begins with them.
    MayEnd,
    /// They are, and nothing may follow.
    Complete,
}
