//! Settings in a dictionary that the package has filled.

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error;

/// The settings of a `T`, with errors that name the setting as the user did.
pub(crate) fn extract<'py, T>(settings: &Bound<'py, PyDict>) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    let py = settings.py();
    settings.extract().map_err(|error: PyErr| {
        // PyO3 says "failed to extract field Type.field", and has the reason as the cause.
        let said = error.value(py).to_string();
        let (Some((_, name)), Some(cause)) = (said.rsplit_once('.'), error.cause(py)) else {
            return error;
        };
        let said = format!("{name}: {}", cause.value(py));
        match cause.is_instance_of::<PyOverflowError>(py) {
            true => error::refusal(py, said),
            false => PyTypeError::new_err(said),
        }
    })
}
