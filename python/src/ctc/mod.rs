//! The CTC search.

mod any_search;
mod hypothesis;
mod settings;
mod stream;

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use widebeam::ScoresView;
use widebeam::ctc::CtcNBest;

use crate::array::Framework;
use crate::idle::Idle;
use crate::refused::Refused;
use crate::scorers::{Textual, require, with_text};
use crate::scores::Scores;
use crate::settings::extract;
use crate::{error, pool, work};
use any_search::AnySearch;
pub(crate) use hypothesis::CtcHypothesis;
pub(crate) use stream::CtcStream;

/// How many frames of a beam of width 1 a thread searches in some 20 ms.
const PIECE_FRAMES: usize = 200_000;

/// The decoder of `widebeam.CtcDecoder`, which has its settings.
#[pyclass(frozen, module = "widebeam._widebeam", name = "_CtcCore")]
pub(crate) struct CtcCore {
    /// The search with its scorers; its memory serves nobody.
    model: Textual<Box<dyn AnySearch>>,
    beams: usize,
    idle: Idle<Box<dyn AnySearch>>,
}

#[pymethods]
impl CtcCore {
    #[new]
    #[pyo3(signature = (settings))]
    fn new(settings: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = settings.py();
        let search: settings::Search = extract(settings)?;
        let (blank, search) = (search.blank(py)?, search.search(py)?);
        Ok(CtcCore {
            beams: search.beams(),
            model: with_text(search, settings, blank)?,
            idle: Idle::new(),
        })
    }

    #[pyo3(signature = (array, scores, lengths, errors))]
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
        require(py, self.model.labels, view.vocab())?;
        let make = || Ok(self.model.search.another());
        let found = self
            .idle
            .with(py, make, |search| self.found(py, &view, &mut **search))?;

        let list = PyList::empty(py);
        for nbest in found.into_iter().map(Arc::new) {
            for item in 0..nbest.len() {
                list.append(self.item(py, &nbest, item, scores.framework(), refused)?)?;
            }
        }
        Ok(list)
    }

    fn stream(&self, py: Python<'_>) -> PyResult<CtcStream> {
        let model = &self.model;
        if model.merging.is_some() {
            let said = "merge_text is for decode: a stream does not merge texts";
            return Err(error::refusal(py, said));
        }
        let stream = model.search.stream();
        Ok(CtcStream::new(stream, model.reader.clone(), model.labels))
    }
}

impl CtcCore {
    /// What is found in a batch; the results of its pieces, in order.
    fn found(
        &self,
        py: Python<'_>,
        view: &ScoresView<'_>,
        search: &mut dyn AnySearch,
    ) -> PyResult<Vec<CtcNBest>> {
        work::check_memory(search.bytes_needed(view))?;
        let work_of_item = view.time().saturating_mul(self.beams).max(1);
        let first = (PIECE_FRAMES / work_of_item).max(1) * pool::get_num_threads();
        work::in_pieces(py, view.batch(), first, |items, token| {
            let found = search.decode(&view.items(items), token)?;
            match (&self.model.reader, self.model.merging) {
                (Some(reader), Some(merging)) => {
                    found.merged_by(|tokens| merging.key(reader, tokens))
                }
                _ => Ok(found),
            }
        })
    }

    fn item<'py>(
        &self,
        py: Python<'py>,
        nbest: &Arc<CtcNBest>,
        item: usize,
        framework: Framework,
        refused: Refused,
    ) -> PyResult<Bound<'py, PyAny>> {
        let hypotheses = match nbest.item(item) {
            Ok(hypotheses) => hypotheses,
            Err(error) => return refused.item(py, &error),
        };
        let views = (0..hypotheses.len()).map(|rank| {
            let (nbest, reader) = (nbest.clone(), self.model.reader.clone());
            Bound::new(
                py,
                CtcHypothesis::found(nbest, [item, rank], reader, framework),
            )
        });
        Ok(PyList::new(py, views.collect::<PyResult<Vec<_>>>()?)?.into_any())
    }
}
