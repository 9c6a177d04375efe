//! Scores from files.

mod array;
mod mapped;
mod npy;
mod npz;
mod safetensors;
mod tensor;

use std::path::Path;

pub(crate) use self::tensor::Tensor;

use self::array::{Array, Dtype};
use self::mapped::Bytes;
use self::npz::Npz;
use crate::failure::{Failure, note};

/// The array of an archive that holds the steps in use of each item.
const LENGTHS: &str = "lengths";

/// What a file of scores holds.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) tensor: Tensor,
    pub(crate) lengths: Option<Vec<usize>>,
}

impl Input {
    /// Opens a file of scores: the array of that name, or the only one that
    /// can be meant.
    pub(crate) fn open(path: &Path, array: Option<&str>) -> Result<Self, Failure> {
        let opened = match extension(path).as_str() {
            "npy" => open_npy(path, array),
            "npz" => open_npz(path, array),
            "safetensors" => open_safetensors(path, array),
            _ => Err(Failure::input(
                "the format of a file is told by its name, which ends in .npy, .npz or .safetensors",
            )),
        };
        opened.map_err(|failure| failure.about(path.display()))
    }
}

/// Lengths from a `.npy` file of integers.
pub(crate) fn lengths(path: &Path) -> Result<Vec<usize>, Failure> {
    let read = || {
        let bytes = map(path)?;
        let array = npy::parse(&bytes, bytes.len()).map_err(Failure::Input)?;
        tensor::read_lengths(&bytes, &array)
    };
    read().map_err(|failure| failure.about(path.display()))
}

fn open_npy(path: &Path, array: Option<&str>) -> Result<Input, Failure> {
    if let Some(name) = array {
        return Err(Failure::Input(format!(
            "a .npy file is one array without a name; --array {name} has no meaning for it"
        )));
    }
    let bytes = map(path)?;
    let array = npy::parse(&bytes, bytes.len()).map_err(Failure::Input)?;
    Ok(Input {
        tensor: read_tensor(path, bytes, &array)?,
        lengths: None,
    })
}

fn open_npz(path: &Path, array: Option<&str>) -> Result<Input, Failure> {
    let mut npz = Npz::open(path)?;
    let (name, array) = choose(npz.arrays(), array)?.clone();
    let lengths = match find(npz.arrays(), LENGTHS).cloned() {
        Some((name, array)) => Some(read_lengths(&npz.read(&name)?, &array)?),
        None => None,
    };
    let bytes = npz.read(&name)?;
    Ok(Input {
        tensor: read_tensor(path, bytes, &array)?,
        lengths,
    })
}

fn open_safetensors(path: &Path, array: Option<&str>) -> Result<Input, Failure> {
    let bytes = map(path)?;
    let arrays = safetensors::parse(&bytes).map_err(Failure::Input)?;
    let (_, array) = choose(&arrays, array)?;
    let lengths = match find(&arrays, LENGTHS) {
        Some((_, array)) => Some(read_lengths(&bytes, array)?),
        None => None,
    };
    Ok(Input {
        tensor: read_tensor(path, bytes, array)?,
        lengths,
    })
}

fn map(path: &Path) -> Result<Bytes, Failure> {
    Bytes::map(path).map_err(|error| Failure::reading(&error))
}

fn read_tensor(path: &Path, bytes: Bytes, array: &Array) -> Result<Tensor, Failure> {
    let tensor = Tensor::read(bytes, array)?;
    if array.dtype == Dtype::F64 {
        note(format_args!(
            "{}: float64 scores are rounded to float32",
            path.display()
        ));
    }
    Ok(tensor)
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

fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default()
}
