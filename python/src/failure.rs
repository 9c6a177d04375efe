//! What the tool's readers of files refuse, as exceptions.

use pyo3::exceptions::PyOSError;
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
