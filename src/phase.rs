//! What a thread is doing, for whoever wants to time it: spans of the crate
//! `tracing`, behind the feature of that name. Without the feature they are
//! nothing at all; with it, a look at one atomic number unless a subscriber
//! asks for them.
//!
//! A phase lasts until its value is dropped. Phases are entered once for a
//! piece of work of microseconds or more, never within a kernel.

#[cfg(feature = "tracing")]
mod spans {
    use tracing::span::EnteredSpan;
    use tracing::trace_span;

    /// Reading scores: the best tokens of some positions.
    pub(crate) fn scan() -> EnteredSpan {
        trace_span!(target: "widebeam", "scan").entered()
    }

    /// From one beam to the next.
    pub(crate) fn merge() -> EnteredSpan {
        trace_span!(target: "widebeam", "merge").entered()
    }

    /// Sequences from back-pointers.
    pub(crate) fn backtrack() -> EnteredSpan {
        trace_span!(target: "widebeam", "backtrack").entered()
    }
}

#[cfg(not(feature = "tracing"))]
mod spans {
    /// What is left of a span.
    pub(crate) struct Untimed;

    pub(crate) fn scan() -> Untimed {
        Untimed
    }

    pub(crate) fn merge() -> Untimed {
        Untimed
    }

    pub(crate) fn backtrack() -> Untimed {
        Untimed
    }
}

pub(crate) use spans::{backtrack, merge, scan};
