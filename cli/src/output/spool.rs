//! Output in the making: in memory while it is little, else in a file without a
//! name, which goes away with the process whatever ends it.

use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;

use tempfile::SpooledTempFile;

/// Bytes kept in memory.
const IN_MEMORY: usize = 16 << 20;

pub(super) struct Spool {
    file: BufWriter<SpooledTempFile>,
}

impl Spool {
    /// A spool that uses the disk of `folder`, or the system's place for
    /// temporary files.
    pub(super) fn new(folder: Option<&Path>) -> Self {
        let file = match folder {
            Some(folder) => tempfile::spooled_tempfile_in(IN_MEMORY, folder),
            None => tempfile::spooled_tempfile(IN_MEMORY),
        };
        Spool {
            file: BufWriter::new(file),
        }
    }

    /// What is written goes behind what was written.
    pub(super) fn end(&mut self) -> &mut (impl Write + Seek) {
        &mut self.file
    }

    /// All that was written, from the start.
    pub(super) fn reread(&mut self) -> io::Result<impl Read> {
        self.file.rewind()?;
        Ok(self.file.get_mut())
    }
}
