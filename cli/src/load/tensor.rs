//! The values of an array, in place where they can be, copied where not.

use std::ops::Range;

use half::{bf16, f16};
use widebeam::{Element, Layout, ScoreKind, ScoresView};
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::memory;

use super::array::{Array, Dtype};
use super::axes::Axes;
use super::mapped::Bytes;

/// The most items of no steps. They take no room in a file, so that it may claim
/// any number of them, and each has an answer, the empty one.
const MAX_EMPTY: usize = 1 << 20;

/// Scores of some items.
#[derive(Debug)]
pub struct Tensor {
    values: Values,
    /// `[batch, time, vocab]`, whatever the order of the axes in memory.
    shape: [usize; 3],
    axes: Axes,
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
pub(crate) trait Stored: bytemuck::Pod + bytemuck::AnyBitPattern {
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
    pub(crate) fn read(bytes: Bytes, array: &Array, axes: Axes) -> Result<Self, Failure> {
        let shape = axes.shape(&array.shape).ok_or_else(|| {
            Failure::Input(format!(
                "shape {:?} has rank {}; scores are [time, vocab] or {axes}",
                array.shape,
                array.shape.len()
            ))
        })?;
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
        Ok(Tensor {
            values,
            shape,
            axes,
        })
    }

    /// Dense scores of shape `[batch, time, vocab]`, made elsewhere.
    pub fn from_f16(values: Vec<f16>, shape: [usize; 3]) -> Self {
        Tensor {
            values: Values::F16(Buffer::Copied(values)),
            shape,
            axes: Axes::default(),
        }
    }

    /// `[batch, time, vocab]`, whatever the order of the axes in memory.
    pub(crate) fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The order of the axes in memory.
    pub(crate) fn axes(&self) -> Axes {
        self.axes
    }

    /// The scores of one step of an item; nothing where there is no such step.
    pub(crate) fn row(&self, item: usize, step: usize) -> Box<dyn Iterator<Item = f32> + '_> {
        let [batch, time, vocab] = self.shape;
        if item >= batch || step >= time {
            return Box::new(std::iter::empty());
        }
        let row = match self.axes {
            Axes::BatchTimeVocab => item * time + step,
            Axes::TimeBatchVocab => step * batch + item,
        };
        let row = row * vocab..(row + 1) * vocab;
        match &self.values {
            Values::F32(values) => Box::new(values.values()[row].iter().copied()),
            Values::F16(values) => Box::new(values.values()[row].iter().map(|x| x.to_f32())),
            Values::Bf16(values) => Box::new(values.values()[row].iter().map(|x| x.to_f32())),
        }
    }

    /// The scores as the library takes them.
    ///
    /// # Errors
    ///
    /// If the library refuses the shape.
    pub fn view(&self, kind: ScoreKind) -> Result<ScoresView<'_>, widebeam::Error> {
        let layout = self.axes.layout(self.shape);
        match &self.values {
            Values::F32(values) => values.view(kind, layout),
            Values::F16(values) => values.view(kind, layout),
            Values::Bf16(values) => values.view(kind, layout),
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

    fn values(&self) -> &[T] {
        match self {
            Buffer::InPlace(bytes, range) => bytemuck::cast_slice(&bytes[range.clone()]),
            Buffer::Copied(values) => values,
        }
    }

    fn view(&self, kind: ScoreKind, layout: Layout) -> Result<ScoresView<'_>, widebeam::Error> {
        ScoresView::new(kind, self.values(), layout)
    }
}

/// The values of an array in C order and native byte order.
pub(crate) fn copy<T: Stored, U>(
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    const BTV: Axes = Axes::BatchTimeVocab;

    fn array(dtype: Dtype, big_endian: bool, fortran: bool, shape: &[usize], at: usize) -> Array {
        let mut array = Array {
            dtype,
            big_endian,
            fortran,
            shape: shape.to_vec(),
            range: at..at,
        };
        array.range.end += array.bytes_needed().unwrap();
        array
    }

    fn said<T: Debug>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Input(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_in_fortran_order_are_put_in_order() {
        for (shape, expected) in [
            (&[][..], vec![0]),
            (&[3], vec![0, 1, 2]),
            (&[2, 3], vec![0, 2, 4, 1, 3, 5]),
            (&[2, 2, 3], vec![0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11]),
            (&[1, 2, 2], vec![0, 2, 1, 3]),
        ] {
            assert!(fortran_offsets(shape).eq(expected), "{shape:?}");
        }
    }

    /// Values in place are those of the file; others are copied.
    #[test]
    fn values_that_can_be_are_read_in_place() {
        // Aligned for f32, and then not.
        let numbers: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let aligned = bytes.as_ptr().addr().is_multiple_of(4);
        for (at, big_endian, fortran) in [
            (0, false, false),
            (4, false, false),
            (1, false, false),
            (0, true, false),
            (0, false, true),
        ] {
            let array = array(Dtype::F32, big_endian, fortran, &[2, 3], at);
            let buffer = Buffer::<f32>::read(Bytes::Read(bytes.clone()), &array).unwrap();
            let in_place = matches!(buffer, Buffer::InPlace(..));
            let can_be =
                at.is_multiple_of(4) && big_endian == cfg!(target_endian = "big") && !fortran;
            assert!(in_place == can_be || !aligned, "{array:?}");
            let view = buffer.view(ScoreKind::Logits, [1, 2, 3].into()).unwrap();
            assert_eq!(view.bytes(), 24);
        }
    }

    #[test]
    fn both_orders_of_bytes_are_read() {
        let stored = [1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat();
        let read = |big_endian| {
            let array = array(Dtype::F32, big_endian, false, &[2], 0);
            copy(&stored, &array, |value: f32| value).unwrap()
        };
        assert_eq!(read(false), [1.5, -2.0]);
        let swapped = [1.5f32, -2.0].map(|value| f32::from_bits(value.to_bits().swap_bytes()));
        assert_eq!(
            read(true).iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
            swapped.map(f32::to_bits)
        );
    }

    #[test]
    fn scores_have_two_or_three_axes() {
        for rank in 0..6 {
            let shape = vec![1; rank];
            let array = array(Dtype::F32, false, false, &shape, 0);
            let tensor = Tensor::read(Bytes::Read(vec![0; 4]), &array, BTV);
            match rank {
                2 | 3 => assert_eq!(tensor.unwrap().shape, [1; 3]),
                _ => assert_eq!(
                    said(tensor),
                    format!(
                        "shape {shape:?} has rank {rank}; scores are [time, vocab] or [batch, time, vocab]"
                    )
                ),
            }
        }
        let integers = array(Dtype::Signed(4), false, false, &[1, 1], 0);
        assert_eq!(
            said(Tensor::read(Bytes::Read(vec![0; 4]), &integers, BTV)),
            "scores of type int32; float16, bfloat16, float32 and float64 are read"
        );
    }

    #[test]
    fn items_without_a_step_up_to_the_limit() {
        let read = |batch| {
            let array = array(Dtype::F32, false, false, &[batch, 0, 5], 0);
            Tensor::read(Bytes::Read(Vec::new()), &array, BTV)
        };
        assert_eq!(MAX_EMPTY, 1 << 20);
        assert!(read(MAX_EMPTY).is_ok());
        assert_eq!(
            said(read(MAX_EMPTY + 1)),
            "shape [1048577, 0, 5] has 1048577 items of no steps; the limit is 1048576"
        );
        // With steps the values are there to show for them.
        let many = array(Dtype::F16, false, false, &[MAX_EMPTY + 1, 1, 1], 0);
        let bytes = Bytes::Read(vec![0; 2 * (MAX_EMPTY + 1)]);
        assert!(Tensor::read(bytes, &many, BTV).is_ok());
    }

    #[test]
    fn every_type_of_scores() {
        let values = [0.5f32, -1.0, 2.0, 0.25];
        let bytes = |dtype: &Dtype| -> Vec<u8> {
            let value = |&value: &f32| match dtype {
                Dtype::F16 => f16::from_f32(value).to_le_bytes().to_vec(),
                Dtype::Bf16 => bf16::from_f32(value).to_le_bytes().to_vec(),
                Dtype::F64 => f64::from(value).to_le_bytes().to_vec(),
                _ => value.to_le_bytes().to_vec(),
            };
            values.iter().flat_map(value).collect()
        };
        let expected = ScoresView::logits(&values, [2, 2]).unwrap();
        let expected = widebeam::beam_search(&expected, 4).unwrap();
        for dtype in [Dtype::F16, Dtype::Bf16, Dtype::F32, Dtype::F64] {
            let stored = Bytes::Read(bytes(&dtype));
            let array = array(dtype.clone(), false, false, &[2, 2], 0);
            let tensor = Tensor::read(stored, &array, BTV).unwrap();
            let view = tensor.view(ScoreKind::Logits).unwrap();
            let found = widebeam::beam_search(&view, 4).unwrap();
            assert_eq!(found, expected, "{dtype}");
        }
    }

    #[test]
    fn lengths_of_every_integer_of_both_orders_of_bytes() {
        for size in [1, 2, 4, 8] {
            for (dtype, big_endian) in [
                (Dtype::Signed(size), false),
                (Dtype::Signed(size), true),
                (Dtype::Unsigned(size), false),
                (Dtype::Unsigned(size), true),
            ] {
                // 3, 0, and the largest that fits the signed one and memory.
                let largest = ((1u64 << (8 * size - 1)) - 1).min(usize::MAX as u64);
                let bytes: Vec<u8> = [3, 0, largest]
                    .iter()
                    .flat_map(|value: &u64| match big_endian {
                        true => value.to_be_bytes()[8 - size..].to_vec(),
                        false => value.to_le_bytes()[..size].to_vec(),
                    })
                    .collect();
                let array = array(dtype.clone(), big_endian, false, &[3], 0);
                let lengths = read_lengths(&bytes, &array).unwrap();
                assert_eq!(lengths, [3, 0, largest as usize], "{dtype}");
            }
        }
    }

    #[test]
    fn what_is_no_list_of_lengths_is_refused() {
        let lengths = |dtype, shape: &[usize], bytes: &[u8]| {
            said(read_lengths(bytes, &array(dtype, false, false, shape, 0)))
        };
        assert_eq!(
            lengths(Dtype::Signed(1), &[1, 2], &[1, 1]),
            "lengths of shape [1, 2]; one axis, the batch, is read"
        );
        assert_eq!(
            lengths(Dtype::F32, &[1], &[0; 4]),
            "lengths of type float32; integers are read"
        );
        assert_eq!(
            lengths(Dtype::Signed(1), &[2], &[1, 0xff]),
            "item 1: a length of -1"
        );
        // A single number is a list of one.
        let one = array(Dtype::Unsigned(1), false, false, &[], 0);
        assert_eq!(read_lengths(&[200], &one).unwrap(), [200]);
    }
}
