//! Scores from files.

mod array;
mod mapped;
mod npy;
mod npz;
mod safetensors;
mod tensor;
mod zip;

use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::Path;

pub use self::tensor::Tensor;

use self::array::{Array, Dtype};
use self::mapped::Bytes;
use self::npz::{Npz, ReadSeek};
use crate::memory;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::memory::require;
use widebeam_perf::console::printable;

/// The array of an archive that holds the steps in use of each item.
const LENGTHS: &str = "lengths";

/// The name of standard input.
pub const STDIN: &str = "-";

/// What a file of scores holds.
#[derive(Debug)]
pub struct Input {
    /// The scores.
    pub tensor: Tensor,
    /// Steps in use of each item, where the file says so.
    pub lengths: Option<Vec<usize>>,
    /// Whether float64 scores were rounded to float32.
    pub rounded: bool,
}

/// What to read of a file, and how.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The array of that name, or the only one that can be meant.
    pub array: Option<&'a str>,
    /// Whether files are mapped into memory, not read into it.
    pub map: bool,
}

impl Input {
    /// Opens a file or a pipe of scores, or standard input.
    pub fn open(path: &Path, reading: Reading<'_>) -> Result<Self, Failure> {
        let opened = match path == Path::new(STDIN) {
            true => open_stdin(reading),
            false => open_path(path, reading),
        };
        opened.map_err(|failure| failure.about(printable::path(path)))
    }
}

/// Lengths from a `.npy` file of integers.
pub fn lengths(path: &Path) -> Result<Vec<usize>, Failure> {
    let read = || {
        let bytes = slurp(open(path)?)?;
        let array = npy::parse(&bytes, bytes.len()).map_err(Failure::Input)?;
        tensor::read_lengths(&bytes, &array)
    };
    read().map_err(|failure| failure.about(printable::path(path)))
}

fn open_stdin(reading: Reading<'_>) -> Result<Input, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::input(
            "standard input is a terminal; a file or a pipe is read",
        ));
    }
    open_stream(stdin.lock(), reading)
}

fn open_path(path: &Path, reading: Reading<'_>) -> Result<Input, Failure> {
    let file = open(path)?;
    let kind = file.metadata().map_err(|error| Failure::reading(&error))?;
    if !kind.is_file() {
        return open_stream(file, reading);
    }
    let format = InputFormat::of_name(path).ok_or_else(|| {
        Failure::input(
            "the format of a file is told by its name, which ends in .npy, .npz or .safetensors",
        )
    })?;
    read(Source::File(file), format, reading)
}

/// Reads what has no name that tells its format, and no place to go back to.
fn open_stream(mut stream: impl Read, reading: Reading<'_>) -> Result<Input, Failure> {
    // A stream may have no end: its beginning is looked at first.
    let mut start = slurp(stream.by_ref().take(InputFormat::MAGIC_BYTES))?;
    if start.is_empty() {
        return Err(Failure::input("is empty"));
    }
    let format = InputFormat::of_content(&start)
        .ok_or_else(|| Failure::input("it begins like no .npy, .npz or .safetensors file"))?;
    start.append(&mut slurp(stream)?);
    read(Source::Bytes(start), format, reading)
}

#[derive(Clone, Copy, Debug)]
enum InputFormat {
    Npy,
    Npz,
    Safetensors,
}

impl InputFormat {
    /// What tells a format from the others.
    const MAGIC_BYTES: u64 = 9;

    fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "npy" => Some(InputFormat::Npy),
            "npz" => Some(InputFormat::Npz),
            "safetensors" => Some(InputFormat::Safetensors),
            _ => None,
        }
    }

    fn of_content(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(InputFormat::Npy),
            [b'P', b'K', ..] => Some(InputFormat::Npz),
            // The length of a header of JSON, and the header.
            [_, _, _, _, _, _, _, _, b'{', ..] => Some(InputFormat::Safetensors),
            _ => None,
        }
    }
}

/// Where the bytes of a file are.
enum Source {
    File(File),
    Bytes(Vec<u8>),
}

impl Source {
    fn bytes(self, map: bool) -> Result<Bytes, Failure> {
        match self {
            Source::File(file) if map => {
                Bytes::map(&file).map_err(|error| Failure::reading(&error))
            }
            Source::File(file) => {
                let length = file.metadata().map_or(0, |found| found.len());
                require(usize::try_from(length).unwrap_or(usize::MAX), "all of it")?;
                slurp(file).map(Bytes::Read)
            }
            Source::Bytes(bytes) => Ok(Bytes::Read(bytes)),
        }
    }

    fn seekable(self) -> Box<dyn ReadSeek> {
        match self {
            Source::File(file) => Box::new(io::BufReader::new(file)),
            Source::Bytes(bytes) => Box::new(Cursor::new(bytes)),
        }
    }
}

fn read(source: Source, format: InputFormat, reading: Reading<'_>) -> Result<Input, Failure> {
    match format {
        InputFormat::Npy => read_npy(source.bytes(reading.map)?, reading.array),
        InputFormat::Npz => read_npz(source.seekable(), reading.array),
        InputFormat::Safetensors => read_safetensors(source.bytes(reading.map)?, reading.array),
    }
}

fn read_npy(bytes: Bytes, array: Option<&str>) -> Result<Input, Failure> {
    if let Some(name) = array {
        return Err(Failure::Input(format!(
            "a .npy file is one array without a name; --array {name} has no meaning for it"
        )));
    }
    let array = npy::parse(&bytes, bytes.len()).map_err(Failure::Input)?;
    Input::new(bytes, &array, None)
}

fn read_npz(file: Box<dyn ReadSeek>, array: Option<&str>) -> Result<Input, Failure> {
    let mut npz = Npz::open(file)?;
    let (name, array) = choose(npz.arrays(), array)?.clone();
    let lengths = match find(npz.arrays(), LENGTHS).cloned() {
        Some((name, array)) => Some(read_lengths(&npz.read(&name)?, &array)?),
        None => None,
    };
    Input::new(npz.read(&name)?, &array, lengths)
}

fn read_safetensors(bytes: Bytes, array: Option<&str>) -> Result<Input, Failure> {
    let arrays = safetensors::parse(&bytes).map_err(Failure::Input)?;
    let (_, array) = choose(&arrays, array)?;
    let lengths = match find(&arrays, LENGTHS) {
        Some((_, array)) => Some(read_lengths(&bytes, array)?),
        None => None,
    };
    Input::new(bytes, array, lengths)
}

impl Input {
    fn new(bytes: Bytes, array: &Array, lengths: Option<Vec<usize>>) -> Result<Self, Failure> {
        Ok(Input {
            tensor: Tensor::read(bytes, array)?,
            lengths,
            rounded: array.dtype == Dtype::F64,
        })
    }
}

/// Opens a file or a pipe, which has an end; not a folder or a device.
pub fn open(path: &Path) -> Result<File, Failure> {
    mapped::open(path).map_err(|error| Failure::reading(&error))
}

/// The bytes of a file: mapped, if that is wanted and it is a regular one, or else read.
pub(crate) fn bytes(path: &Path, map: bool) -> Result<Bytes, Failure> {
    let file = open(path)?;
    let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
    match map && regular {
        true => Bytes::map(&file).map_err(|error| Failure::reading(&error)),
        false => slurp(file).map(Bytes::Read),
    }
}

fn slurp(reader: impl Read) -> Result<Vec<u8>, Failure> {
    memory::read(reader).map_err(|error| Failure::reading(&error))
}

fn read_lengths(bytes: &[u8], array: &Array) -> Result<Vec<usize>, Failure> {
    tensor::read_lengths(bytes, array)
        .map_err(|failure| failure.about(format_args!("array {LENGTHS:?}")))
}

fn find<'a>(arrays: &'a [(String, Array)], name: &str) -> Option<&'a (String, Array)> {
    arrays.iter().find(|(other, _)| other == name)
}

/// The array of that name, or the only one that can be scores.
fn choose<'a>(
    arrays: &'a [(String, Array)],
    name: Option<&str>,
) -> Result<&'a (String, Array), Failure> {
    let held = || match arrays {
        [] => "the file holds no array".to_owned(),
        _ => {
            let list: Vec<_> = arrays
                .iter()
                .map(|(name, array)| format!("{name:?} ({} {:?})", array.dtype, array.shape))
                .collect();
            format!("the file holds {}", list.join(", "))
        }
    };
    if let Some(name) = name {
        return find(arrays, name)
            .ok_or_else(|| Failure::Input(format!("no array {name:?}; {}", held())));
    }
    let mut scores = arrays.iter().filter(|(_, array)| array.is_score_like());
    match (scores.next(), scores.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Failure::Input(format!(
            "no float array of rank 2 or 3; {}",
            held()
        ))),
        (Some(_), Some(_)) => Err(Failure::Input(format!(
            "more than one float array of rank 2 or 3: choose one with --array; {}",
            held()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_told_by_the_name_or_the_first_bytes() {
        let by_name =
            |name: &str| InputFormat::of_name(Path::new(name)).map(|format| format!("{format:?}"));
        for (name, expected) in [
            ("a.npy", Some("Npy")),
            ("b/a.b.NPZ", Some("Npz")),
            ("a.SafeTensors", Some("Safetensors")),
            ("a.npy.gz", None),
            ("npy", None),
            (".npy", None),
            ("", None),
        ] {
            assert_eq!(by_name(name).as_deref(), expected, "{name}");
        }
        let by_content =
            |bytes: &[u8]| InputFormat::of_content(bytes).map(|format| format!("{format:?}"));
        let length = 9u64.to_le_bytes();
        for (bytes, expected) in [
            (&b"\x93NUMPY"[..], Some("Npy")),
            (b"\x93NUMPY\x01\x00", Some("Npy")),
            (b"\x93NUMP", None),
            (b"PK", Some("Npz")),
            (b"P", None),
            (&[&length[..], b"{"].concat(), Some("Safetensors")),
            (&[&length[..], b"["].concat(), None),
            (&length, None),
            (b"", None),
        ] {
            assert_eq!(by_content(bytes).as_deref(), expected, "{bytes:?}");
        }
        assert_eq!(InputFormat::MAGIC_BYTES, 9);
    }

    fn array(dtype: Dtype, rank: usize) -> Array {
        Array {
            dtype,
            big_endian: false,
            fortran: false,
            shape: vec![2; rank],
            range: 0..0,
        }
    }

    #[test]
    fn the_only_array_that_can_be_scores_or_the_one_that_is_named() {
        let arrays = |all: &[(&str, Dtype, usize)]| -> Vec<(String, Array)> {
            let named = all.iter().cloned();
            named
                .map(|(name, dtype, rank)| (name.to_owned(), array(dtype, rank)))
                .collect()
        };
        let (scores, more) = (("p", Dtype::F16, 3), ("q", Dtype::F32, 2));
        let beside = [("lengths", Dtype::Signed(8), 1), ("x", Dtype::F32, 1)];
        let one = arrays(&[beside[0].clone(), scores.clone(), beside[1].clone()]);
        assert_eq!(choose(&one, None).unwrap().0, "p");
        assert_eq!(choose(&one, Some("x")).unwrap().0, "x");
        let said = |arrays: &[(String, Array)], name| match choose(arrays, name) {
            Err(Failure::Input(message)) => message,
            other => panic!("{other:?}"),
        };
        let held = "the file holds \"lengths\" (int64 [2]), \"p\" (float16 [2, 2, 2]), \"x\" (float32 [2])";
        assert_eq!(said(&one, Some("y")), format!("no array \"y\"; {held}"));
        let none = arrays(&beside);
        assert_eq!(
            said(&none, None),
            "no float array of rank 2 or 3; the file holds \"lengths\" (int64 [2]), \"x\" (float32 [2])"
        );
        assert_eq!(
            said(&[], None),
            "no float array of rank 2 or 3; the file holds no array"
        );
        let two = arrays(&[scores, more]);
        assert_eq!(
            said(&two, None),
            "more than one float array of rank 2 or 3: choose one with --array; \
             the file holds \"p\" (float16 [2, 2, 2]), \"q\" (float32 [2, 2])"
        );
        assert_eq!(find(&two, "q").unwrap().0, "q");
        assert!(find(&two, "lengths").is_none());
    }

    #[test]
    fn a_stream_is_told_by_its_beginning() {
        let reading = Reading {
            array: None,
            map: true,
        };
        let said = |bytes: &[u8]| match open_stream(bytes, reading) {
            Err(Failure::Input(message)) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(said(b""), "is empty");
        let unknown = "it begins like no .npy, .npz or .safetensors file";
        assert_eq!(said(b"text"), unknown);
        assert_eq!(said(b"\x93NUMPX and more"), unknown);
        assert!(said(b"\x93NUMPY\x01\x00").starts_with("not a .npy file"));
        assert!(said(b"PK").starts_with("corrupt .npz archive"));
        assert!(said(b"\x02\0\0\0\0\0\0\0{}").starts_with("no float array"));
    }
}
