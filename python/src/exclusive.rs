//! Values that one thread uses at a time.

use std::sync::{Mutex, TryLockError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// A value that a call has for itself. Another call meanwhile is an exception: it does not wait,
/// because whoever waits with the GIL stops everybody.
pub(crate) struct Exclusive<T> {
    /// What a user calls it.
    name: &'static str,
    value: Mutex<T>,
}

impl<T> Exclusive<T> {
    pub(crate) fn new(name: &'static str, value: T) -> Self {
        let value = Mutex::new(value);
        Exclusive { name, value }
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> PyResult<R>) -> PyResult<R> {
        match self.value.try_lock() {
            Ok(mut value) => work(&mut value),
            // Panics are made exceptions before they come here.
            Err(TryLockError::Poisoned(poisoned)) => work(&mut poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let name = self.name;
                let said =
                    format!("the {name} is in use by another thread: give each thread its own");
                Err(PyRuntimeError::new_err(said))
            }
        }
    }
}
