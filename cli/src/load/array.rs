//! Where an array lies in the bytes of a file, as its header says.

use std::fmt;
use std::ops::Range;

/// An array of a file: what every format's header comes down to.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) dtype: Dtype,
    pub(crate) big_endian: bool,
    /// First axis fastest.
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// Where its values lie, in bytes.
    pub(crate) range: Range<usize>,
}

/// The type of an array's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
    /// Integers of so many bytes: 1, 2, 4 or 8.
    Signed(usize),
    Unsigned(usize),
    /// One that is read nowhere, by the name its format has for it.
    Other(String),
}

impl Dtype {
    /// Bytes of one value, where the type is one that is read.
    pub(crate) fn bytes(&self) -> Option<usize> {
        match self {
            Dtype::F16 | Dtype::Bf16 => Some(2),
            Dtype::F32 => Some(4),
            Dtype::F64 => Some(8),
            Dtype::Signed(size) | Dtype::Unsigned(size) => Some(*size),
            Dtype::Other(_) => None,
        }
    }

    pub(crate) fn is_float(&self) -> bool {
        matches!(self, Dtype::F16 | Dtype::Bf16 | Dtype::F32 | Dtype::F64)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dtype::F16 => f.write_str("float16"),
            Dtype::Bf16 => f.write_str("bfloat16"),
            Dtype::F32 => f.write_str("float32"),
            Dtype::F64 => f.write_str("float64"),
            Dtype::Signed(size) => write!(f, "int{}", 8 * size),
            Dtype::Unsigned(size) => write!(f, "uint{}", 8 * size),
            Dtype::Other(name) => f.write_str(name),
        }
    }
}

impl Array {
    /// Whether it can be scores, by type and rank.
    pub(crate) fn is_score_like(&self) -> bool {
        self.dtype.is_float() && matches!(self.shape.len(), 2 | 3)
    }

    /// Bytes that the shape needs, or `None` beyond what can be addressed or
    /// where the type is not one that is read.
    pub(crate) fn bytes_needed(&self) -> Option<usize> {
        // An axis of 0 makes the product 0 however large the others are; they
        // must still multiply without overflow, as the search will do so.
        let count = self
            .shape
            .iter()
            .try_fold(1usize, |count, &axis| count.checked_mul(axis))?;
        count.checked_mul(self.dtype.bytes()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(dtype: Dtype, shape: &[usize]) -> Array {
        Array {
            dtype,
            big_endian: false,
            fortran: false,
            shape: shape.to_vec(),
            range: 0..0,
        }
    }

    #[test]
    fn types_have_a_size_and_a_name() {
        let other = || Dtype::Other("<c8".to_owned());
        for (dtype, bytes, float, name) in [
            (Dtype::F16, Some(2), true, "float16"),
            (Dtype::Bf16, Some(2), true, "bfloat16"),
            (Dtype::F32, Some(4), true, "float32"),
            (Dtype::F64, Some(8), true, "float64"),
            (Dtype::Signed(1), Some(1), false, "int8"),
            (Dtype::Signed(8), Some(8), false, "int64"),
            (Dtype::Unsigned(2), Some(2), false, "uint16"),
            (Dtype::Unsigned(4), Some(4), false, "uint32"),
            (other(), None, false, "<c8"),
        ] {
            assert_eq!((dtype.bytes(), dtype.is_float()), (bytes, float));
            assert_eq!(dtype.to_string(), name);
        }
    }

    #[test]
    fn scores_are_floats_of_two_or_three_axes() {
        for rank in 0..6 {
            let shape = vec![1; rank];
            let is = array(Dtype::F32, &shape).is_score_like();
            assert_eq!(is, rank == 2 || rank == 3);
            assert!(!array(Dtype::Signed(4), &shape).is_score_like());
        }
    }

    #[test]
    fn bytes_of_a_shape_or_none_where_they_overflow() {
        let needed = |dtype, shape: &[usize]| array(dtype, shape).bytes_needed();
        assert_eq!(needed(Dtype::F32, &[]), Some(4));
        assert_eq!(needed(Dtype::F64, &[2, 3, 5]), Some(240));
        assert_eq!(needed(Dtype::F32, &[0, 3]), Some(0));
        assert_eq!(needed(Dtype::F32, &[0, usize::MAX, 2]), Some(0));
        assert_eq!(needed(Dtype::F32, &[usize::MAX, 2, 0]), None);
        assert_eq!(needed(Dtype::F16, &[usize::MAX / 2]), Some(usize::MAX - 1));
        assert_eq!(needed(Dtype::F16, &[usize::MAX / 2 + 1]), None);
        assert_eq!(needed(Dtype::Other(String::new()), &[1]), None);
    }
}
