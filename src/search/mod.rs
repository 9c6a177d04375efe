//! The searches. They share the kernels, the order and phase one, `shortlist`;
//! what each does with the lists is its own.

pub mod autoregressive;
pub(crate) mod ctc;
pub(crate) mod independent;
mod merge;
mod prefixes;
pub(crate) mod shortlist;
