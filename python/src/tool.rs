//! The command line tool.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use pyo3::prelude::*;
use widebeam_cli::command::Args;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::signals;

/// Runs the tool `widebeam` with these arguments, of which the first is its name. Returns the
/// exit code.
#[pyfunction]
pub(crate) fn _tool(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| {
        let args = match Args::try_parse_from(arguments) {
            Ok(args) => args,
            Err(said) => {
                // Help is no error. Where nobody reads it, the code alone must do.
                let _ = said.print();
                return u8::try_from(said.exit_code()).unwrap_or(2);
            }
        };
        let code = run(args).unwrap_or_else(|failure| failure.report());
        // A code does not tell its number.
        let mut numbers = 0..=u8::MAX;
        numbers
            .find(|&number| code == ExitCode::from(number))
            .unwrap_or(1)
    })
}

fn run(args: Args) -> Result<ExitCode, Failure> {
    signals::watch().map_err(|error| Failure::Machine(format!("signals: {error}")))?;
    args.run()
}
