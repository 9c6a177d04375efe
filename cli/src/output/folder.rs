//! A file of output for each input, in one folder.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;
use widebeam_perf::console::target::Target;

use crate::args::Task;
use crate::format::Format;
use crate::load::STDIN;

/// Makes the folder that answers go to, if that was asked for.
///
/// # Errors
///
/// If it is missing.
pub(super) fn make(task: &Task<'_>) -> Result<(), Failure> {
    let of_output = || task.output.and_then(|path| path.parent());
    let folder = task.output_dir.map(PathBuf::as_path).or_else(of_output);
    let is_missing = |folder: &&Path| *folder != Path::new("") && !folder.exists();
    let Some(folder) = folder.filter(is_missing) else {
        return Ok(());
    };
    if !task.create_dirs {
        return Err(Failure::Input(format!(
            "the folder {} does not exist; --create-dirs makes it",
            printable::path(folder)
        )));
    }
    fs::create_dir_all(folder).map_err(|error| Failure::writing(printable::path(folder), &error))
}

/// The folder, and what the names of its files end in.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    format: Format,
}

impl Folder {
    /// # Errors
    ///
    /// If nothing can be written there, two inputs would be written to one
    /// file, or one in the place of a file that is read.
    pub(super) fn prepare(folder: &Path, task: &Task<'_>) -> Result<Self, Failure> {
        let (format, inputs) = (task.format, task.inputs);
        let about = |failure: Failure| failure.about(printable::path(folder));
        let path = folder.canonicalize();
        let path = path.map_err(|error| about(Failure::reading(&error)))?;
        if !path.is_dir() {
            return Err(about(Failure::input("is a file, not a folder")));
        }
        let folder = Folder { path, format };
        let mut places: HashMap<PathBuf, &Path> = HashMap::with_capacity(inputs.len());
        for input in inputs {
            if input == Path::new(STDIN) {
                return Err(Failure::input(
                    "--output-dir names each output after its input, and standard input has no name",
                ));
            }
            let place = folder.place(input);
            if let Some(other) = places.insert(place.clone(), input) {
                return Err(Failure::Input(format!(
                    "{} and {} would both be written to {}",
                    printable::path(other),
                    printable::path(input),
                    printable::path(&place)
                )));
            }
        }
        for read in task.sources() {
            let place = read.canonicalize().unwrap_or_default();
            if let Some(input) = places.get(&place) {
                return Err(Failure::Input(format!(
                    "the answers of {} would be written in the place of {}, which is read",
                    printable::path(input),
                    printable::path(read)
                )));
            }
        }
        if let Some(first) = inputs.first() {
            folder.target(first)?;
        }
        Ok(folder)
    }

    /// Where the answers of an input go.
    pub(super) fn target(&self, input: &Path) -> Result<Target, Failure> {
        Target::file(&self.place(input))
    }

    /// Whether its answers are there. A file appears when it is whole.
    pub(super) fn has(&self, input: &Path) -> bool {
        self.place(input).is_file()
    }

    /// The file of the answers of an input.
    pub(super) fn place(&self, input: &Path) -> PathBuf {
        // An input without a name is a folder, which is refused when it is read.
        let name = Path::new(input.file_name().unwrap_or_default());
        self.path.join(name.with_extension(self.format.extension()))
    }
}
