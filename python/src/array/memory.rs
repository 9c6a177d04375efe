//! The memory of an array as slices.

use std::slice;

use pyo3::prelude::*;
use widebeam::half::{bf16, f16};
use widebeam::top_k::Rows;
use widebeam::{Layout, ScoreKind, ScoresView};

use super::{Described, Dtype};
use crate::error;

/// Memory that Python keeps alive.
pub(super) struct Memory<'py> {
    address: usize,
    /// How many elements the axes reach over.
    len: usize,
    dtype: Dtype,
    _owner: Bound<'py, PyAny>,
}

impl<'py> Memory<'py> {
    /// The memory that an array of these strides (in elements) reaches over.
    ///
    /// # Errors
    ///
    /// If a stride is negative, or the memory is not aligned.
    pub(super) fn new(
        py: Python<'py>,
        described: &Described<'py>,
        strides: &[isize],
    ) -> PyResult<Self> {
        let mut len = Some(1usize);
        for (&size, &stride) in described.shape.iter().zip(strides) {
            if size == 0 {
                len = Some(0);
                break;
            }
            if stride < 0 {
                let said = "an axis of the scores runs backwards, which the search cannot read: \
                            copy them first, with numpy.ascontiguousarray";
                return Err(error::refusal(py, said));
            }
            len = len.and_then(|len| len.checked_add((size - 1).checked_mul(stride as usize)?));
        }
        let bytes = described.dtype.bytes();
        let len = len
            .filter(|len| {
                len.checked_mul(bytes)
                    .is_some_and(|n| n <= isize::MAX as usize)
            })
            .ok_or_else(|| error::refusal(py, "the array is larger than any memory"))?;
        if len > 0 && (described.address == 0 || !described.address.is_multiple_of(bytes)) {
            let said = format!(
                "the scores lie at an address that is no multiple of {bytes}, their size: copy \
                 them first, with numpy.array"
            );
            return Err(error::refusal(py, said));
        }
        Ok(Memory {
            address: described.address,
            len,
            dtype: described.dtype,
            _owner: described.owner.clone(),
        })
    }

    pub(super) fn values(&self) -> Values<'_> {
        match self.dtype {
            Dtype::F16 => Values::F16(self.slice()),
            Dtype::Bf16 => Values::Bf16(self.slice()),
            // Those of f64 were rounded.
            Dtype::F32 | Dtype::F64 => Values::F32(self.slice()),
        }
    }

    #[allow(unsafe_code)]
    fn slice<T>(&self) -> &[T] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: whoever described the array says that these elements are there. The array
        // or capsule that is held keeps them there, `new` saw that they are aligned and that
        // their size can be counted, `values` chooses the `T` that they are, and every bit
        // pattern is one. That nobody writes to them meanwhile is asked of the caller
        // (README.md, "Arrays"): it is a data race, and nothing that reads arrays in place,
        // with other threads of Python at work, can keep anybody from it.
        unsafe { slice::from_raw_parts(self.address as *const T, self.len) }
    }
}

/// Numbers of one of the types that the library reads.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
    F32(&'a [f32]),
}

impl<'a> Values<'a> {
    pub(crate) fn scores(
        self,
        kind: ScoreKind,
        layout: Layout,
    ) -> Result<ScoresView<'a>, widebeam::Error> {
        match self {
            Values::F16(values) => ScoresView::new(kind, values, layout),
            Values::Bf16(values) => ScoresView::new(kind, values, layout),
            Values::F32(values) => ScoresView::new(kind, values, layout),
        }
    }

    pub(crate) fn rows(
        self,
        shape: [usize; 2],
        stride: usize,
    ) -> Result<Rows<'a>, widebeam::Error> {
        match self {
            Values::F16(values) => Rows::strided(values, shape, stride),
            Values::Bf16(values) => Rows::strided(values, shape, stride),
            Values::F32(values) => Rows::strided(values, shape, stride),
        }
    }

    /// The numbers from the one at `start` on; none, if there are not so many.
    pub(crate) fn from(self, start: usize) -> Self {
        fn tail<T>(values: &[T], start: usize) -> &[T] {
            values.get(start..).unwrap_or_default()
        }
        match self {
            Values::F16(values) => Values::F16(tail(values, start)),
            Values::Bf16(values) => Values::Bf16(tail(values, start)),
            Values::F32(values) => Values::F32(tail(values, start)),
        }
    }

    pub(crate) fn element_bytes(self) -> usize {
        match self {
            Values::F16(_) | Values::Bf16(_) => 2,
            Values::F32(_) => 4,
        }
    }
}
