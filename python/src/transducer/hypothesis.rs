//! The hypotheses of a transducer search.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyList;
use widebeam::transducer::OwnedTransducerHypothesis;

use crate::array::Framework;
use crate::scorers::{self, Read, Reader, Reading, WordParts};

/// A sequence of tokens, and the logarithm of the mass of its alignments.
#[pyclass(frozen, module = "widebeam")]
pub(crate) struct TransducerHypothesis {
    /// Tokens, frames, durations.
    numbers: [Vec<u32>; 3],
    scores: Scores,
    reading: Reading,
    framework: Framework,
}

/// Score, log mass, score of the best alignment, score of the scorer.
type Scores = [f64; 4];

/// What makes one again, and from which parts.
type Reduced<'py> = (
    Bound<'py, PyAny>,
    ([Vec<u32>; 3], Scores, Option<Read>, bool),
);

/// Hypotheses, best first.
pub(super) fn listed<'py>(
    py: Python<'py>,
    found: Vec<OwnedTransducerHypothesis>,
    reader: Option<&Arc<Reader>>,
    framework: Framework,
) -> PyResult<Bound<'py, PyList>> {
    let views = found.into_iter().map(|owned| {
        let scores = [
            owned.score,
            owned.log_mass,
            owned.alignment_score,
            owned.scorer_score,
        ];
        let view = TransducerHypothesis {
            numbers: [owned.tokens, owned.frames, owned.durations],
            scores,
            reading: reader.cloned().into(),
            framework,
        };
        Bound::new(py, view)
    });
    PyList::new(py, views.collect::<PyResult<Vec<_>>>()?)
}

impl TransducerHypothesis {
    fn read_words(&self, py: Python<'_>) -> PyResult<Vec<WordParts>> {
        let [tokens, frames, durations] = &self.numbers;
        self.reading.words(py, tokens, |word| {
            let last = word.end.checked_sub(1)?;
            let goes_on = durations.get(last)?.saturating_sub(1);
            let end = frames.get(last)?.saturating_add(goes_on);
            Some((*frames.get(word.start)?, end))
        })
    }
}

#[pymethods]
impl TransducerHypothesis {
    /// The token ids, first to last: int64, of shape `[tokens]`.
    #[getter]
    fn tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, &self.numbers[0])
    }

    /// The frame at which the best alignment emits each token: int64, of shape `[tokens]`.
    #[getter]
    fn frames<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, &self.numbers[1])
    }

    /// How many frames each token goes on, in the best alignment: int64, of shape `[tokens]`.
    #[getter]
    fn durations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, &self.numbers[2])
    }

    /// What it is ranked by, before it is divided by a length.
    #[getter]
    fn score(&self) -> f64 {
        self.scores[0]
    }

    /// The natural logarithm of the mass of its alignments that was found under the beam.
    #[getter]
    fn log_mass(&self) -> f64 {
        self.scores[1]
    }

    /// The natural logarithm of the probability of its best single alignment.
    #[getter]
    fn alignment_score(&self) -> f64 {
        self.scores[2]
    }

    /// What language model, hotwords and lexicon add; 0 without any.
    #[getter]
    fn scorer_score(&self) -> f64 {
        self.scores[3]
    }

    /// The text that the labels spell. Raises `widebeam.Error` if the search has none.
    #[getter]
    fn text(&self, py: Python<'_>) -> PyResult<String> {
        self.reading.text(py, &self.numbers[0])
    }

    /// The words of the text: each a `Word` of its text, and its first and last frame. Raises
    /// `widebeam.Error` if the search has no labels.
    #[getter]
    fn words<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        scorers::listed(py, self.read_words(py)?)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (tokens, score) = (&self.numbers[0], self.scores[0]);
        match self.text(py) {
            Ok(text) => format!("TransducerHypothesis(text={text:?}, score={score:?})"),
            Err(_) => format!("TransducerHypothesis(tokens={tokens:?}, score={score:?})"),
        }
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let (py, this) = (slf.py(), slf.get());
        let read = match this.reading.has_text() {
            true => Some((this.text(py)?, this.read_words(py)?)),
            false => None,
        };
        let torch = this.framework == Framework::Torch;
        let make = slf.get_type().getattr("_restore")?;
        Ok((make, (this.numbers.clone(), this.scores, read, torch)))
    }

    /// One with these parts, as pickles have them.
    #[staticmethod]
    fn _restore(numbers: [Vec<u32>; 3], scores: Scores, read: Option<Read>, torch: bool) -> Self {
        TransducerHypothesis {
            numbers,
            scores,
            reading: read.into(),
            framework: Framework::restored(torch),
        }
    }
}
