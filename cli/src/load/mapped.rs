//! Files mapped into memory: the one place outside the library's SIMD layer
//! with `unsafe`.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// Opens a file or a pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::Error::other("is a folder, not a file"));
    }
    #[cfg(unix)]
    let pipe = std::os::unix::fs::FileTypeExt::is_fifo(&kind);
    #[cfg(not(unix))]
    let pipe = false;
    if !kind.is_file() && !pipe {
        return Err(io::Error::other("is a device; files and pipes are read"));
    }
    Ok(file)
}

/// The bytes of a file: mapped, or read into memory.
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Bytes {
    /// Maps a regular file. Its pages are read when they are first looked at.
    #[allow(unsafe_code)]
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        // SAFETY: the mapping is read-only and private to this process, and
        // every value of every byte is valid for the types it is read as. What
        // no program can rule out is that another one changes the file while
        // it is mapped. Then the numbers read are the old or the new ones, and
        // the search stays in bounds whatever they are: offsets and shapes are
        // checked once, against the length of the mapping, which does not
        // change, and token ids come from positions, never from the data. A
        // file cut shorter ends the process by a signal (SIGBUS); who has such
        // files reads them into memory instead (`--no-mmap`).
        let map = unsafe { Mmap::map(file)? };
        Ok(Bytes::Mapped(map))
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Read(bytes) => bytes,
        }
    }
}
