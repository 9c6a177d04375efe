//! What every command needs to talk to a terminal and a shell: arguments, failures and
//! their exit codes, messages, progress, threads, signals, and files that appear whole.

pub mod args;
pub mod failure;
pub mod printable;
pub mod progress;
pub mod signals;
pub(crate) mod table;
pub mod target;
pub mod threads;
