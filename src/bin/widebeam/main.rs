//! The command line tool: files of scores in, n-best lists out.

mod args;
mod ctc;
mod decode;
mod failure;
mod labels;
mod load;
mod output;
mod printable;
mod progress;
mod sample;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command, Decode};
use crate::failure::Failure;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<ExitCode, Failure> {
    let Command::Decode(options) = Args::parse()
        .command
        .unwrap_or_else(|| Command::Decode(Decode::default()));
    // Zero threads is rayon's word for its own default.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.map_or(0, |threads| threads.get().into()))
        .build()
        .map_err(|error| Failure::Machine(format!("the threads could not be started: {error}")))?;
    pool.install(|| match options.task() {
        None => sample::run(&options),
        Some(task) => decode::run(&task, &options),
    })?;
    Ok(ExitCode::SUCCESS)
}
