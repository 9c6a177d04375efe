//! Searches that no call uses at the moment.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// Searches that keep their memory from call to call. A call has one for itself, so several
/// threads can call at once.
pub(crate) struct Idle<T>(Mutex<Vec<T>>);

impl<T> Idle<T> {
    pub(crate) fn new() -> Self {
        Idle(Mutex::default())
    }

    /// Calls `work` with an idle search, or with one that is made if there is none. One that
    /// panics is given up.
    pub(crate) fn with<R>(
        &self,
        py: Python<'_>,
        make: impl FnOnce() -> PyResult<T>,
        work: impl FnOnce(&mut T) -> PyResult<R>,
    ) -> PyResult<R> {
        let idle = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut search = kept.map_or_else(make, Ok)?;
        let done = work(&mut search);
        let panicked = |error: &PyErr| error.is_instance_of::<PyRuntimeError>(py);
        // Else it is as it was. To free what it holds takes longer than a tenth of a second.
        if !done.as_ref().is_err_and(panicked) {
            idle().push(search);
        }
        done
    }
}
