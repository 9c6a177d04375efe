//! What the tool's readers of files refuse, as exceptions.

use pyo3::exceptions::{PyOSError, PyUserWarning};
use pyo3::prelude::*;
use widebeam_perf::console::failure::Failure;

use crate::error;

/// `widebeam.Error` for what a file holds, OSError for a file that cannot be read.
pub(crate) fn exception(py: Python<'_>, failure: Failure) -> PyErr {
    match failure {
        Failure::Input(said) => error::refusal(py, said),
        Failure::Machine(said) => PyOSError::new_err(said),
        Failure::ClosedPipe => PyOSError::new_err("the pipe is closed"),
    }
}

/// Says something that is no error, as a warning.
pub(crate) fn warn(py: Python<'_>, said: &str) -> PyResult<()> {
    let category = py.get_type::<PyUserWarning>();
    py.import("warnings")?
        .call_method1("warn", (said, category))?;
    Ok(())
}
