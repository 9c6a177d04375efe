//! The command line tool: files of scores in, n-best lists out.

use std::process::ExitCode;

use widebeam_cli::command::Args;
use widebeam_perf::console::failure::{Failure, plain};
use widebeam_perf::console::signals;

mod closed_stdout;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<ExitCode, Failure> {
    let args = match Args::from_command_line() {
        Ok(args) => args,
        Err(error) => {
            if !error.use_stderr() {
                closed_stdout::refuse()?;
            }
            error.exit()
        }
    };
    if args.prints() {
        closed_stdout::refuse()?;
    }
    signals::watch().map_err(|error| Failure::Machine(format!("signals: {}", plain(&error))))?;
    args.run()
}
