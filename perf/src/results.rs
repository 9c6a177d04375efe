//! Where measurements go: a table or JSON on standard output, CSV, the record.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueHint;
use serde::Serialize;

use crate::console::failure::Failure;
use crate::console::printable::count;
use crate::console::table::Table;
use crate::console::target::Target;
use crate::console::width;
use crate::profile::Profile;
use crate::record::{self, Entry, Session};

#[derive(Debug, clap::Args)]
pub(crate) struct ResultOptions {
    /// Print JSON, with the time of every run
    #[arg(long)]
    pub json: bool,

    /// Print all columns, also where they are wider than the terminal
    #[arg(long)]
    wide: bool,

    /// Write a row for each program and input to a CSV file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    csv: Option<PathBuf>,

    /// Append the same rows to the record of this machine and day under a folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    record: Option<PathBuf>,
}

/// Outputs that can be written to, as was found before the work.
#[derive(Debug)]
pub(crate) struct ResultSinks {
    json: bool,
    width: Option<usize>,
    csv: Option<Target>,
    record: Option<PathBuf>,
    session: Session,
}

impl ResultOptions {
    pub(crate) fn open(&self) -> Result<ResultSinks, Failure> {
        let session = Session::begin();
        if let Some(folder) = &self.record {
            record::prepare(folder, &session)?;
        }
        Ok(ResultSinks {
            json: self.json,
            width: width::of_stdout().filter(|_| !self.wide),
            csv: self.csv.as_deref().map(Target::file).transpose()?,
            record: self.record.clone(),
            session,
        })
    }
}

/// What `--json` prints: where it ran, and the rows of the table.
#[derive(Serialize)]
struct Document<'a, R> {
    bench: &'a str,
    version: &'a str,
    commit: &'a str,
    compiler: &'a str,
    target: &'a str,
    processors: usize,
    threads: usize,
    rows: &'a [R],
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a Profile>,
}

impl ResultSinks {
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Says what was measured, wherever it was asked for.
    pub(crate) fn write<R: Serialize>(
        self,
        bench: &str,
        rows: &[R],
        table: impl Fn(&[R]) -> Table,
        entries: &[Entry],
        profile: Option<&Profile>,
    ) -> Result<(), Failure> {
        if let Some(target) = self.csv {
            record::write(target, entries)?;
        }
        if let Some(folder) = &self.record {
            record::append(folder, &self.session, entries)?;
        }
        let mut out = io::stdout().lock();
        let threads = rayon::current_num_threads();
        let processors = self.session.machine().processors;
        let written = if self.json {
            let document = Document {
                bench,
                version: env!("CARGO_PKG_VERSION"),
                commit: self.session.commit(),
                compiler: self.session.compiler(),
                target: std::env::consts::ARCH,
                processors,
                threads,
                rows,
                profile,
            };
            serde_json::to_writer_pretty(&mut out, &document)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(out))
        } else {
            let (threads, processors) = (count(threads, "thread"), count(processors, "processor"));
            writeln!(out, "{threads} on {processors}\n")
                .and_then(|()| table(rows).write(&mut out, self.width))
                .and_then(|()| {
                    profile.map_or(Ok(()), |profile| profile.write(&mut out, self.width))
                })
        };
        written
            .and_then(|()| out.flush())
            .map_err(|error| Failure::writing("standard output", &error))
    }
}
