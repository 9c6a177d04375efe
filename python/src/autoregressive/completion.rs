//! What a request has found.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyList;
use widebeam::autoregressive::{
    Completion as View, CompletionNBest, Ended, Finish, Outcome as Found,
};

use crate::array::Framework;
use crate::error;

/// A hypothesis of a request.
#[pyclass(frozen, module = "widebeam")]
pub(crate) struct Completion {
    nbest: Arc<CompletionNBest>,
    rank: usize,
    framework: Framework,
}

/// All hypotheses of the one item of `nbest`, best first.
pub(super) fn listed<'py>(
    py: Python<'py>,
    nbest: CompletionNBest,
    framework: Framework,
) -> PyResult<Bound<'py, PyList>> {
    let nbest = Arc::new(nbest);
    let views = (0..nbest.scores().len()).map(|rank| {
        let nbest = nbest.clone();
        let view = Completion {
            nbest,
            rank,
            framework,
        };
        Bound::new(py, view)
    });
    PyList::new(py, views.collect::<PyResult<Vec<_>>>()?)
}

impl Completion {
    fn view(&self, py: Python<'_>) -> PyResult<View<'_>> {
        let item = self.nbest.item(0);
        let mut item = item.map_err(|error| error::exception(py, &error))?;
        item.nth(self.rank)
            .ok_or_else(|| error::refusal(py, "there is no such hypothesis"))
    }
}

#[pymethods]
impl Completion {
    /// The generated tokens, with what ended them: int64, of shape `[tokens]`.
    #[getter]
    fn tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, self.view(py)?.tokens)
    }

    /// The generated tokens without the end token or stop sequence.
    #[getter]
    fn tokens_without_ending<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let view = self.view(py)?;
        self.framework.tokens(py, view.tokens_without_ending())
    }

    /// What it is ranked by: the log-probability after the length penalty of the rules.
    #[getter]
    fn score(&self, py: Python<'_>) -> PyResult<f64> {
        Ok(self.view(py)?.score)
    }

    /// The sum of `token_scores`.
    #[getter]
    fn log_probability(&self, py: Python<'_>) -> PyResult<f64> {
        Ok(self.view(py)?.log_probability)
    }

    /// The log-probability of each token, as processors left it: float64, of shape `[tokens]`.
    #[getter]
    fn token_scores<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let scores = self.view(py)?.token_scores;
        self.framework.doubles(py, scores, &[scores.len()])
    }

    /// The model's own log-probability of each token, if the request has `own_scores`; else
    /// empty.
    #[getter]
    fn own_scores<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let scores = self.view(py)?.own_scores;
        self.framework.doubles(py, scores, &[scores.len()])
    }

    /// Why it ended: `"end"` (an end token), `"stop"` (a stop sequence), `"length"`,
    /// `"complete"` (nothing may follow), `"predicate"`, or `"live"` (it has not).
    #[getter]
    fn finish(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(match self.view(py)?.finish {
            Finish::End => "end",
            Finish::Stop(_) => "stop",
            Finish::Length => "length",
            Finish::Complete => "complete",
            Finish::Predicate => "predicate",
            Finish::Live => "live",
            _ => "other",
        })
    }

    /// The diverse group that found it; 0 without groups.
    #[getter]
    fn group(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.view(py)?.group)
    }

    /// With sampling: the log-probability of the sequence by the distribution it was drawn from,
    /// the perturbed one, and the logarithm of its importance weight. Else None.
    #[getter]
    fn sampled(&self, py: Python<'_>) -> PyResult<Option<(f64, f64, f64)>> {
        let sampled = self.view(py)?.sampled;
        Ok(sampled.map(|sampled| {
            (
                sampled.log_probability,
                sampled.perturbed,
                sampled.log_weight,
            )
        }))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let view = self.view(py)?;
        let finish = self.finish(py)?;
        Ok(format!(
            "Completion(tokens={:?}, score={:?}, finish={finish:?})",
            view.tokens, view.score
        ))
    }
}

/// What became of a request that is done.
#[pyclass(frozen, module = "widebeam")]
pub(crate) struct Outcome {
    hypotheses: Py<PyList>,
    ended: Ended,
    threshold: Option<f64>,
}

impl Outcome {
    pub(super) fn new(py: Python<'_>, found: Found<'_>, framework: Framework) -> PyResult<Self> {
        Ok(Outcome {
            hypotheses: listed(py, found.nbest().clone(), framework)?.unbind(),
            ended: found.ended(),
            threshold: found.threshold(),
        })
    }
}

#[pymethods]
impl Outcome {
    /// Its hypotheses, best first.
    #[getter]
    fn hypotheses<'py>(&self, py: Python<'py>) -> Bound<'py, PyList> {
        self.hypotheses.bind(py).clone()
    }

    /// The best hypothesis. Raises `widebeam.Error` if nothing was possible.
    #[getter]
    fn best<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let hypotheses = self.hypotheses.bind(py);
        if hypotheses.is_empty() {
            let said = "no hypothesis is possible under the scores";
            return Err(error::refusal(py, said));
        }
        hypotheses.get_item(0)
    }

    /// Why it ended: `"stopping-rule"`, `"length"`, `"exhausted"` (no hypothesis was left to go
    /// on), `"nothing-found"`, or `"told"` (by `finish`).
    #[getter]
    fn ended(&self) -> &'static str {
        match self.ended {
            Ended::StoppingRule => "stopping-rule",
            Ended::Length => "length",
            Ended::Exhausted => "exhausted",
            Ended::NothingFound => "nothing-found",
            Ended::Told => "told",
            _ => "other",
        }
    }

    /// With stochastic beams: the largest perturbed log-probability that was left out.
    #[getter]
    fn threshold(&self) -> Option<f64> {
        self.threshold
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (hypotheses, ended) = (self.hypotheses.bind(py).repr()?, self.ended());
        Ok(format!("Outcome({hypotheses}, ended={ended:?})"))
    }
}
