//! What a signal that ends the program leaves behind: nothing unfinished.
//!
//! Work goes to files without a name (`cli/src/output/spool.rs`), which vanish with the
//! process however it ends. A file has a name and is incomplete only while it is
//! copied into its place, and it is that one which a signal has to remove.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempPath};

/// The path of the unfinished file, which is removed when it is dropped.
static UNFINISHED: Mutex<Option<TempPath>> = Mutex::new(None);

fn unfinished() -> MutexGuard<'static, Option<TempPath>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the program on SIGINT and SIGTERM with the exit code that a shell has
/// for them, 128 and the signal's number, once the unfinished file is gone.
///
/// Other systems than Unix end it without.
pub fn watch() -> io::Result<()> {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    // Held to the end: nothing gets its final name from here on.
                    let mut unfinished = unfinished();
                    drop(unfinished.take());
                    super::progress::wipe();
                    std::process::exit(128 + signal);
                }
            })?;
    }
    Ok(())
}

/// A file that is being written, and goes away unless it is put in its place.
/// There is one at a time.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub file: File,
}

impl Unfinished {
    pub(crate) fn new(create: impl FnOnce() -> io::Result<NamedTempFile>) -> io::Result<Self> {
        // A signal between the creation and the note of it would miss the file.
        let mut unfinished = unfinished();
        let (file, path) = create()?.into_parts();
        *unfinished = Some(path);
        Ok(Unfinished { file })
    }

    /// Gives the file its final name, in the place of what has it now.
    pub(crate) fn put(self, place: &Path) -> io::Result<()> {
        // Let go before `self` is dropped, which locks as well.
        let mut unfinished = unfinished();
        match unfinished.take() {
            Some(path) => Ok(path.persist(place)?),
            // Taken by a signal: nobody gets here.
            None => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        drop(unfinished().take());
    }
}
