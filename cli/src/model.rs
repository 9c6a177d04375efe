//! N-gram models from files.

use std::io::BufRead;
use std::path::Path;

use widebeam::Error;
use widebeam::scorers::NgramModel;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use crate::load;
use crate::memory;
use crate::text;

/// Reads a model: ARPA, plain or compressed by gzip, or a binary file of KenLM, which is mapped
/// into memory if `map` says so.
///
/// # Errors
///
/// If it cannot be read, or is no such model. The message names the file.
pub fn read(path: &Path, map: bool) -> Result<NgramModel, Failure> {
    let named = |failure: Failure| failure.about(printable::path(path));
    // An error of the text names the file itself.
    let mut source = text::open(path)?;
    let start = source.fill_buf();
    let start = start.map_err(|error| named(Failure::reading(&error)))?;
    let model = match NgramModel::is_binary(start) {
        true => binary(path, source, map).map_err(named)?,
        false => NgramModel::read_arpa(source),
    };
    model.map_err(|error| named(Failure::from(error)))
}

/// A binary model: mapped from a file that holds it as it is, else read, as from a pipe or
/// out of gzip.
fn binary(
    path: &Path,
    source: impl BufRead,
    map: bool,
) -> Result<Result<NgramModel, Error>, Failure> {
    if path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        let bytes = load::bytes(path, map)?;
        if NgramModel::is_binary(bytes.as_ref()) {
            return Ok(NgramModel::from_binary(bytes));
        }
    }
    let bytes = memory::read(source).map_err(|error| Failure::reading(&error))?;
    Ok(NgramModel::from_binary(bytes))
}
