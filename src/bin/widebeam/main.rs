//! The command line tool: files of scores in, n-best lists out.

mod args;
mod bench;
mod clock;
mod ctc;
mod decode;
mod failure;
mod info;
mod inputs;
mod labels;
mod load;
mod memory;
mod output;
mod outputs;
mod printable;
mod profile;
mod progress;
mod record;
mod report;
mod sample;
mod scaling;
mod signals;
mod table;
mod text;
mod words;
mod workload;

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
    signals::watch().map_err(|error| Failure::Machine(format!("signals: {error}")))?;
    match command.unwrap_or_else(|| Command::Decode(Box::default())) {
        Command::Decode(options) => on_threads(options.threads, || match options.task() {
            None => sample::run(&options).map(|()| ExitCode::SUCCESS),
            Some(task) => decode::run(&task, &options),
        }),
        Command::Bench(bench) => {
            on_threads(bench.threads(), || bench::run(&bench))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Scaling(options) => {
            scaling::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Info(options) => {
            on_threads(options.threads, || info::run(&options))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Report(options) => {
            report::run(&options)?;
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
    pool(threads.map_or(0, |threads| threads.get().into()))?.install(work)
}

/// The most threads, but for machines with more processors: some ten thousand
/// that look for work keep a small machine from doing any.
const MAX_THREADS: usize = 1024;

fn pool(threads: usize) -> Result<rayon::ThreadPool, Failure> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let limit = MAX_THREADS.max(processors);
    if threads > limit {
        return Err(Failure::Input(format!(
            "{threads} threads are above the limit of {limit}"
        )));
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Failure::Machine(format!("the threads could not be started: {error}")))
}
