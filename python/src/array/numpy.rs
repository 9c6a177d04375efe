//! numpy's arrays, by `__array_interface__`. It describes also what older versions of numpy
//! do not export by DLPack: arrays that are read-only, and bfloat16 of ml_dtypes.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use super::{Described, Dtype, other_dtype};
use crate::error;

fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "numpy", "ndarray")
}

pub(super) fn is_array(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    object.is_instance(class(object.py())?)
}

pub(super) fn describe<'py>(array: &Bound<'py, PyAny>) -> PyResult<Described<'py>> {
    let py = array.py();
    // A class that derives from `ndarray` could say anything of itself, also by a `view` of its
    // own: the view that `ndarray` makes says what is so. It also keeps the memory from being
    // resized.
    let class = class(py)?;
    let view = class.call_method1(intern!(py, "view"), (array, class))?;
    let dtype = view.getattr(intern!(py, "dtype"))?;
    let name: String = dtype.getattr(intern!(py, "name"))?.extract()?;
    let read = match name.as_str() {
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::Bf16,
        "float32" => Dtype::F32,
        "float64" => Dtype::F64,
        _ => return Err(other_dtype(py, &name)),
    };
    if !dtype.getattr(intern!(py, "isnative"))?.extract::<bool>()? {
        let said = format!("scores of dtype {dtype} have the byte order of another machine");
        return Err(error::refusal(py, said));
    }
    let interface = view.getattr(intern!(py, "__array_interface__"))?;
    let data = interface.get_item(intern!(py, "data"))?;
    Ok(Described {
        address: data.get_item(0)?.extract()?,
        dtype: read,
        shape: view.getattr(intern!(py, "shape"))?.extract()?,
        strides: view.getattr(intern!(py, "strides"))?.extract()?,
        owner: view,
    })
}
