//! What the library refuses, as Python's exceptions.

use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::request_id::RequestId;

/// `widebeam.Error`, which is written in Python: the stable interface of old Pythons lets
/// no other language derive from ValueError.
fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "widebeam._error", "Error")
}

/// The error of the library as an exception: MemoryError where the machine is at fault, else
/// `widebeam.Error`.
pub(crate) fn exception(py: Python<'_>, error: &widebeam::Error) -> PyErr {
    if error.is_out_of_memory() {
        return PyMemoryError::new_err(error.to_string());
    }
    let made = class(py).and_then(|class| {
        let exception = class.call1((error.to_string(),))?;
        exception.setattr(intern!(py, "item"), error.item())?;
        exception.setattr(intern!(py, "step"), error.step())?;
        exception.setattr(intern!(py, "token"), error.token())?;
        exception.setattr(intern!(py, "request"), error.request().map(RequestId))?;
        Ok(exception)
    });
    made.map_or_else(|failed| failed, PyErr::from_value)
}

/// A `widebeam.Error` about an argument.
pub(crate) fn refusal(py: Python<'_>, sentence: impl Into<String>) -> PyErr {
    let made = class(py).and_then(|class| class.call1((sentence.into(),)));
    made.map_or_else(|failed| failed, PyErr::from_value)
}

/// The exception for a panic. No input of the library's causes one; an array that changes
/// while it is read may.
pub(crate) fn panicked(payload: &(dyn std::any::Any + Send)) -> PyErr {
    let said = match payload.downcast_ref::<String>() {
        Some(text) => text.as_str(),
        None => payload.downcast_ref::<&str>().unwrap_or(&"no message"),
    };
    PyRuntimeError::new_err(format!(
        "the search stopped unexpectedly ({said}): either the scores were changed while they \
         were read, or this is an error of widebeam's"
    ))
}
