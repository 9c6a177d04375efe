//! The searches. They share the kernels, the order and the trellis.

pub mod autoregressive;
pub(crate) mod ctc;
pub(crate) mod independent;
mod merge;
pub(crate) mod shortlist;
