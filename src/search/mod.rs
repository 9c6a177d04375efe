//! The searches. They share the kernels and the order. `shortlist` serves the independent,
//! the CTC and the transducer search, `prefixes`, `candidate`, `late_row`
//! and `aligned` the last two.

mod aligned;
pub mod autoregressive;
mod candidate;
pub mod ctc;
pub mod independent;
mod late_row;
mod merge;
mod prefixes;
pub(crate) mod shortlist;
pub mod transducer;
