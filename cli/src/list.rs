//! Lists of files, one a line.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use crate::load::STDIN;
use crate::memory;

/// The files that a list names. Lines may end as Windows ends them; empty ones name nothing.
///
/// # Errors
///
/// If the list cannot be read, names nothing, or a line is no path.
pub(crate) fn read(list: &Path) -> Result<Vec<PathBuf>, Failure> {
    let about = |failure: Failure| failure.about(printable::path(list));
    let bytes = if list == Path::new(STDIN) {
        if io::stdin().is_terminal() {
            return Err(Failure::input(
                "--inputs-from - reads a list from a pipe, and standard input is a terminal",
            ));
        }
        memory::read(io::stdin().lock())
    } else {
        File::open(list).and_then(memory::read)
    };
    let bytes = bytes.map_err(|error| about(Failure::reading(&error)))?;
    let mut paths = Vec::new();
    for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let refused = |said: &str| about(Failure::Input(format!("line {}: {said}", at + 1)));
        if line == STDIN.as_bytes() {
            return Err(refused("standard input (-) cannot stand in a list"));
        }
        if line.contains(&0) {
            return Err(refused("no path has a NUL in it; is this a list of files?"));
        }
        let path = path(line).ok_or_else(|| refused("is no UTF-8"))?;
        paths.push(path.into());
    }
    match paths.is_empty() {
        true => Err(about(Failure::input("names no files"))),
        false => Ok(paths),
    }
}

#[cfg(unix)]
fn path(line: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(line.to_vec()))
}

#[cfg(not(unix))]
fn path(line: &[u8]) -> Option<OsString> {
    std::str::from_utf8(line).ok().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_path_and_an_empty_one_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.txt");
        std::fs::write(&list, "a.npy\n\n b c.npy\r\nlast.npy").unwrap();
        let paths = read(&list).unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!(paths, ["a.npy", " b c.npy", "last.npy"].map(PathBuf::from));
    }
}
