//! Why a search ends before its last frame.

use crate::cancellation::Interrupt;
use crate::error::{Error, InterruptedAt};

/// Why no more frames are taken.
#[derive(Debug)]
pub(super) enum Ended {
    /// The item is refused, or there is no memory for it.
    Refused(Error),
    /// The search is cancelled.
    Interrupted(Interrupt),
}

impl Ended {
    /// The error of a search that was at this place.
    pub(super) fn error(self, at: InterruptedAt) -> Error {
        match self {
            Ended::Refused(error) => error,
            Ended::Interrupted(interrupt) => interrupt.error(at),
        }
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Ended::Refused(error)
    }
}

impl From<Interrupt> for Ended {
    fn from(interrupt: Interrupt) -> Self {
        Ended::Interrupted(interrupt)
    }
}
