//! The search over independent positions.

use std::sync::Arc;

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use widebeam::{NBest, ScoresView};

use crate::array::Framework;
use crate::hypothesis::Hypothesis;
use crate::idle::Idle;
use crate::padded::Padded;
use crate::refused::Refused;
use crate::scores::Scores;
use crate::{error, work};

/// The k best sequences of each item, and their log-probabilities, with a beam of width
/// `beam_size`.
///
/// `array` has the shape `[batch, time, vocab]`, or `[time, vocab]`: every position has one
/// distribution over the tokens, shared by all beams. `scores` says what its numbers are:
/// `"probs"` (the default), `"log-probs"` (natural logarithms) or `"logits"`. `lengths` is the
/// number of steps in use of each item.
///
/// Returns `(indices, log_prob)`: int64 `[batch, beams, time]` and float64 `[batch, beams]`,
/// best first. `beams` is `beam_size`, or as many as the item with the most hypotheses has. An
/// item with fewer is padded with -1 and -inf, a shorter one with -1. Without an axis of items
/// in, there is none in the results. They are numpy arrays, or torch tensors if `array` is one.
///
/// Raises `widebeam.Error`, a ValueError, where the scores or settings are refused, and
/// MemoryError.
#[pyfunction]
#[pyo3(signature = (array, beam_size = 3, *, scores = "probs", lengths = None))]
pub(crate) fn beam_search<'py>(
    array: &Bound<'py, PyAny>,
    beam_size: i64,
    scores: &str,
    lengths: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let py = array.py();
    let mut search = new_search(py, beam_size)?;
    let scores = Scores::new(array, scores, lengths)?;
    let view = scores.view(py)?;
    let found = decode(py, &view, &mut search)?;
    if let Some((_, error)) = found.iter().flat_map(NBest::failures).next() {
        return Err(error::exception(py, error));
    }
    let padded = py.detach(|| Padded::of(&found, view.time()));
    let padded = padded.ok_or_else(|| {
        PyMemoryError::new_err("out of memory: the hypotheses do not fit in arrays of one shape")
    })?;
    let shape = [view.batch(), padded.beams, view.time()];
    let shape = if scores.is_one_item() {
        &shape[1..]
    } else {
        &shape[..]
    };
    let framework = scores.framework();
    let indices = framework.integers(py, &padded.tokens, shape)?;
    let log_prob = framework.doubles(py, &padded.scores, &shape[..shape.len() - 1])?;
    PyTuple::new(py, [indices, log_prob])
}

/// A beam search over positions that do not depend on each other.
///
/// It keeps its memory from call to call, and may be used from several threads at once.
/// `beams` is the width of the beam, 1 or more.
#[pyclass(frozen, module = "widebeam")]
pub(crate) struct IndependentSearch {
    beams: i64,
    idle: Idle<widebeam::IndependentSearch>,
}

#[pymethods]
impl IndependentSearch {
    #[new]
    #[pyo3(signature = (beams))]
    fn new(py: Python<'_>, beams: i64) -> PyResult<Self> {
        let idle = Idle::new();
        // One is made here, so that settings are refused here.
        idle.with(py, || new_search(py, beams), |_| Ok(()))?;
        Ok(IndependentSearch { beams, idle })
    }

    /// The beam width.
    #[getter]
    fn beams(&self) -> i64 {
        self.beams
    }

    /// The best hypotheses of each item, best first: a list of items, each a list of
    /// `Hypothesis`.
    ///
    /// `array` has the shape `[batch, time, vocab]`, or `[time, vocab]`, which is a batch of
    /// one. `scores` says what its numbers are: `"probs"`, `"log-probs"` (natural logarithms)
    /// or `"logits"`. `lengths` is the number of steps in use of each item.
    ///
    /// An item with an invalid score raises `widebeam.Error`, a ValueError; with
    /// `errors="return"` the exception stands in the place of the item, and the others are
    /// decoded. Also raises MemoryError.
    #[pyo3(signature = (array, scores, lengths = None, *, errors = "raise"))]
    fn decode<'py>(
        &self,
        array: &Bound<'py, PyAny>,
        scores: &str,
        lengths: Option<&Bound<'py, PyAny>>,
        errors: &str,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = array.py();
        let refused = Refused::new(py, errors)?;
        let scores = Scores::new(array, scores, lengths)?;
        let view = scores.view(py)?;
        let make = || new_search(py, self.beams);
        let found = self
            .idle
            .with(py, make, |search| decode(py, &view, search))?;
        listed(py, found, scores.framework(), refused)
    }

    fn __repr__(&self) -> String {
        format!("IndependentSearch(beams={})", self.beams)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (i64,)) {
        (slf.get_type().into_any(), (slf.get().beams,))
    }
}

fn new_search(py: Python<'_>, beams: i64) -> PyResult<widebeam::IndependentSearch> {
    let width = usize::try_from(beams).map_err(|_| {
        error::refusal(
            py,
            format!("the beam width is {beams}: it must be at least 1"),
        )
    })?;
    widebeam::IndependentSearch::new(width).map_err(|error| error::exception(py, &error))
}

/// Decodes a batch; the results of its pieces, in order.
fn decode(
    py: Python<'_>,
    view: &ScoresView<'_>,
    search: &mut widebeam::IndependentSearch,
) -> PyResult<Vec<NBest>> {
    let batch = view.batch();
    let needed = search.bytes_needed(view);
    work::check_memory(needed)?;
    let bytes = view.bytes().saturating_add(needed);
    let first = work::PIECE_BYTES / (bytes / batch.max(1)).max(1);
    work::in_pieces(py, batch, first, |items, token| {
        search.set_cancellation(Some(token));
        search.decode(&view.items(items))
    })
}

fn listed<'py>(
    py: Python<'py>,
    found: Vec<NBest>,
    framework: Framework,
    refused: Refused,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for nbest in found.into_iter().map(Arc::new) {
        for (item, hypotheses) in nbest.iter().enumerate() {
            let entry = match hypotheses {
                Err(error) => refused.item(py, &error)?,
                Ok(hypotheses) => {
                    let views = (0..hypotheses.len())
                        .map(|rank| Hypothesis::new(nbest.clone(), item, rank, framework));
                    let views = views.map(|view| Bound::new(py, view));
                    PyList::new(py, views.collect::<PyResult<Vec<_>>>()?)?.into_any()
                }
            };
            list.append(entry)?;
        }
    }
    Ok(list)
}
