//! The searches. They share the kernels and the order. `shortlist` serves the independent
//! and the CTC search, `prefixes` the CTC search.

pub mod autoregressive;
pub(crate) mod ctc;
pub(crate) mod independent;
mod merge;
mod prefixes;
pub(crate) mod shortlist;
