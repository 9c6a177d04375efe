//! What the model reads in a step.

use pyo3::prelude::*;
use widebeam::autoregressive::Feed as View;

use crate::array::Framework;
use crate::request_id::RequestId;

/// The rows of a step, and what the model reads for each: first the rows that continue one of the
/// step before, then one for each new request.
#[pyclass(frozen, module = "widebeam")]
pub(crate) struct Feed {
    tokens: Vec<u32>,
    parents: Vec<u32>,
    is_identity: bool,
    rows: usize,
    fresh: Vec<(RequestId, Vec<u32>)>,
    requests: Vec<(RequestId, usize, usize)>,
    framework: Framework,
}

impl Feed {
    pub(super) fn new(view: &View<'_>, framework: Framework) -> Self {
        let fresh = view
            .fresh()
            .map(|(id, prompt)| (RequestId(id), prompt.to_vec()));
        let requests = view
            .requests()
            .map(|(id, rows)| (RequestId(id), rows.start, rows.end));
        Feed {
            tokens: view.tokens().to_vec(),
            parents: view.parents().to_vec(),
            is_identity: view.is_identity(),
            rows: view.rows(),
            fresh: fresh.collect(),
            requests: requests.collect(),
            framework,
        }
    }
}

#[pymethods]
impl Feed {
    /// The token that each continued row reads: int64, of shape `[continued]`.
    #[getter]
    fn tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, &self.tokens)
    }

    /// The row of the step before that each row continues, by which a cache is reordered: int64,
    /// of shape `[continued]`.
    #[getter]
    fn parents<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, &self.parents)
    }

    /// Whether each row continues itself, so that no cache has to be reordered.
    #[getter]
    fn is_identity(&self) -> bool {
        self.is_identity
    }

    /// The number of rows: of the scores that `advance` takes.
    #[getter]
    fn rows(&self) -> usize {
        self.rows
    }

    /// The new requests, each with its prompt as a list of token ids, in the order of their rows,
    /// which come after those of `tokens`.
    #[getter]
    fn fresh(&self) -> Vec<(RequestId, Vec<u32>)> {
        self.fresh.clone()
    }

    /// The requests of the step, each with its first row and the one after its last.
    #[getter]
    fn requests(&self) -> Vec<(RequestId, usize, usize)> {
        self.requests.clone()
    }

    fn __repr__(&self) -> String {
        let (rows, fresh) = (self.rows, self.fresh.len());
        format!("Feed(rows={rows}, fresh={fresh})")
    }
}
