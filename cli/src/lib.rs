//! The commands of the tool `widebeam`, and the loaders of its file formats. The fuzz
//! targets and the Python wheel use the loaders.
//!
//! Not an interface to build on: it changes with the tool.

mod answer;
mod args;
pub mod command;
mod completions;
mod confidence;
mod ctc;
mod decode;
mod decoder;
mod doubts;
mod format;
mod inputs;
pub mod labels;
mod list;
pub mod load;
mod man;
mod marked;
mod memory;
pub mod model;
mod output;
mod sample;
mod scorers;
mod shard;
mod summary;
pub mod text;
mod transcript;
mod trie;
pub mod words;
