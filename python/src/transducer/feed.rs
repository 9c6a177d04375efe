//! What predictor and joiner compute in a step.

use pyo3::prelude::*;
use widebeam::transducer::{Feed as View, PredictorInput};

use crate::array::Framework;
use crate::request_id::RequestId;

/// The steps of the predictor, whose states live in numbered slots, and the rows of the joiner.
#[pyclass(frozen, module = "widebeam")]
pub(crate) struct TransducerFeed {
    slots: usize,
    is_identity: bool,
    predictor: [Vec<i64>; 3],
    joiner: [Vec<i64>; 2],
    requests: Vec<(RequestId, usize, usize)>,
    framework: Framework,
}

impl TransducerFeed {
    pub(super) fn new(view: &View<'_>, framework: Framework) -> Self {
        let (mut predictor, mut joiner) = (<[Vec<i64>; 3]>::default(), <[Vec<i64>; 2]>::default());
        for step in view.predictor_steps() {
            let (source, token) = match step.input {
                PredictorInput::Start => (-1, -1),
                PredictorInput::Token { slot, token } => (i64::from(slot), i64::from(token)),
            };
            for (column, value) in predictor.iter_mut().zip([source, token, step.slot.into()]) {
                column.push(value);
            }
        }
        for row in view.joiner_rows() {
            for (column, value) in joiner.iter_mut().zip([row.frame, row.slot]) {
                column.push(value.into());
            }
        }
        let requests = view
            .requests()
            .map(|(id, rows)| (RequestId(id), rows.start, rows.end));
        TransducerFeed {
            slots: view.slots(),
            is_identity: view.is_identity(),
            predictor,
            joiner,
            requests: requests.collect(),
            framework,
        }
    }

    fn array<'py>(&self, py: Python<'py>, values: &[i64]) -> PyResult<Bound<'py, PyAny>> {
        self.framework.integers(py, values, &[values.len()])
    }
}

#[pymethods]
impl TransducerFeed {
    /// The number of rows of the joiner; 0 if no request wants any, because it waits for frames.
    #[getter]
    fn rows(&self) -> usize {
        self.joiner[0].len()
    }

    /// How many slots there are by now: all that are named here, or were, lie below.
    #[getter]
    fn slots(&self) -> usize {
        self.slots
    }

    /// Whether each row reads the slot of its own number, so that the states are in order.
    #[getter]
    fn is_identity(&self) -> bool {
        self.is_identity
    }

    /// The slot of the state that each step of the predictor continues, -1 for the state before
    /// the first token: int64, of shape `[steps]`. No step reads what another writes.
    #[getter]
    fn predictor_sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.array(py, &self.predictor[0])
    }

    /// The token that each step of the predictor reads, -1 before the first: int64, of shape
    /// `[steps]`.
    #[getter]
    fn predictor_tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.array(py, &self.predictor[1])
    }

    /// The slot that the new state of each step goes to: int64, of shape `[steps]`.
    #[getter]
    fn predictor_slots<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.array(py, &self.predictor[2])
    }

    /// The frame of the encoder's output that each row of the joiner reads: int64, of shape
    /// `[rows]`.
    #[getter]
    fn joiner_frames<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.array(py, &self.joiner[0])
    }

    /// The slot of the predictor's state that each row of the joiner reads: int64, of shape
    /// `[rows]`.
    #[getter]
    fn joiner_slots<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.array(py, &self.joiner[1])
    }

    /// The requests of the step, each with its first row and the one after its last.
    #[getter]
    fn requests(&self) -> Vec<(RequestId, usize, usize)> {
        self.requests.clone()
    }

    fn __repr__(&self) -> String {
        let (rows, steps) = (self.rows(), self.predictor[0].len());
        format!("TransducerFeed(rows={rows}, predictor_steps={steps})")
    }
}
