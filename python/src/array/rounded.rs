//! f64, of which the library reads no array: numpy rounds it to f32.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::intern;
use pyo3::prelude::*;

use super::numpy;
use crate::warning;

/// A numpy array of f32 with the numbers of an array of f64, with a warning the first time.
pub(super) fn to_f32<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let py = array.py();
    if !WARNED.swap(true, Ordering::Relaxed) {
        let said = "scores of float64 are rounded to float32, in a copy (this is said once)";
        warning::say(py, said)?;
    }
    let module = py.import(intern!(py, "numpy"))?;
    let array = if numpy::is_array(array)? {
        array.clone()
    } else {
        module.call_method1(intern!(py, "from_dlpack"), (array,))?
    };
    module.call_method1(intern!(py, "asarray"), (array, intern!(py, "float32")))
}
