//! How far a search came that was cancelled.

use std::fmt;

/// Where a search was when it was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InterruptedAt {
    /// At a step of an item of a batch.
    Item { item: usize, step: usize },
    /// At a frame of a stream, counted from its start.
    Frame(usize),
    /// In a step of so many requests, of which some had taken their scores.
    Step { taken: usize, requests: usize },
}

impl InterruptedAt {
    pub(super) fn item(self) -> Option<usize> {
        match self {
            InterruptedAt::Item { item, .. } => Some(item),
            InterruptedAt::Frame(_) | InterruptedAt::Step { .. } => None,
        }
    }

    pub(super) fn step(self) -> Option<usize> {
        match self {
            InterruptedAt::Item { step, .. } | InterruptedAt::Frame(step) => Some(step),
            InterruptedAt::Step { .. } => None,
        }
    }
}

impl fmt::Display for InterruptedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InterruptedAt::Item { item, step } => write!(f, "item {item}, step {step}"),
            InterruptedAt::Frame(frame) => write!(f, "frame {frame}"),
            InterruptedAt::Step { taken, requests } => {
                write!(f, "after {taken} of {requests} requests of a step")
            }
        }
    }
}
