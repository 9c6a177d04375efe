//! What becomes of the items that are refused.

use pyo3::prelude::*;

use crate::error;

/// The setting `errors`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The first one ends the call.
    Raise,
    /// The exception stands in the place of the item.
    Return,
}

impl Refused {
    pub(crate) fn new(py: Python<'_>, errors: &str) -> PyResult<Self> {
        match errors {
            "raise" => Ok(Refused::Raise),
            "return" => Ok(Refused::Return),
            _ => {
                let said = format!("errors={errors:?}: it must be \"raise\" or \"return\"");
                Err(error::refusal(py, said))
            }
        }
    }

    /// What stands in the place of an item that `error` is about.
    pub(crate) fn item<'py>(
        self,
        py: Python<'py>,
        error: &widebeam::Error,
    ) -> PyResult<Bound<'py, PyAny>> {
        let exception = error::exception(py, error);
        match self {
            Refused::Raise => Err(exception),
            Refused::Return => Ok(exception.into_value(py).into_bound(py).into_any()),
        }
    }
}
