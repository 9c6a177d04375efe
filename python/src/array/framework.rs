//! Whose arrays come in, and results as such arrays: numpy's, or tensors of torch.

use bytemuck::NoUninit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyTuple};

/// Whose arrays the results are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framework {
    Numpy,
    Torch,
}

impl Framework {
    /// torch for its tensors, numpy for all else.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        // Who has a tensor has imported torch.
        let modules = py.import(intern!(py, "sys"))?.getattr("modules")?;
        let torch = modules.call_method1(intern!(py, "get"), ("torch",))?;
        let is_tensor = !torch.is_none()
            && torch.hasattr("Tensor")?
            && object.is_instance(&torch.getattr("Tensor")?)?;
        Ok(if is_tensor {
            Framework::Torch
        } else {
            Framework::Numpy
        })
    }

    /// The same numbers without a gradient, with which torch exports none.
    pub(super) fn without_gradient<'py>(
        self,
        object: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Framework::Numpy => Ok(object.clone()),
            Framework::Torch => object.call_method0(intern!(object.py(), "detach")),
        }
    }

    /// What a pickle says.
    pub(crate) fn restored(torch: bool) -> Self {
        if torch {
            Framework::Torch
        } else {
            Framework::Numpy
        }
    }

    /// Token ids as an array of int64, of one axis.
    pub(crate) fn tokens<'py>(
        self,
        py: Python<'py>,
        tokens: &[u32],
    ) -> PyResult<Bound<'py, PyAny>> {
        let ids: Vec<i64> = tokens.iter().map(|&token| i64::from(token)).collect();
        self.integers(py, &ids, &[ids.len()])
    }

    /// An array of int64.
    pub(crate) fn integers<'py>(
        self,
        py: Python<'py>,
        values: &[i64],
        shape: &[usize],
    ) -> PyResult<Bound<'py, PyAny>> {
        self.array(py, values, "int64", shape)
    }

    /// An array of float64.
    pub(crate) fn doubles<'py>(
        self,
        py: Python<'py>,
        values: &[f64],
        shape: &[usize],
    ) -> PyResult<Bound<'py, PyAny>> {
        self.array(py, values, "float64", shape)
    }

    /// An array of float32.
    pub(crate) fn floats<'py>(
        self,
        py: Python<'py>,
        values: &[f32],
        shape: &[usize],
    ) -> PyResult<Bound<'py, PyAny>> {
        self.array(py, values, "float32", shape)
    }

    fn array<'py, T: NoUninit>(
        self,
        py: Python<'py>,
        values: &[T],
        dtype: &str,
        shape: &[usize],
    ) -> PyResult<Bound<'py, PyAny>> {
        let numpy = py.import(intern!(py, "numpy"))?;
        let shape = PyTuple::new(py, shape)?;
        let array = if values.is_empty() {
            numpy.call_method1(intern!(py, "zeros"), (shape, dtype))?
        } else {
            let bytes: &[u8] = bytemuck::cast_slice(values);
            let memory = PyByteArray::new_with(py, bytes.len(), |memory| {
                memory.copy_from_slice(bytes);
                Ok(())
            })?;
            let flat = numpy.call_method1(intern!(py, "frombuffer"), (memory, dtype))?;
            flat.call_method1(intern!(py, "reshape"), (shape,))?
        };
        match self {
            Framework::Numpy => Ok(array),
            Framework::Torch => {
                let torch = py.import(intern!(py, "torch"))?;
                torch.call_method1(intern!(py, "from_dlpack"), (array,))
            }
        }
    }
}
