//! Scores from files.

mod array;
mod axes;
mod choice;
mod mapped;
mod npy;
mod npz;
mod safetensors;
mod sequences;
mod tensor;
mod zip;

use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::Path;

pub use self::axes::Axes;
pub use self::choice::LengthsFrom;
pub use self::sequences::Sequences;
pub use self::tensor::Tensor;

use self::array::{Array, Dtype};
use self::choice::{choose_lengths, choose_scores, is_guess};
use self::mapped::Bytes;
use self::npz::{Npz, ReadSeek};
use crate::memory;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::memory::require;
use widebeam_perf::console::printable;

/// The name of standard input.
pub const STDIN: &str = "-";

/// What a file of scores holds.
#[derive(Debug)]
pub struct Input {
    /// The scores.
    pub tensor: Tensor,
    /// Steps in use of each item, where the file says so.
    pub lengths: Option<Vec<usize>>,
    /// The array of the lengths, where it was found by the ending of its name.
    pub guessed_lengths: Option<String>,
    /// Whether float64 scores were rounded to float32.
    pub rounded: bool,
}

/// What to read of a file, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading<'a> {
    /// The array of that name, or the only one that can be meant.
    pub array: Option<&'a str>,
    /// Where the steps in use of each item are.
    pub lengths: LengthsFrom<'a>,
    /// The order of the axes.
    pub axes: Axes,
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
        let is_pattern = || path.to_string_lossy().contains(['*', '?']) && !path.exists();
        let opened = opened.map_err(|failure| match is_pattern() {
            true => failure.with("the shell did not replace the * or ? by names of files"),
            false => failure,
        });
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
    if path.is_dir() {
        return Err(folder(path));
    }
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

/// That a folder was named, and how to name its files.
fn folder(path: &Path) -> Failure {
    let files = match path.read_dir() {
        Ok(files) => files.flatten(),
        Err(error) => return Failure::reading(&error),
    };
    let mut counts = ["npy", "npz", "safetensors"].map(|ending| (0, ending));
    for name in files.map(|file| file.file_name()) {
        let ending = Path::new(&name).extension();
        for (count, own) in &mut counts {
            *count += usize::from(ending.is_some_and(|ending| ending == *own));
        }
    }
    let (count, ending) = counts
        .into_iter()
        .fold((0, ""), |most, own| match own.0 > most.0 {
            true => own,
            false => most,
        });
    match count {
        0 => Failure::input("is a folder, and no .npy, .npz or .safetensors file is in it"),
        _ => Failure::Input(format!(
            "is a folder; it holds {}: {}",
            printable::count(count, &format!(".{ending} file")),
            printable::path(&path.join(format!("*.{ending}")))
        )),
    }
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
        InputFormat::Npy => read_npy(source.bytes(reading.map)?, reading),
        InputFormat::Npz => read_npz(source.seekable(), reading),
        InputFormat::Safetensors => read_safetensors(source.bytes(reading.map)?, reading),
    }
}

fn read_npy(bytes: Bytes, reading: Reading<'_>) -> Result<Input, Failure> {
    let lengths_array = match reading.lengths {
        LengthsFrom::Array(name) => Some(("--lengths-array", name)),
        LengthsFrom::Own | LengthsFrom::Elsewhere => None,
    };
    let array = reading.array.map(|name| ("--array", name));
    if let Some((option, name)) = array.or(lengths_array) {
        return Err(Failure::Input(format!(
            "a .npy file is one array without a name; {option} {name} has no meaning for it"
        )));
    }
    let array = npy::parse(&bytes, bytes.len()).map_err(Failure::Input)?;
    Input::new(bytes, &array, reading, None)
}

fn read_npz(file: Box<dyn ReadSeek>, reading: Reading<'_>) -> Result<Input, Failure> {
    let mut npz = Npz::open(file)?;
    let (name, array) = choose_scores(npz.arrays(), reading.array)?.clone();
    let lengths = match choose_lengths(npz.arrays(), &array, reading)?.cloned() {
        Some((name, array)) => Some(Lengths::read(&npz.read(&name)?, &name, &array)?),
        None => None,
    };
    Input::new(npz.read(&name)?, &array, reading, lengths)
}

fn read_safetensors(bytes: Bytes, reading: Reading<'_>) -> Result<Input, Failure> {
    let arrays = safetensors::parse(&bytes).map_err(Failure::Input)?;
    let (_, array) = choose_scores(&arrays, reading.array)?;
    let lengths = match choose_lengths(&arrays, array, reading)? {
        Some((name, array)) => Some(Lengths::read(&bytes, name, array)?),
        None => None,
    };
    Input::new(bytes, array, reading, lengths)
}

/// The steps in use, as an array of an archive has them.
struct Lengths {
    name: String,
    values: Vec<usize>,
}

impl Lengths {
    fn read(bytes: &[u8], name: &str, array: &Array) -> Result<Self, Failure> {
        let values = tensor::read_lengths(bytes, array)
            .map_err(|failure| failure.about(format_args!("array {name:?}")))?;
        let name = name.to_owned();
        Ok(Lengths { name, values })
    }
}

impl Input {
    fn new(
        bytes: Bytes,
        array: &Array,
        reading: Reading<'_>,
        lengths: Option<Lengths>,
    ) -> Result<Self, Failure> {
        let (name, lengths) = lengths.map(|found| (found.name, found.values)).unzip();
        Ok(Input {
            tensor: Tensor::read(bytes, array, reading.axes)?,
            lengths,
            guessed_lengths: name.filter(|name| is_guess(name, reading)),
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

    #[test]
    fn a_stream_is_told_by_its_beginning() {
        let reading = Reading {
            map: true,
            ..Reading::default()
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
