//! The search with the model in the loop.

mod completion;
mod ends_when;
mod feed;
mod request;
mod rules;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use widebeam::autoregressive::CompletionNBest;
use widebeam::{CancellationToken, ScoresView};

use crate::array::Framework;
use crate::exclusive::Exclusive;
use crate::request_id::RequestId;
use crate::scores::Scores;
use crate::{error, work};
pub(crate) use completion::{Completion, Outcome};
use ends_when::Raised;
pub(crate) use feed::Feed;
pub(crate) use rules::Rules;

/// The search of `widebeam.AutoregressiveSearch`.
#[pyclass(frozen, module = "widebeam._widebeam", name = "_AutoregressiveCore")]
pub(crate) struct AutoregressiveCore {
    search: Exclusive<widebeam::AutoregressiveSearch>,
    framework: Framework,
    raised: Raised,
}

#[pymethods]
impl AutoregressiveCore {
    #[new]
    #[pyo3(signature = (vocab, torch))]
    fn new(py: Python<'_>, vocab: i64, torch: bool) -> PyResult<Self> {
        let vocab = usize::try_from(vocab).map_err(|_| {
            error::refusal(
                py,
                format!("the vocabulary is {vocab}: it must be 1 or more"),
            )
        })?;
        let search = widebeam::AutoregressiveSearch::new(vocab);
        let search = search.map_err(|error| error::exception(py, &error))?;
        Ok(AutoregressiveCore {
            search: Exclusive::new("search", search),
            framework: Framework::restored(torch),
            raised: Raised::default(),
        })
    }

    #[getter]
    fn vocab(&self) -> PyResult<usize> {
        self.search.with(|search| Ok(search.vocab()))
    }

    #[getter]
    fn is_idle(&self) -> PyResult<bool> {
        self.search.with(|search| Ok(search.is_idle()))
    }

    fn admit(&self, settings: &Bound<'_, PyDict>) -> PyResult<RequestId> {
        let py = settings.py();
        let request = request::request(settings, &self.raised)?;
        let id = self
            .search
            .with(|search| work::run(py, || search.admit(request)))?;
        Ok(RequestId(id))
    }

    fn feed(&self) -> PyResult<Feed> {
        self.search
            .with(|search| Ok(Feed::new(&search.feed(), self.framework)))
    }

    fn advance(&self, array: &Bound<'_, PyAny>, scores: &str) -> PyResult<()> {
        let py = array.py();
        let scores = Scores::new(array, scores, None)?;
        let view = scores.view(py)?;
        self.search
            .with(|search| work::run_until_signal(py, |token| advance(search, &view, token)))?;
        self.raised.hand_on()
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

    fn outcome(&self, py: Python<'_>, request: &RequestId) -> PyResult<Option<Outcome>> {
        self.search.with(|search| {
            let outcome = search.outcome(request.0);
            let outcome = outcome.map_err(|error| error::exception(py, &error))?;
            outcome
                .map(|outcome| Outcome::new(py, outcome, self.framework))
                .transpose()
        })
    }

    fn live<'py>(&self, py: Python<'py>, request: &RequestId) -> PyResult<Bound<'py, PyList>> {
        self.listed(py, |search, found| search.live(request.0, found))
    }

    fn finished_so_far<'py>(
        &self,
        py: Python<'py>,
        request: &RequestId,
    ) -> PyResult<Bound<'py, PyList>> {
        self.listed(py, |search, found| search.finished_so_far(request.0, found))
    }

    fn finish(&self, request: &RequestId) -> PyResult<bool> {
        self.search.with(|search| Ok(search.finish(request.0)))
    }

    fn remove(&self, request: &RequestId) -> PyResult<bool> {
        self.search.with(|search| Ok(search.remove(request.0)))
    }
}

/// Ends a step, if the token is not cancelled before.
fn advance(
    search: &mut widebeam::AutoregressiveSearch,
    scores: &ScoresView<'_>,
    token: CancellationToken,
) -> Result<(), widebeam::Error> {
    search.set_cancellation(Some(token));
    let advanced = search.advance(scores);
    search.set_cancellation(None);
    advanced
}

impl AutoregressiveCore {
    fn listed<'py>(
        &self,
        py: Python<'py>,
        find: impl FnOnce(
            &widebeam::AutoregressiveSearch,
            &mut CompletionNBest,
        ) -> Result<(), widebeam::Error>,
    ) -> PyResult<Bound<'py, PyList>> {
        let mut found = CompletionNBest::new();
        self.search.with(|search| {
            find(search, &mut found).map_err(|error| error::exception(py, &error))
        })?;
        completion::listed(py, found, self.framework)
    }
}
