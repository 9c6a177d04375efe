//! Sequences of token ids, from a `.npy` file of integers or lines of text.

use std::cell::Cell;
use std::path::Path;

use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use super::array::{Array, Dtype};
use super::tensor::{self, Stored};
use super::{STDIN, npy};
use crate::memory;

/// In place of a number below 0, which ends a row of a `.npy` file.
const END: u32 = u32::MAX;

/// Sequences side by side.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sequences {
    tokens: Vec<u32>,
    /// Where each begins and ends.
    places: Vec<(usize, usize)>,
}

impl Sequences {
    /// Reads a file, or standard input as text. A file whose name ends in `.npy` is an array
    /// of integers, a sequence a row; any other has a sequence a line, of numbers with blanks or
    /// commas in between.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let extension = path.extension().and_then(|end| end.to_str());
        let is_npy = extension.is_some_and(|end| end.eq_ignore_ascii_case("npy"));
        let read = || {
            if path == Path::new(STDIN) {
                let stdin = std::io::stdin().lock();
                let bytes = memory::read(stdin).map_err(|error| Failure::reading(&error))?;
                return of_text(&bytes);
            }
            let bytes = super::bytes(path, true)?;
            if is_npy {
                let array = npy::parse(&bytes, bytes.len()).map_err(Failure::Input)?;
                return of_array(&bytes, &array);
            }
            of_text(&bytes)
        };
        read().map_err(|failure| failure.about(printable::path(path)))
    }

    /// The sequences, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let places = self.places.iter();
        places.map(|&(start, end)| &self.tokens[start..end])
    }

    /// Their number.
    #[must_use]
    pub fn count(&self) -> usize {
        self.places.len()
    }
}

fn of_array(bytes: &[u8], array: &Array) -> Result<Sequences, Failure> {
    let &[rows, width] = &array.shape[..] else {
        let shape = &array.shape;
        return Err(Failure::Input(format!(
            "an array of shape {shape:?}; one of two axes is read, a sequence a row"
        )));
    };
    let tokens = match &array.dtype {
        Dtype::Signed(1) => tokens::<i8>(bytes, array),
        Dtype::Signed(2) => tokens::<i16>(bytes, array),
        Dtype::Signed(4) => tokens::<i32>(bytes, array),
        Dtype::Signed(8) => tokens::<i64>(bytes, array),
        Dtype::Unsigned(1) => tokens::<u8>(bytes, array),
        Dtype::Unsigned(2) => tokens::<u16>(bytes, array),
        Dtype::Unsigned(4) => tokens::<u32>(bytes, array),
        Dtype::Unsigned(8) => tokens::<u64>(bytes, array),
        other => {
            return Err(Failure::Input(format!(
                "numbers of type {other}; token ids are integers"
            )));
        }
    }?;
    if width == 0 {
        return Err(Failure::input("its rows are empty"));
    }
    let place = |row: usize| {
        let start = row * width;
        let row = &tokens[start..start + width];
        let length = row.iter().position(|&token| token == END);
        (start, start + length.unwrap_or(width))
    };
    let places = (0..rows).map(place).collect();
    Ok(Sequences { tokens, places })
}

fn tokens<T: Stored + Into<i128>>(bytes: &[u8], array: &Array) -> Result<Vec<u32>, Failure> {
    let too_large = Cell::new(None);
    let tokens = tensor::copy(bytes, array, |value: T| match value.into() {
        ..0 => END,
        value if value < i128::from(END) => value as u32,
        value => {
            too_large.set(Some(value));
            0
        }
    })?;
    match too_large.get() {
        None => Ok(tokens),
        Some(value) => Err(refused(value)),
    }
}

fn refused(value: impl std::fmt::Display) -> Failure {
    Failure::Input(format!("{value} is no token id; they are below {END}"))
}

fn of_text(bytes: &[u8]) -> Result<Sequences, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| Failure::input("is no text"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut sequences = Sequences::default();
    for (number, line) in (1..).zip(text.lines()) {
        let start = sequences.tokens.len();
        let words = line.split(|mark: char| mark == ',' || mark.is_whitespace());
        for word in words.filter(|word| !word.is_empty()) {
            let token = word.parse::<u32>().ok().filter(|&token| token < END);
            let token = token.ok_or_else(|| {
                let word = printable::message(word);
                refused(word).about(format_args!("line {number}"))
            })?;
            sequences.tokens.push(token);
        }
        let end = sequences.tokens.len();
        if end > start {
            sequences.places.push((start, end));
        }
    }
    Ok(sequences)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<Vec<Vec<u32>>, String> {
        match of_text(text.as_bytes()) {
            Ok(sequences) => Ok(sequences.iter().map(<[u32]>::to_vec).collect()),
            Err(Failure::Input(message)) => Err(message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_of_numbers_are_sequences() {
        let found = text("\u{feff}1 2,3\n\n 4\t5 \r\n6, 7\n").unwrap();
        assert_eq!(found, [vec![1, 2, 3], vec![4, 5], vec![6, 7]]);
        assert!(text("").unwrap().is_empty());
        for (bad, message) in [
            (
                "1\n2 x",
                "line 2: x is no token id; they are below 4294967295",
            ),
            ("-1", "line 1: -1 is no token id; they are below 4294967295"),
            (
                "4294967295",
                "line 1: 4294967295 is no token id; they are below 4294967295",
            ),
        ] {
            assert_eq!(text(bad).unwrap_err(), message);
        }
    }

    fn array(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Result<Vec<Vec<u32>>, String> {
        let array = Array {
            dtype,
            big_endian: false,
            fortran: false,
            shape: shape.to_vec(),
            range: 0..bytes.len(),
        };
        match of_array(bytes, &array) {
            Ok(sequences) => Ok(sequences.iter().map(<[u32]>::to_vec).collect()),
            Err(Failure::Input(message)) => Err(message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_of_integers_are_sequences_up_to_a_number_below_0() {
        let bytes: Vec<u8> = [3i16, 1, 2, 7, -1, 9, -1, -1, -1]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let found = array(Dtype::Signed(2), &[3, 3], &bytes).unwrap();
        assert_eq!(found, [vec![3, 1, 2], vec![7], vec![]]);
        assert_eq!(
            array(Dtype::Signed(2), &[9], &bytes).unwrap_err(),
            "an array of shape [9]; one of two axes is read, a sequence a row"
        );
        assert_eq!(
            array(Dtype::F16, &[3, 3], &bytes).unwrap_err(),
            "numbers of type float16; token ids are integers"
        );
        assert_eq!(
            array(Dtype::Unsigned(2), &[3, 0], &[]).unwrap_err(),
            "its rows are empty"
        );
        assert_eq!(
            array(Dtype::Unsigned(8), &[1, 1], &[255; 8]).unwrap_err(),
            "18446744073709551615 is no token id; they are below 4294967295"
        );
    }
}
