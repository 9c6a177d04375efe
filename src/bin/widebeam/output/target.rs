//! Where output goes, and that a file is there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::args::Format;
use crate::failure::Failure;

/// Where output goes.
#[derive(Debug)]
pub(crate) enum Target {
    Stdout,
    /// A file, which is written beside its place and then put there. Links
    /// are resolved: it is the file behind them that is replaced.
    File(PathBuf),
    /// A device or a pipe with a name, which cannot be replaced.
    Device(PathBuf),
}

impl Target {
    /// Finds out before the work, not after it, whether its results can be
    /// written.
    pub(crate) fn prepare(path: Option<&Path>, format: Format) -> Result<Self, Failure> {
        let Some(path) = path else {
            if format == Format::Npz && io::stdout().is_terminal() {
                return Err(Failure::input(
                    "--format npz is no text for a terminal: give --output, or redirect it",
                ));
            }
            return Ok(Target::Stdout);
        };
        let about = |failure: Failure| failure.about(path.display());
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
                folder(path).display()
            ))));
        }
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // A trial, gone at once: no folder is left with an unfinished file by
        // whatever stops the program while it works.
        beside(&path).map_err(|error| Failure::writing(path.display(), &error))?;
        Ok(Target::File(path))
    }

    /// Writes all that `write` does, or where the target is a file, nothing.
    pub(crate) fn write(
        self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let buffered = |out: &mut dyn Write| {
            let mut out = BufWriter::new(out);
            write(&mut out)?;
            out.flush()
        };
        match self {
            Target::Stdout => buffered(&mut io::stdout().lock())
                .map_err(|error| Failure::writing("standard output", &error)),
            Target::Device(path) => OpenOptions::new()
                .write(true)
                .open(&path)
                .and_then(|mut device| buffered(&mut device))
                .map_err(|error| Failure::writing(path.display(), &error)),
            Target::File(path) => {
                replace(&path, buffered).map_err(|error| Failure::writing(path.display(), &error))
            }
        }
    }
}

/// Puts what `write` does in the place of `path`, once it is on the disk.
fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = beside(path)?;
    write(&mut file)?;
    if let Ok(old) = fs::metadata(path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.as_file().sync_all()?;
    let _: File = file.persist(path)?;
    Ok(())
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
