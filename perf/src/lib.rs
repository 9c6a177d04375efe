//! The measurements of widebeam: workloads and their references, benchmarks of searches
//! and kernels, scaling over threads, profiles, and the record with its reports. The
//! command line tool mounts the commands; `cargo bench` uses the workloads.
//!
//! Not an interface to build on: it changes with the tool.

pub mod bench;
mod clock;
pub mod console;
pub mod info;
mod profile;
mod record;
pub mod report;
mod results;
pub mod scaling;
pub mod synthetic;
pub mod workload;
