//! NumPy's `.npz` format: a zip archive of `.npy` files.

use std::cmp::Ordering;
use std::io::{self, Read, Seek};

use npyz::npz::{NpzArchive, file_name_from_array_name};
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::memory;

use super::array::Array;
use super::mapped::Bytes;
use super::{npy, zip};

/// What an archive is read from.
pub(crate) trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

type Archive = NpzArchive<Box<dyn ReadSeek>>;

/// An open archive and its arrays.
pub(crate) struct Npz {
    archive: Archive,
    arrays: Vec<(String, Array)>,
}

impl Npz {
    /// Opens an archive and reads the header of every array in it.
    pub(crate) fn open(mut file: Box<dyn ReadSeek>) -> Result<Self, Failure> {
        zip::check_count(&mut file).map_err(|error| corrupt(&error))?;
        let mut archive = NpzArchive::new(file).map_err(|error| corrupt(&error))?;
        let mut names: Vec<_> = archive.array_names().map(str::to_owned).collect();
        names.sort();
        let mut arrays = Vec::with_capacity(names.len());
        for name in names {
            let array = {
                let mut entry = Entry::open(&mut archive, &name)?;
                let start = entry.read(npy::MAX_PREFIX)?;
                npy::parse(&start, entry.size)
                    .map_err(|message| Failure::Input(format!("array {name:?}: {message}")))?
            };
            arrays.push((name, array));
        }
        Ok(Npz { archive, arrays })
    }

    pub(crate) fn arrays(&self) -> &[(String, Array)] {
        &self.arrays
    }

    /// Unpacks an array: the bytes in which its header says where it lies.
    pub(crate) fn read(&mut self, name: &str) -> Result<Bytes, Failure> {
        let mut entry = Entry::open(&mut self.archive, name)?;
        let size = entry.size;
        let about = |failure: Failure| failure.about(format_args!("array {name:?}"));
        memory::require(size, "unpacked, it").map_err(about)?;
        // One byte more than there should be: only at the end of an entry is
        // its checksum looked at.
        let bytes = entry.read(size.saturating_add(1))?;
        match bytes.len().cmp(&size) {
            Ordering::Equal => Ok(Bytes::Read(bytes)),
            Ordering::Less => Err(about(Failure::Input(format!(
                "truncated: {} of {size} bytes could be unpacked",
                bytes.len()
            )))),
            Ordering::Greater => Err(about(Failure::Input(format!(
                "corrupt: it unpacks to more than the {size} bytes it claims"
            )))),
        }
    }
}

/// One packed file.
struct Entry<'a> {
    name: &'a str,
    file: npyz::zip::read::ZipFile<'a>,
    /// Bytes it claims to unpack to.
    size: usize,
}

impl<'a> Entry<'a> {
    fn open(archive: &'a mut Archive, name: &'a str) -> Result<Self, Failure> {
        let file = archive
            .zip_archive()
            .by_name(&file_name_from_array_name(name))
            .map_err(|error| corrupt(&error).about(format_args!("array {name:?}")))?;
        let size = usize::try_from(file.size()).unwrap_or(usize::MAX);
        Ok(Entry { name, file, size })
    }

    /// Unpacks up to `limit` bytes. Memory grows with what is really there,
    /// not with what the archive claims.
    fn read(&mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        self.file
            .by_ref()
            .take(limit as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::OutOfMemory => Failure::Machine(error.to_string()),
                _ => corrupt(&error),
            })
            .map_err(|failure| failure.about(format_args!("array {:?}", self.name)))?;
        Ok(bytes)
    }
}

fn corrupt(error: &dyn std::error::Error) -> Failure {
    Failure::Input(format!("corrupt .npz archive: {error}"))
}
