//! Drives the built command line tool.

mod bad_input;
mod bench;
mod ctc;
mod formats;
mod lies;
mod machine;
mod output;
mod support;
