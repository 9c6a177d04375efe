//! The pieces that all commands share: arguments, failures and their exit codes,
//! messages, progress, memory, threads, signals, and files that appear complete or not at all.

pub mod args;
mod cgroup;
pub mod failure;
pub mod memory;
pub mod printable;
pub mod progress;
pub mod signals;
pub(crate) mod table;
pub mod target;
pub mod threads;
pub(crate) mod width;
