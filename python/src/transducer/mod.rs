//! The search with predictor and joiner in the loop.

mod any_search;
mod feed;
mod hypothesis;
mod settings;

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use widebeam::transducer::OwnedTransducerHypothesis;

use crate::array::Framework;
use crate::exclusive::Exclusive;
use crate::request_id::RequestId;
use crate::scorers::{Reader, require, with_text};
use crate::scores::Scores;
use crate::settings::extract;
use crate::{error, work};
use any_search::AnySearch;
pub(crate) use feed::TransducerFeed;
pub(crate) use hypothesis::TransducerHypothesis;

/// The search of `widebeam.TransducerSearch`.
#[pyclass(frozen, module = "widebeam._widebeam", name = "_TransducerCore")]
pub(crate) struct TransducerCore {
    search: Exclusive<Box<dyn AnySearch>>,
    reader: Option<Arc<Reader>>,
    framework: Framework,
}

#[pymethods]
impl TransducerCore {
    #[new]
    #[pyo3(signature = (settings, torch))]
    fn new(settings: &Bound<'_, PyDict>, torch: bool) -> PyResult<Self> {
        let py = settings.py();
        let own: settings::Settings = extract(settings)?;
        let search = own.search(py)?;
        let vocab = search.vocab();
        let text = with_text(search, settings, own.blank())?;
        require(py, text.labels, vocab)?;
        Ok(TransducerCore {
            search: Exclusive::new("search", text.search),
            reader: text.reader,
            framework: Framework::restored(torch),
        })
    }

    #[getter]
    fn columns(&self) -> PyResult<usize> {
        self.search.with(|search| Ok(search.columns()))
    }

    #[getter]
    fn is_idle(&self) -> PyResult<bool> {
        self.search.with(|search| Ok(search.is_idle()))
    }

    #[pyo3(signature = (frames))]
    fn admit(&self, py: Python<'_>, frames: Option<i64>) -> PyResult<RequestId> {
        let frames = frames.map(|count| counted(py, count)).transpose()?;
        self.call(py, |search| search.admit(frames)).map(RequestId)
    }

    fn add_frames(&self, py: Python<'_>, request: &RequestId, count: i64) -> PyResult<()> {
        let count = counted(py, count)?;
        self.call(py, |search| search.add_frames(request.0, count))
    }

    fn end(&self, py: Python<'_>, request: &RequestId) -> PyResult<()> {
        self.call(py, |search| search.end(request.0))
    }

    fn finish(&self, py: Python<'_>, request: &RequestId) -> PyResult<()> {
        self.call(py, |search| search.finish(request.0))
    }

    fn remove(&self, request: &RequestId) -> PyResult<bool> {
        self.search.with(|search| Ok(search.remove(request.0)))
    }

    fn feed(&self) -> PyResult<TransducerFeed> {
        self.search
            .with(|search| Ok(TransducerFeed::new(&search.feed(), self.framework)))
    }

    fn advance(&self, array: &Bound<'_, PyAny>, scores: &str) -> PyResult<()> {
        let py = array.py();
        let scores = Scores::new(array, scores, None)?;
        let view = scores.view(py)?;
        self.search
            .with(|search| work::run_until_signal(py, |token| search.advance(&view, token)))
    }

    fn abandon_step(&self) -> PyResult<()> {
        self.search.with(|search| {
            search.abandon_step();
            Ok(())
        })
    }

    fn finished(&self) -> PyResult<Vec<RequestId>> {
        self.search.with(|search| {
            let ids = search.finished().iter().copied();
            Ok(ids.map(RequestId).collect())
        })
    }

    fn frames(&self, py: Python<'_>, request: &RequestId) -> PyResult<usize> {
        self.call(py, |search| search.frames(request.0))
    }

    fn current<'py>(&self, py: Python<'py>, request: &RequestId) -> PyResult<Bound<'py, PyList>> {
        let found = self.call(py, |search| search.current(request.0))?;
        self.listed(py, found)
    }

    fn outcome<'py>(
        &self,
        py: Python<'py>,
        request: &RequestId,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        let found = self.call(py, |search| search.outcome(request.0))?;
        found.map(|found| self.listed(py, found)).transpose()
    }

    fn take_stable<'py>(
        &self,
        py: Python<'py>,
        request: &RequestId,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let emitted = self.call(py, |search| search.take_stable(request.0))?;
        let numbers = [emitted.tokens, emitted.frames, emitted.durations];
        let arrays = numbers.map(|numbers| self.framework.tokens(py, &numbers));
        let [tokens, frames, durations] = arrays;
        PyTuple::new(py, [tokens?, frames?, durations?])
    }
}

impl TransducerCore {
    /// Calls the library without the GIL.
    fn call<T: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&mut dyn AnySearch) -> Result<T, widebeam::Error> + Send,
    ) -> PyResult<T> {
        self.search
            .with(|search| work::run(py, || call(&mut **search)))
    }

    fn listed<'py>(
        &self,
        py: Python<'py>,
        found: Vec<OwnedTransducerHypothesis>,
    ) -> PyResult<Bound<'py, PyList>> {
        hypothesis::listed(py, found, self.reader.as_ref(), self.framework)
    }
}

fn counted(py: Python<'_>, frames: i64) -> PyResult<usize> {
    usize::try_from(frames).map_err(|_| {
        let said = format!("the number of frames is {frames}: it must be 0 or more");
        error::refusal(py, said)
    })
}
