//! The command line tool: files of scores in, n-best lists out.

use std::process::ExitCode;

use widebeam_cli::command::Args;
use widebeam_perf::console::failure::{Failure, plain};
use widebeam_perf::console::signals;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<ExitCode, Failure> {
    let args = Args::from_command_line();
    signals::watch().map_err(|error| Failure::Machine(format!("signals: {}", plain(&error))))?;
    args.run()
}
