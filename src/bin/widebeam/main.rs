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
mod threads;
mod words;
mod workload;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::failure::Failure;
use crate::threads::on_threads;

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
