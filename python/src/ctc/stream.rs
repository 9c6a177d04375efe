//! CTC search over frames as they come.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use widebeam::ctc::OwnedCtcHypothesis;

use super::any_search::AnyStream;
use super::hypothesis::CtcHypothesis;
use crate::array::Framework;
use crate::exclusive::Exclusive;
use crate::scorers::{Reader, require};
use crate::scores::Scores;
use crate::work;

/// A CTC search that is fed frames in chunks of any size. What it finds is what `decode` finds
/// in all frames at once, to the bit.
///
/// It is made by `CtcDecoder.stream`. One thread uses it at a time: a call while another
/// thread is in one raises RuntimeError. It cannot be pickled.
#[pyclass(frozen, module = "widebeam")]
pub(crate) struct CtcStream {
    state: Exclusive<State>,
    reader: Option<Arc<Reader>>,
    labels: Option<usize>,
}

struct State {
    stream: Box<dyn AnyStream>,
    /// That of the last frames.
    framework: Framework,
}

impl CtcStream {
    pub(super) fn new(
        stream: Box<dyn AnyStream>,
        reader: Option<Arc<Reader>>,
        labels: Option<usize>,
    ) -> Self {
        CtcStream {
            state: Exclusive::new(
                "stream",
                State {
                    stream,
                    framework: Framework::Numpy,
                },
            ),
            reader,
            labels,
        }
    }

    fn listed<'py>(
        &self,
        py: Python<'py>,
        find: impl FnOnce(&mut dyn AnyStream) -> Result<Vec<OwnedCtcHypothesis>, widebeam::Error> + Send,
    ) -> PyResult<Bound<'py, PyList>> {
        let (found, framework) = self.state.with(|state| {
            let State { stream, framework } = state;
            Ok((work::run(py, || find(&mut **stream))?, *framework))
        })?;
        let views = found
            .into_iter()
            .map(|owned| CtcHypothesis::alone(owned, self.reader.clone(), framework));
        let views = views.map(|view| Bound::new(py, view));
        PyList::new(py, views.collect::<PyResult<Vec<_>>>()?)
    }
}

#[pymethods]
impl CtcStream {
    /// Reads the next frames, `[frames, vocab]`; any number of them, also none.
    ///
    /// `scores` says what their numbers are, as in `CtcDecoder.decode`. Frames that are refused
    /// raise `widebeam.Error`, and the stream is as it was before; the step in the message
    /// counts from the first of these frames.
    #[pyo3(signature = (array, scores))]
    fn push(&self, array: &Bound<'_, PyAny>, scores: &str) -> PyResult<()> {
        let py = array.py();
        let scores = Scores::new(array, scores, None)?;
        let view = scores.view(py)?;
        require(py, self.labels, view.vocab())?;
        self.state.with(|state| {
            let State { stream, framework } = state;
            work::run_until_signal(py, |token| stream.push(&view, token))?;
            *framework = scores.framework();
            Ok(())
        })
    }

    /// The number of frames read.
    #[getter]
    fn frames(&self) -> PyResult<usize> {
        self.state.with(|state| Ok(state.stream.frames()))
    }

    /// The hypotheses so far, best first, without the tokens that were taken.
    fn current<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.listed(py, |stream| stream.current())
    }

    /// Ends the input: the hypotheses, best first, without the tokens that were taken. The stream
    /// takes no more frames until it is `reset`.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.listed(py, |stream| stream.finish())
    }

    /// Takes the tokens that no further frame can change: `(tokens, frames)`, two arrays of
    /// int64. Later hypotheses begin after them.
    ///
    /// With `commit_delay` and this, a stream without end needs bounded memory.
    fn take_stable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let ((tokens, frames), framework) = self.state.with(|state| {
            let State { stream, framework } = state;
            Ok((work::run(py, || stream.take_stable())?, *framework))
        })?;
        let arrays = [tokens, frames].map(|numbers| framework.tokens(py, &numbers));
        let [tokens, frames] = arrays;
        PyTuple::new(py, [tokens?, frames?])
    }

    /// Forgets all frames.
    fn reset(&self) -> PyResult<()> {
        self.state.with(|state| {
            state.stream.reset();
            Ok(())
        })
    }
}
