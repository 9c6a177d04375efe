//! What is fuzzed: one function a target, from any bytes to nothing or a panic.
//!
//! `tests/fuzz/main.rs` calls them with mutated seeds and random bytes, the
//! package in `fuzz/` under libFuzzer.

pub(crate) mod admission;
pub(crate) mod arpa;
pub(crate) mod autoregressive;
pub(crate) mod ctc;
pub(crate) mod independent;
pub(crate) mod labels;
pub(crate) mod lexicon;
pub(crate) mod npy;
pub(crate) mod npz;
pub(crate) mod safetensors;
pub(crate) mod stream;

mod emissions;
mod file;
