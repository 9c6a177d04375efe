//! How hypotheses finish, are ranked, and end the search.

use pyo3::prelude::*;
use pyo3::types::PyString;
use widebeam::autoregressive::{self as library, CTranslate2Options, EarlyStopping};

use crate::error;

/// How hypotheses finish, are ranked, and end a request: the published rules of a library.
#[pyclass(frozen, eq, module = "widebeam")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Rules {
    pub(super) rules: library::Rules,
}

impl From<library::Rules> for Rules {
    fn from(rules: library::Rules) -> Self {
        Rules { rules }
    }
}

#[pymethods]
impl Rules {
    /// The default, for whoever comes from nowhere: `log p / length`, generated tokens counted
    /// with the end token; it ends where no live hypothesis is likely to win.
    #[staticmethod]
    fn plain() -> Self {
        library::Rules::plain().into()
    }

    /// Hugging Face transformers from 4.50 on: `log p / length^length_penalty`, generated tokens
    /// counted with the end token; 0 is the plain sum. `early_stopping` is False (None is the
    /// same), True or `"never"`.
    #[staticmethod]
    #[pyo3(signature = (length_penalty = 1.0, early_stopping = None))]
    fn hugging_face(
        py: Python<'_>,
        length_penalty: f64,
        early_stopping: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let early = stopping(py, early_stopping)?;
        Ok(library::Rules::hugging_face(length_penalty, early).into())
    }

    /// The beam scorer of Hugging Face transformers up to 4.33: as `hugging_face`, but a length
    /// counts the prompt and not the end token.
    #[staticmethod]
    #[pyo3(signature = (length_penalty = 1.0, early_stopping = None))]
    fn hugging_face_scorer(
        py: Python<'_>,
        length_penalty: f64,
        early_stopping: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let early = stopping(py, early_stopping)?;
        Ok(library::Rules::hugging_face_scorer(length_penalty, early).into())
    }

    /// fairseq: `log p / length^length_penalty`, generated tokens counted with the end token; it
    /// ends when as many hypotheses have finished as there are beams. Its `max_len` is one less than our maximum length.
    #[staticmethod]
    #[pyo3(signature = (length_penalty = 1.0))]
    fn fairseq(length_penalty: f64) -> Self {
        library::Rules::fairseq(length_penalty).into()
    }

    /// CTranslate2: `log p / length^length_penalty`, generated tokens counted with the end token;
    /// it ends when `round(patience * beams)` hypotheses have finished. `num_hypotheses` counts if the length penalty is 0, `patience` otherwise.
    #[staticmethod]
    #[pyo3(signature = (length_penalty = 1.0, patience = 1.0, num_hypotheses = 1))]
    fn ctranslate2(length_penalty: f64, patience: f64, num_hypotheses: usize) -> Self {
        let options = CTranslate2Options::default()
            .with_length_penalty(length_penalty)
            .with_patience(patience)
            .with_num_hypotheses(num_hypotheses);
        library::Rules::ctranslate2(options).into()
    }

    /// t5x, with the length penalty of GNMT: `log p / ((5 + length) / 6)^alpha`, generated tokens
    /// counted with the end token; it ends when no live hypothesis can win.
    #[staticmethod]
    #[pyo3(signature = (alpha))]
    fn gnmt(alpha: f64) -> Self {
        library::Rules::gnmt(alpha).into()
    }

    /// OpenAI's Whisper: the mean log-probability, or GNMT's with an exponent, the end token not
    /// counted; it ends when `round(patience * beams)` hypotheses have finished.
    #[staticmethod]
    #[pyo3(signature = (length_penalty = None, patience = 1.0))]
    fn whisper(length_penalty: Option<f64>, patience: f64) -> Self {
        library::Rules::whisper(length_penalty, patience).into()
    }

    /// vLLM: `log p / length^length_penalty`, the prompt counted and the end token not; it goes on
    /// to the maximum length.
    #[staticmethod]
    #[pyo3(signature = (length_penalty = 1.0))]
    fn vllm(length_penalty: f64) -> Self {
        library::Rules::vllm(length_penalty).into()
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.rules)
    }
}

fn stopping(py: Python<'_>, early: Option<&Bound<'_, PyAny>>) -> PyResult<EarlyStopping> {
    let Some(early) = early else {
        return Ok(EarlyStopping::Heuristic);
    };
    match early.extract::<bool>() {
        Ok(true) => Ok(EarlyStopping::FirstFinished),
        Ok(false) => Ok(EarlyStopping::Heuristic),
        Err(_) if early.cast::<PyString>().is_ok_and(|text| text == "never") => {
            Ok(EarlyStopping::Never)
        }
        Err(_) => {
            let said = format!("early_stopping={early}: it must be True, False or \"never\"");
            Err(error::refusal(py, said))
        }
    }
}
