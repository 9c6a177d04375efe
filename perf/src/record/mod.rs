//! What was measured, in the columns that `perf/record/README.md` explains.

mod machine;

pub(crate) use self::machine::{Cache, Machine};

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::clock::Times;
use crate::console::failure::Failure;
use crate::console::printable;
use crate::console::target::Target;
use crate::workload::{Case, kind_name};

/// One row: one program on one input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub session: String,
    pub commit: String,
    pub compiler: String,
    pub cpu: String,
    // Rows from before these columns were there do not have them.
    #[serde(default)]
    pub family: Option<u8>,
    #[serde(default)]
    pub model: Option<u8>,
    #[serde(default)]
    pub stepping: Option<u8>,
    #[serde(default)]
    pub best_level: String,
    pub processors: usize,
    pub caches: String,
    pub suite: String,
    pub search: String,
    pub input: String,
    pub shape: String,
    pub beams: Option<usize>,
    pub scores: String,
    pub dtype: String,
    pub program: String,
    pub version: String,
    pub threads: Option<usize>,
    pub seconds: Option<f64>,
    pub spread: Option<f64>,
    pub runs: Option<usize>,
    pub bytes: Option<usize>,
    pub note: String,
}

impl Entry {
    /// Items, steps and tokens of the shape.
    pub(crate) fn sizes(&self) -> Option<[usize; 3]> {
        let sizes: Option<Vec<_>> = self
            .shape
            .split('x')
            .map(|size| size.parse().ok())
            .collect();
        sizes?.try_into().ok()
    }
}

/// What all rows of a run of the tool have in common.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    common: Entry,
    machine: Machine,
}

impl Session {
    pub(crate) fn begin() -> Self {
        let machine = Machine::detect();
        let started = humantime::format_rfc3339_seconds(SystemTime::now());
        Session {
            common: Entry {
                session: started.to_string(),
                commit: env!("WIDEBEAM_COMMIT").to_owned(),
                compiler: env!("WIDEBEAM_COMPILER").to_owned(),
                cpu: machine.cpu.clone(),
                family: machine.family,
                model: machine.model,
                stepping: machine.stepping,
                best_level: machine.best_level.to_owned(),
                processors: machine.processors,
                caches: machine.caches(),
                ..Entry::default()
            },
            machine,
        }
    }

    pub(crate) fn commit(&self) -> &str {
        &self.common.commit
    }

    pub(crate) fn compiler(&self) -> &str {
        &self.common.compiler
    }

    /// The processor, as in [`Entry::processor`].
    pub(crate) fn processor(&self) -> String {
        self.common.processor()
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// A row of `suite`, on as many threads as the current pool has.
    pub(crate) fn entry(&self, suite: &str, program: &str, times: &Times) -> Entry {
        Entry {
            suite: suite.to_owned(),
            program: program.to_owned(),
            threads: Some(rayon::current_num_threads()),
            seconds: Some(times.median()),
            spread: Some(times.spread()),
            runs: Some(times.len()),
            ..self.common.clone()
        }
    }
}

impl Entry {
    /// Name and model of the processor and its level, as in `AMD EPYC (family 25, model 1,
    /// stepping 1, avx2)`.
    pub(crate) fn processor(&self) -> String {
        let number = |name, number: Option<u8>| Some(format!("{name} {}", number?));
        let level = Some(&self.best_level).filter(|level| !level.is_empty());
        let parts = [
            number("family", self.family),
            number("model", self.model),
            number("stepping", self.stepping),
            level.cloned(),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        match parts[..] {
            [] => format!("{} (unknown model)", self.cpu),
            _ => format!("{} ({})", self.cpu, parts.join(", ")),
        }
    }

    pub(crate) fn of_case(self, case: &Case, bytes: usize) -> Self {
        Entry {
            search: case.search.name().to_owned(),
            input: case.search.input().to_owned(),
            shape: case.shape.to_string(),
            beams: Some(case.beams),
            scores: kind_name(case.kind).to_owned(),
            dtype: case.dtype.name().to_owned(),
            bytes: Some(bytes),
            ..self
        }
    }
}

/// Writes rows as one CSV file, in the place of what was there.
pub(crate) fn write(target: Target, entries: &[Entry]) -> Result<(), Failure> {
    target.write(|out| out.write_all(&rows(entries, true)?))
}

/// The record of the session's day and machine under `folder`.
fn path(folder: &Path, session: &Session) -> PathBuf {
    let day = session.common.session.split('T').next().unwrap_or_default();
    let folder = folder.join(session.machine.folder());
    folder.join(format!("{day}.csv"))
}

/// Makes the folder of this machine's records under `folder`, and sees before the work
/// that the rows of the session have the columns of today's record.
pub(crate) fn prepare(folder: &Path, session: &Session) -> Result<(), Failure> {
    let path = path(folder, session);
    let failure = |error| Failure::writing(printable::path(&path), &error);
    fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failure)?;
    let today = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        today => today.map_err(failure)?,
    };
    let mut found = String::new();
    BufReader::new(today)
        .read_line(&mut found)
        .map_err(failure)?;
    let rows = rows(&[Entry::default()], true).map_err(failure)?;
    let columns = rows.split(|&byte| byte == b'\n').next();
    if !found.is_empty() && columns != Some(found.trim_end().as_bytes()) {
        return Err(Failure::input(format_args!(
            "{}: its columns are those of another version of widebeam; rename it",
            printable::path(&path)
        )));
    }
    Ok(())
}

/// Appends rows to the record of today and of this machine under `folder`.
pub(crate) fn append(folder: &Path, session: &Session, entries: &[Entry]) -> Result<(), Failure> {
    let path = path(folder, session);
    let append = || {
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        let is_new = file.metadata()?.len() == 0;
        let bytes = rows(entries, is_new)?;
        // In one piece, so that a run that is stopped leaves no half row.
        file.write_all(&bytes)
    };
    append().map_err(|error| Failure::writing(printable::path(&path), &error))
}

/// The lines of some rows, with the line of their columns above them where that is asked for.
fn rows(entries: &[Entry], has_headers: bool) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(has_headers)
        .from_writer(Vec::new());
    for entry in entries {
        writer.serialize(entry).map_err(io::Error::from)?;
    }
    writer.into_inner().map_err(|error| error.into_error())
}

/// Reads the rows of a record.
pub(crate) fn read(path: &Path) -> Result<Vec<Entry>, Failure> {
    let about =
        |error: csv::Error| Failure::input(format_args!("{}: {error}", printable::path(path)));
    let mut reader = csv::Reader::from_path(path).map_err(about)?;
    let entries: Result<Vec<Entry>, _> = reader.deserialize().collect();
    entries.map_err(about)
}
