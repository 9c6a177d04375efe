//! The values of an array, in place where they can be, copied where not.

use std::ops::Range;

use half::{bf16, f16};
use widebeam::{Element, Layout, ScoreKind, ScoresView};

use super::array::{Array, Dtype};
use super::mapped::Bytes;
use crate::failure::Failure;
use crate::memory;

/// The most items of no steps. They take no room in a file, so that it may claim
/// any number of them, and each has an answer, the empty one.
const MAX_EMPTY: usize = 1 << 20;

/// Scores of shape `[batch, time, vocab]`.
#[derive(Debug)]
pub(crate) struct Tensor {
    values: Values,
    shape: [usize; 3],
}

#[derive(Debug)]
enum Values {
    F32(Buffer<f32>),
    F16(Buffer<f16>),
    Bf16(Buffer<bf16>),
}

#[derive(Debug)]
enum Buffer<T> {
    /// Native byte order, C order, aligned: checked by [`Buffer::read`].
    InPlace(Bytes, Range<usize>),
    Copied(Vec<T>),
}

/// A type of value in a file.
trait Stored: bytemuck::Pod + bytemuck::AnyBitPattern {
    fn from_bytes(bytes: &[u8], big_endian: bool) -> Self;
}

macro_rules! stored {
    ($($type:ty),*) => {$(
        impl Stored for $type {
            fn from_bytes(bytes: &[u8], big_endian: bool) -> Self {
                let bytes = bytes.try_into().expect("chunks are as long as a value");
                match big_endian {
                    true => <$type>::from_be_bytes(bytes),
                    false => <$type>::from_le_bytes(bytes),
                }
            }
        }
    )*};
}
stored!(f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64);

impl Tensor {
    /// The scores of an array of rank 2 or 3 that lies in `bytes`.
    pub(crate) fn read(bytes: Bytes, array: &Array) -> Result<Self, Failure> {
        let shape = match array.shape[..] {
            [time, vocab] => [1, time, vocab],
            [batch, time, vocab] => [batch, time, vocab],
            _ => {
                return Err(Failure::Input(format!(
                    "shape {:?} has rank {}; scores are [time, vocab] or [batch, time, vocab]",
                    array.shape,
                    array.shape.len()
                )));
            }
        };
        if shape[1] == 0 && shape[0] > MAX_EMPTY {
            return Err(Failure::Input(format!(
                "shape {:?} has {} items of no steps; the limit is {MAX_EMPTY}",
                array.shape, shape[0]
            )));
        }
        let values = match &array.dtype {
            Dtype::F32 => Values::F32(Buffer::read(bytes, array)?),
            Dtype::F16 => Values::F16(Buffer::read(bytes, array)?),
            Dtype::Bf16 => Values::Bf16(Buffer::read(bytes, array)?),
            Dtype::F64 => Values::F32(Buffer::Copied(copy(&bytes, array, |value: f64| {
                value as f32
            })?)),
            other => {
                return Err(Failure::Input(format!(
                    "scores of type {other}; float16, bfloat16, float32 and float64 are read"
                )));
            }
        };
        Ok(Tensor { values, shape })
    }

    /// Dense scores made elsewhere.
    pub(crate) fn from_f16(values: Vec<f16>, shape: [usize; 3]) -> Self {
        Tensor {
            values: Values::F16(Buffer::Copied(values)),
            shape,
        }
    }

    pub(crate) fn view(&self, kind: ScoreKind) -> Result<ScoresView<'_>, widebeam::Error> {
        match &self.values {
            Values::F32(values) => values.view(kind, self.shape),
            Values::F16(values) => values.view(kind, self.shape),
            Values::Bf16(values) => values.view(kind, self.shape),
        }
    }
}

impl<T: Stored + Element> Buffer<T> {
    fn read(bytes: Bytes, array: &Array) -> Result<Self, Failure> {
        let native = array.big_endian == cfg!(target_endian = "big") && !array.fortran;
        let range = array.range.clone();
        if native && bytemuck::try_cast_slice::<u8, T>(&bytes[range.clone()]).is_ok() {
            return Ok(Buffer::InPlace(bytes, range));
        }
        copy(&bytes, array, |value| value).map(Buffer::Copied)
    }

    fn view(&self, kind: ScoreKind, shape: [usize; 3]) -> Result<ScoresView<'_>, widebeam::Error> {
        let values = match self {
            Buffer::InPlace(bytes, range) => bytemuck::cast_slice(&bytes[range.clone()]),
            Buffer::Copied(values) => values,
        };
        ScoresView::new(kind, values, Layout::contiguous(shape))
    }
}

/// The values of an array in C order and native byte order.
fn copy<T: Stored, U>(
    bytes: &[u8],
    array: &Array,
    convert: impl Fn(T) -> U,
) -> Result<Vec<U>, Failure> {
    let stored = &bytes[array.range.clone()];
    let size = size_of::<T>();
    let count = stored.len() / size;
    let bytes = count.saturating_mul(size_of::<U>());
    memory::require(bytes, "a copy of the array")?;
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| {
        Failure::Machine(format!(
            "no memory for a copy of the array: {bytes} bytes could not be allocated"
        ))
    })?;
    let value = |at: usize| {
        convert(T::from_bytes(
            &stored[at * size..][..size],
            array.big_endian,
        ))
    };
    // With an axis of 0 there is nothing to go through, however long the others
    // claim to be.
    if array.fortran && count > 0 {
        values.extend(fortran_offsets(&array.shape).map(value));
    } else {
        values.extend((0..count).map(value));
    }
    Ok(values)
}

/// Where each value of a Fortran-ordered array of rank 3 or less lies, in C
/// order.
fn fortran_offsets(shape: &[usize]) -> impl Iterator<Item = usize> {
    let axis = |back: usize| shape.len().checked_sub(back).map_or(1, |i| shape[i]);
    let [outer, middle, inner] = [axis(3), axis(2), axis(1)];
    (0..outer).flat_map(move |i| {
        (0..middle).flat_map(move |j| (0..inner).map(move |k| i + outer * (j + middle * k)))
    })
}

/// The values of an array of integers, one for each item of a batch.
pub(crate) fn read_lengths(bytes: &[u8], array: &Array) -> Result<Vec<usize>, Failure> {
    if array.shape.len() > 1 {
        return Err(Failure::Input(format!(
            "lengths of shape {:?}; one axis, the batch, is read",
            array.shape
        )));
    }
    let lengths = match &array.dtype {
        Dtype::Signed(1) => integers::<i8>(bytes, array),
        Dtype::Signed(2) => integers::<i16>(bytes, array),
        Dtype::Signed(4) => integers::<i32>(bytes, array),
        Dtype::Signed(8) => integers::<i64>(bytes, array),
        Dtype::Unsigned(1) => integers::<u8>(bytes, array),
        Dtype::Unsigned(2) => integers::<u16>(bytes, array),
        Dtype::Unsigned(4) => integers::<u32>(bytes, array),
        Dtype::Unsigned(8) => integers::<u64>(bytes, array),
        other => {
            return Err(Failure::Input(format!(
                "lengths of type {other}; integers are read"
            )));
        }
    }?;
    lengths
        .into_iter()
        .enumerate()
        .map(|(item, length)| {
            usize::try_from(length)
                .map_err(|_| Failure::Input(format!("item {item}: a length of {length}")))
        })
        .collect()
}

fn integers<T: Stored + Into<i128>>(bytes: &[u8], array: &Array) -> Result<Vec<i128>, Failure> {
    copy(bytes, array, |value: T| value.into())
}
