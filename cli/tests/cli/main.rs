//! Drives the built command line tool.

mod bad_input;
mod bench;
mod ctc;
mod edges;
mod formats;
mod label_files;
mod lies;
mod limits;
mod machine;
mod many;
mod output;
mod pages;
#[cfg(unix)]
mod races;
mod refused_items;
mod report;
mod scaling;
mod shards;
#[cfg(unix)]
mod signals;
mod support;
mod trie;
mod words;
