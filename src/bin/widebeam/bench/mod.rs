//! `widebeam bench`: what this machine makes of it, every answer checked.

mod args;
mod clock;
mod grid;
mod independent;
mod kernels;
mod log_add;
mod table;
mod values;

pub(crate) use self::args::Bench;

use std::io::{self, Write};

use serde::Serialize;

use self::table::Table;
use crate::failure::Failure;

/// Runs a benchmark in the current pool of threads.
pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    match bench {
        Bench::Kernels(options) => {
            let rows = kernels::run(options)?;
            print("kernels", options.common.json, &rows, kernels::table)
        }
        Bench::Independent(options) => {
            let rows = independent::run(options)?;
            print(
                "independent",
                options.common.json,
                &rows,
                independent::table,
            )
        }
    }
}

/// What `--json` prints: where it ran, and the rows of the table.
#[derive(Serialize)]
struct Document<'a, R> {
    bench: &'a str,
    version: &'a str,
    target: &'a str,
    processors: usize,
    threads: usize,
    rows: &'a [R],
}

fn print<R: Serialize>(
    bench: &str,
    json: bool,
    rows: &[R],
    table: impl Fn(&[R]) -> Table,
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let threads = rayon::current_num_threads();
    let written = if json {
        let document = Document {
            bench,
            version: env!("CARGO_PKG_VERSION"),
            target: std::env::consts::ARCH,
            processors: processors(),
            threads,
            rows,
        };
        serde_json::to_writer_pretty(&mut out, &document)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        let plural = if threads == 1 { "" } else { "s" };
        writeln!(
            out,
            "{threads} thread{plural} on {} processors\n",
            processors()
        )
        .and_then(|()| table(rows).write(&mut out))
    };
    written
        .and_then(|()| out.flush())
        .map_err(|error| Failure::writing("standard output", &error))
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// An answer that is not the naive one: a defect of widebeam.
fn wrong(what: impl std::fmt::Display) -> Failure {
    Failure::Machine(format!("wrong answer, please report it: {what}"))
}
