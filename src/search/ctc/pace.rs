//! How many cache lines of the next row each stage of a frame prefetches.
//!
//! The search of a frame reads little memory, so without these prefetches memory would
//! be idle meanwhile. A core keeps about twenty cache misses in flight, and memory
//! delivers a line about every five nanoseconds. More prefetches at once stall the core;
//! fewer leave memory idle. So each stage prefetches about as many lines as arrive while
//! it works, and the scan of the row prefetches the rest.

/// A stage of some hundred cycles.
pub(super) const STAGE: usize = 16;
/// A vector of masses.
pub(super) const VECTOR: usize = 6;
/// A prefix that keeps its place.
pub(super) const KEPT: usize = 1;
/// A prefix that moves, or is new.
pub(super) const MOVED: usize = 2;
