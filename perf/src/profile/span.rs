//! The spans that are recorded in a profiled run.

/// What a thread can be found at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Scan,
    Merge,
    Backtrack,
}

impl Phase {
    pub(super) const ALL: [Phase; 3] = [Phase::Scan, Phase::Merge, Phase::Backtrack];

    /// The name of its span.
    pub(super) fn name(self) -> &'static str {
        match self {
            Phase::Scan => "scan",
            Phase::Merge => "merge",
            Phase::Backtrack => "backtrack",
        }
    }
}

/// A stay in a phase, in nanoseconds since the profiled run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) phase: Phase,
    pub(super) start: u64,
    pub(super) end: u64,
    /// Time of it that was spent in phases within.
    pub(super) nested: u64,
    /// Whether it lies in another.
    pub(super) is_nested: bool,
}

/// One profiled run.
pub(super) struct Run {
    pub(super) case: String,
    pub(super) end: u64,
    /// The spans of each thread, in the order they ended.
    pub(super) threads: Vec<Vec<Span>>,
}
