//! The command line tool: files of scores in, n-best lists out.

mod args;
mod bench;
mod ctc;
mod decode;
mod failure;
mod inputs;
mod labels;
mod load;
mod memory;
mod output;
mod printable;
mod progress;
mod sample;
mod signals;
mod text;
mod words;

use std::num::NonZeroU16;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<ExitCode, Failure> {
    let command = Args::parse().command;
    match command.unwrap_or_else(|| Command::Decode(Box::default())) {
        Command::Decode(options) => {
            signals::watch().map_err(|error| Failure::Machine(format!("signals: {error}")))?;
            on_threads(options.threads, || match options.task() {
                None => sample::run(&options).map(|()| ExitCode::SUCCESS),
                Some(task) => decode::run(&task, &options),
            })
        }
        Command::Bench(bench) => {
            on_threads(bench.threads(), || bench::run(&bench))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Runs `work` in a pool of so many threads, or of one per processor.
fn on_threads<T: Send>(
    threads: Option<NonZeroU16>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    // Zero threads is rayon's word for its own default.
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.map_or(0, |threads| threads.get().into()))
        .build()
        .map_err(|error| Failure::Machine(format!("the threads could not be started: {error}")))?
        .install(work)
}
