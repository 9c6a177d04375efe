//! N-gram language models.

use std::path::PathBuf;

use pyo3::prelude::*;
use widebeam::scorers::NgramModel as Model;

use crate::{error, failure};

/// A back-off n-gram model: an ARPA file, plain or compressed by gzip, or a binary file of
/// KenLM, which is mapped into memory.
///
/// Decoders that are given the same model share it. Raises `widebeam.Error`, a ValueError, if the
/// file is no such model, and OSError if it cannot be read. Pickled by its path.
#[pyclass(frozen, module = "widebeam")]
pub(crate) struct NgramModel {
    path: PathBuf,
    model: Model,
}

impl NgramModel {
    pub(crate) fn read(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        // An OSError of Python's names what is wrong with a path.
        py.import("os")?.call_method1("stat", (&path,))?;
        let model = py.detach(|| widebeam_cli::model::read(&path, true));
        let model = model.map_err(|failed| failure::exception(py, failed))?;
        Ok(NgramModel { path, model })
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }
}

#[pymethods]
impl NgramModel {
    #[new]
    #[pyo3(signature = (path))]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Self::read(py, path)
    }

    /// The file that it was read from.
    #[getter(path)]
    fn path_of(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// The length of its longest n-grams.
    #[getter]
    fn order(&self) -> usize {
        self.model.order()
    }

    /// The number of its words, `<unk>` and marks such as `<s>` included.
    #[getter]
    fn vocab(&self) -> usize {
        self.model.vocab()
    }

    /// Whether it knows a word.
    fn __contains__(&self, word: &str) -> bool {
        self.model.word(word).is_some()
    }

    /// log10 of the probability of a sentence, whose words are parted by spaces, as KenLM gives
    /// it. `bos` puts `<s>` before it, `eos` puts `</s>` after it.
    #[pyo3(signature = (sentence, *, bos = true, eos = true))]
    fn score(&self, py: Python<'_>, sentence: &str, bos: bool, eos: bool) -> PyResult<f64> {
        let mut state = match bos {
            true => self.model.start_state(),
            false => self.model.empty_state(),
        };
        let end = self.model.word("</s>");
        if eos && end.is_none() {
            return Err(error::refusal(
                py,
                "the model has no </s>: eos=False leaves it out",
            ));
        }
        let words = sentence
            .split_whitespace()
            .map(|word| self.model.word(word));
        let mut total = 0.0;
        for word in words.chain(eos.then_some(end)) {
            let (score, next) = self.model.score_and_advance(&state, word);
            total += f64::from(score);
            state = next;
        }
        Ok(total)
    }

    fn __repr__(&self) -> String {
        let (order, vocab) = (self.order(), self.vocab());
        format!(
            "NgramModel({:?}, order={order}, vocab={vocab})",
            self.path_of()
        )
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (PathBuf,)) {
        (slf.get_type().into_any(), (slf.get().path.clone(),))
    }
}
