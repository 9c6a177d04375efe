//! The fuzz targets: one function each, from any bytes to nothing or a panic.
//!
//! `tests/fuzz.rs` calls them with mutated seeds and random bytes, the package in
//! `libfuzzer/` under libFuzzer.

pub mod admission;
pub mod arpa;
pub mod autoregressive;
pub mod ctc;
pub mod independent;
pub mod kenlm;
pub mod labels;
pub mod lexicon;
pub mod npy;
pub mod npz;
pub mod phrases;
pub mod safetensors;
pub mod stream;
pub mod transducer;

mod effort;
mod emissions;
mod file;
