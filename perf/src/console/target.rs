//! Where output goes, and that a file is there whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::failure::{Failure, plain};
use super::printable;
use super::signals::Unfinished;

/// Where output goes.
#[derive(Debug)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file, which is written beside its place and then put there. Links
    /// are resolved: it is the file behind them that is replaced.
    File(PathBuf),
    /// A device or a pipe with a name, which cannot be replaced.
    Device(PathBuf),
}

impl Target {
    /// Finds out before the work, not after it, whether its results can be written to
    /// a file.
    pub fn file(path: &Path) -> Result<Self, Failure> {
        let about = |failure: Failure| failure.about(printable::path(path));
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                return Err(about(Failure::input("is a folder, not a file to write")));
            }
            Ok(found) if !found.is_file() => return Ok(Target::Device(path.to_owned())),
            Ok(_) | Err(_) => {}
        }
        if !folder(path).is_dir() {
            return Err(about(Failure::Input(format!(
                "the folder {} does not exist",
                printable::path(folder(path))
            ))));
        }
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(error) if path.is_symlink() => {
                return Err(about(Failure::Input(format!(
                    "is a link that leads nowhere: {}",
                    plain(&error)
                ))));
            }
            // The file will be new: its folder is there.
            Err(_) => match (folder(path).canonicalize(), path.file_name()) {
                (Ok(folder), Some(name)) => folder.join(name),
                _ => path.to_owned(),
            },
        };
        // A trial, gone at once.
        let target = Target::File(path);
        if let Target::File(path) = &target {
            Unfinished::new(|| beside(path)).map_err(|error| target.failure(&error))?;
        }
        Ok(target)
    }

    /// # Errors
    ///
    /// If one of the files that are read would be replaced by `what`.
    pub fn spare<'a>(
        &self,
        what: &str,
        sources: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Result<(), Failure> {
        let Target::File(place) = self else {
            return Ok(());
        };
        let replaced = |source: &&PathBuf| source.canonicalize().is_ok_and(|path| path == *place);
        match sources.into_iter().find(replaced) {
            Some(source) => Err(Failure::Input(format!(
                "{what} would be written in the place of {}, which is read",
                printable::path(source)
            ))),
            None => Ok(()),
        }
    }

    /// The file that is written, where it is one: its path without links.
    pub fn place(&self) -> Option<&Path> {
        match self {
            Target::File(path) => Some(path),
            Target::Stdout | Target::Device(_) => None,
        }
    }

    /// The folder of the file that is written, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Target::File(path) => Some(folder(path)),
            Target::Stdout | Target::Device(_) => None,
        }
    }

    /// That it could not be written.
    pub fn failure(&self, error: &io::Error) -> Failure {
        match self {
            Target::Stdout => Failure::writing("standard output", error),
            Target::Device(path) | Target::File(path) => {
                Failure::writing(printable::path(path), error)
            }
        }
    }

    /// Writes all that `write` does, or where the target is a file, nothing.
    pub fn write(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let written = match self {
            Target::Stdout => {
                let mut stdout = io::stdout().lock();
                write(&mut stdout).and_then(|()| stdout.flush())
            }
            Target::Device(path) => OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut device| write(&mut device)),
            Target::File(path) => replace(path, write),
        };
        written.map_err(|error| self.failure(&error))
    }
}

/// Puts what `write` does in the place of `path`, once it is on the disk.
fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut new = Unfinished::new(|| beside(path))?;
    write(&mut new.file)?;
    if let Ok(old) = fs::metadata(path) {
        new.file.set_permissions(old.permissions())?;
    }
    new.file.sync_all()?;
    new.put(path)
}

/// A file without a final name, in the folder of `path`, which goes away
/// unless it is given one.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".widebeam-");
    // As any new file, not for the owner's eyes alone: the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder(path))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
