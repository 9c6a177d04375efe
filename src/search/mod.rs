//! The searches. They share the kernels and the order. `shortlist` serves the independent
//! and the CTC search, `prefixes` the CTC search.

pub mod autoregressive;
pub mod ctc;
pub mod independent;
mod merge;
mod prefixes;
pub(crate) mod shortlist;
