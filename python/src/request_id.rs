//! Names of requests.

use pyo3::prelude::*;

/// Names a request, from its admission to its removal. No two requests of a process have the
/// same.
#[pyclass(frozen, eq, hash, ord, str = "{0}", module = "widebeam")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
pub(crate) struct RequestId(pub(crate) widebeam::autoregressive::RequestId);

#[pymethods]
impl RequestId {
    fn __repr__(&self) -> String {
        format!("<{}>", self.0)
    }
}
