//! Arrays that Python owns, read where they lie.

mod dlpack;
mod framework;
mod layout;
mod memory;
mod numpy;
mod rounded;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyType;

pub(crate) use framework::Framework;
pub(crate) use memory::Values;

use crate::error;
use memory::Memory;

/// The numbers of an array, before they are known to be scores.
pub(crate) struct Array<'py> {
    memory: Memory<'py>,
    shape: Vec<usize>,
    /// In elements. Those that say nothing are 0.
    strides: Vec<isize>,
    framework: Framework,
}

/// What DLPack and numpy have names for, of what can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
}

impl Dtype {
    fn bytes(self) -> usize {
        match self {
            Dtype::F16 | Dtype::Bf16 => 2,
            Dtype::F32 => 4,
            Dtype::F64 => 8,
        }
    }
}

/// An array as it was described to us.
struct Described<'py> {
    /// What keeps the memory alive.
    owner: Bound<'py, PyAny>,
    address: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    /// In bytes.
    strides: Vec<isize>,
}

impl<'py> Array<'py> {
    /// Reads the description of a numpy array, or of anything that has `__dlpack__`. Numbers
    /// of f64 are rounded to f32, in memory of their own; all others stay where they are.
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let framework = Framework::of(object)?;
        let object = &framework.without_gradient(object)?;
        let described = describe(object)?;
        let described = match described.dtype {
            Dtype::F64 => numpy::describe(&rounded::to_f32(object)?)?,
            _ => described,
        };
        let strides = layout::in_elements(object.py(), &described)?;
        Ok(Array {
            memory: Memory::new(object.py(), &described, &strides)?,
            shape: described.shape,
            strides,
            framework,
        })
    }

    pub(crate) fn values(&self) -> Values<'_> {
        self.memory.values()
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Where results go.
    pub(crate) fn framework(&self) -> Framework {
        self.framework
    }

    /// The shape `[batch, time, vocab]` and the strides of batch and time. An array of two
    /// axes is a batch of one item.
    pub(crate) fn batch(&self, py: Python<'_>) -> PyResult<([usize; 3], [usize; 2])> {
        layout::batch(py, &self.shape, &self.strides)
    }

    /// The shape `[rows, columns]` and the stride of the rows. All axes but the last are rows.
    pub(crate) fn rows(&self, py: Python<'_>) -> PyResult<([usize; 2], usize)> {
        layout::rows(py, &self.shape, &self.strides)
    }
}

fn describe<'py>(object: &Bound<'py, PyAny>) -> PyResult<Described<'py>> {
    if numpy::is_array(object)? {
        return numpy::describe(object);
    }
    // A class has the methods of its instances.
    if object.is_instance_of::<PyType>() || !object.hasattr("__dlpack__")? {
        let named = object.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "scores must be a numpy array or have __dlpack__, as the tensors of torch and jax \
             do: this is a {named}"
        )));
    }
    dlpack::describe(object)
}

/// The refusal of numbers of another type.
fn other_dtype(py: Python<'_>, named: &str) -> PyErr {
    let said = format!(
        "scores of dtype {named} cannot be read: they must be float16, bfloat16, float32 or \
         float64"
    );
    error::refusal(py, said)
}
