//! A function of Python that says where hypotheses end.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use widebeam::autoregressive::TokensSoFar;

/// What such a function raised in a step, until the step is over.
#[derive(Clone, Default)]
pub(super) struct Raised(Arc<Mutex<Option<PyErr>>>);

impl Raised {
    /// Keeps the first exception.
    fn keep(&self, error: PyErr) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert(error);
    }

    /// Raises what was kept.
    pub(super) fn hand_on(&self) -> PyResult<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take().map_or(Ok(()), Err)
    }
}

/// A predicate of the library that calls `function` with the tokens of the prompt and of the
/// hypothesis. It is called by threads of the pool, while the one that waits for them has not
/// got the GIL.
pub(super) fn predicate(
    function: Py<PyAny>,
    raised: Raised,
) -> impl Fn(&TokensSoFar<'_>, u32) -> bool + Send + Sync {
    move |before, token| {
        let tokens: Vec<u32> = before.all().iter().copied().chain([token]).collect();
        Python::attach(|py| {
            let said = function.call1(py, (tokens,));
            let ends = said.and_then(|said| said.is_truthy(py));
            ends.unwrap_or_else(|error| {
                raised.keep(error);
                false
            })
        })
    }
}
