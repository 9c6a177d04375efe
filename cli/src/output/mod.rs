//! Answers in the format asked for.

mod csv;
mod folder;
mod jsonl;
mod npz;
mod spool;
mod text;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;
use widebeam_perf::console::target::Target;

use self::folder::Folder;
use self::spool::Spool;
use self::text::Table;
use crate::answer::Answer;
use crate::args::{Search, Task};
use crate::format::Format;

/// Where the answers of all inputs go, and how they are written.
pub(crate) struct Output {
    style: Style,
    place: Place,
}

struct Style {
    format: Format,
    /// Whether hypotheses have a text.
    read: bool,
    /// Whether hypotheses have alignments.
    aligned: bool,
    /// The head of a table that has nothing in it yet.
    table: Table,
}

enum Place {
    /// All in one.
    One(Page),
    /// A file for each input.
    Each(Folder),
}

impl Output {
    /// Finds out before the work, not after it, whether its results can be
    /// written.
    pub(crate) fn prepare(task: &Task<'_>) -> Result<Self, Failure> {
        let format = task.format;
        let ranked = task.nbest > 1;
        folder::make(task)?;
        let (place, table) = match task.output_dir {
            Some(folder) => {
                let folder = Folder::prepare(folder, task)?;
                (Place::Each(folder), Table::of_one(ranked))
            }
            None => {
                let target = target(task.output.map(|path| path.as_path()), format)?;
                target.spare("the answers", task.sources())?;
                let table = match task.inputs {
                    [_] => Table::of_one(ranked),
                    several => Table::of_several(ranked, several),
                };
                (Place::One(Page::new(target, table.clone())), table)
            }
        };
        let style = Style {
            format,
            read: task.labels.is_some(),
            aligned: task.search == Search::Ctc,
            table,
        };
        Ok(Output { style, place })
    }

    /// Whether the answers of an input are in a file of their own already.
    pub(crate) fn has(&self, input: &Path) -> bool {
        match &self.place {
            Place::One(_) => false,
            Place::Each(folder) => folder.has(input),
        }
    }

    /// Whether the answers of some inputs are written to a file.
    pub(crate) fn writes(&self, file: &Path, inputs: &[PathBuf]) -> bool {
        match &self.place {
            Place::One(page) => page.target.place() == Some(file),
            Place::Each(folder) => inputs.iter().any(|input| folder.place(input) == file),
        }
    }

    /// Adds the answers of an input.
    pub(crate) fn add(&mut self, input: &Path, answers: &[Answer]) -> Result<(), Failure> {
        match &mut self.place {
            Place::One(page) => page.add(&self.style, input, answers),
            Place::Each(folder) => {
                let mut page = Page::new(folder.target(input)?, self.style.table.clone());
                page.add(&self.style, input, answers)?;
                page.finish(&self.style)
            }
        }
    }

    /// Puts what was added in its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.place {
            Place::One(page) => page.finish(&self.style),
            Place::Each(_) => Ok(()),
        }
    }
}

/// One file, or standard output, which is no place for a format that no terminal shows.
fn target(path: Option<&Path>, format: Format) -> Result<Target, Failure> {
    match path {
        Some(path) => Target::file(path),
        None if format.is_binary() && io::stdout().is_terminal() => Err(Failure::Input(format!(
            "--format {} is no text for a terminal: give --output, or redirect it",
            format.extension()
        ))),
        None => Ok(Target::Stdout),
    }
}

/// What goes to one target, all of it or nothing.
struct Page {
    target: Target,
    table: Table,
    spool: Spool,
    /// Whether nothing was added yet.
    is_empty: bool,
}

impl Page {
    fn new(target: Target, table: Table) -> Self {
        let spool = Spool::new(target.folder());
        Page {
            target,
            table,
            spool,
            is_empty: true,
        }
    }

    fn add(&mut self, style: &Style, input: &Path, answers: &[Answer]) -> Result<(), Failure> {
        self.begin(style)?;
        let source = printable::path(input);
        let out = self.spool.end();
        let written = match style.format {
            Format::Text => text::write(out, &mut self.table, &source, answers, style.read),
            Format::Jsonl => jsonl::write(out, &source, answers),
            Format::Csv => csv::write(out, b',', &source, answers),
            Format::Tsv => csv::write(out, b'\t', &source, answers),
            Format::Npz => npz::write(out, answers, style.aligned),
        };
        self.kept(written)
    }

    /// Writes what stands before the answers of all inputs, also where there are none.
    fn begin(&mut self, style: &Style) -> Result<(), Failure> {
        if !std::mem::take(&mut self.is_empty) {
            return Ok(());
        }
        let written = match style.format {
            Format::Csv => csv::begin(self.spool.end(), b','),
            Format::Tsv => csv::begin(self.spool.end(), b'\t'),
            Format::Text | Format::Jsonl | Format::Npz => Ok(()),
        };
        self.kept(written)
    }

    /// Whether the spool took it.
    fn kept(&self, written: io::Result<()>) -> Result<(), Failure> {
        written.map_err(|error| match self.target.folder() {
            Some(_) => self.target.failure(&error),
            None => Failure::writing("a temporary file", &error),
        })
    }

    fn finish(mut self, style: &Style) -> Result<(), Failure> {
        self.begin(style)?;
        let spool = self.spool.reread();
        let mut spool = spool.map_err(|error| self.target.failure(&error))?;
        self.target
            .write(|out| io::copy(&mut spool, out).map(|_bytes| ()))
    }
}
