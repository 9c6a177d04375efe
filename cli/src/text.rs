//! Text files, plain or compressed.

use std::io::{self, BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use crate::load;
use crate::memory::{self, Capped};

/// Opens a text, which may be compressed by gzip.
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let about = |failure: Failure| failure.about(printable::path(path));
    let failed = |error: io::Error| about(Failure::reading(&error));
    let file = load::open(path).map_err(about)?;
    // That of a pipe is not known before its end.
    let length = file.metadata().ok().filter(|file| file.is_file());
    let length = length.map_or(u64::MAX, |file| file.len());
    let mut file = BufReader::new(file);
    let compressed = file.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]);
    Ok(if compressed {
        Box::new(BufReader::new(Capped::unpacked(
            MultiGzDecoder::new(file),
            length,
        )))
    } else {
        Box::new(BufReader::new(Capped::new(file)))
    })
}

/// Reads all of such a text.
pub fn read(path: &Path) -> Result<String, Failure> {
    let about = |failure: Failure| failure.about(printable::path(path));
    let bytes = memory::read(open(path)?).map_err(|error| about(Failure::reading(&error)))?;
    let is_array = |start: &[u8]| bytes.starts_with(start);
    if is_array(b"\x93NUMPY") || is_array(b"PK\x03\x04") {
        return Err(about(Failure::input(
            "this is a file of arrays, and text is read",
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        about(Failure::Input(format!("byte {at} is not UTF-8")))
    })
}
