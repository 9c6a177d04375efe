//! Drives the built command line tool.

mod bad_input;
mod bench;
mod formats;
mod machine;
mod output;
mod support;
