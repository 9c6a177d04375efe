//! The text and words of a hypothesis.

use std::ops::Range;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyType};

use super::reader::Reader;
use crate::error;

/// What the tokens of a hypothesis read as.
pub(crate) enum Reading {
    /// There are no labels.
    None,
    By(Arc<Reader>),
    /// As a pickle had it.
    Done(Read),
}

/// The text, and its words.
pub(crate) type Read = (String, Vec<WordParts>);

/// The text of a word, its first and its last frame.
pub(crate) type WordParts = (String, u32, u32);

impl From<Option<Arc<Reader>>> for Reading {
    fn from(reader: Option<Arc<Reader>>) -> Self {
        reader.map_or(Reading::None, Reading::By)
    }
}

impl From<Option<Read>> for Reading {
    fn from(read: Option<Read>) -> Self {
        read.map_or(Reading::None, Reading::Done)
    }
}

impl Reading {
    pub(crate) fn text(&self, py: Python<'_>, tokens: &[u32]) -> PyResult<String> {
        match self {
            Reading::None => Err(no_labels(py)),
            Reading::Done((text, _)) => Ok(text.clone()),
            Reading::By(reader) => {
                let text = reader.text(tokens);
                text.map_err(|error| error::exception(py, &error))
            }
        }
    }

    /// The words, with the frames that `frames` gives for the places of their tokens.
    pub(crate) fn words(
        &self,
        py: Python<'_>,
        tokens: &[u32],
        frames: impl Fn(Range<usize>) -> Option<(u32, u32)>,
    ) -> PyResult<Vec<WordParts>> {
        let reader = match self {
            Reading::None => return Err(no_labels(py)),
            Reading::Done((_, words)) => return Ok(words.clone()),
            Reading::By(reader) => reader,
        };
        let words = reader.words(tokens);
        let words = words.map_err(|error| error::exception(py, &error))?;
        let in_frames = words.into_iter().filter_map(|word| {
            let (first, last) = frames(word.tokens)?;
            Some((word.text, first, last))
        });
        Ok(in_frames.collect())
    }

    /// Whether there is a text at all.
    pub(crate) fn has_text(&self) -> bool {
        !matches!(self, Reading::None)
    }
}

/// Words as `widebeam.Word`.
pub(crate) fn listed(py: Python<'_>, words: Vec<WordParts>) -> PyResult<Bound<'_, PyList>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "widebeam._word", "Word")?;
    let words = words.into_iter().map(|word| class.call1(word));
    PyList::new(py, words.collect::<PyResult<Vec<_>>>()?)
}

fn no_labels(py: Python<'_>) -> PyErr {
    error::refusal(py, "the decoder has no labels, which spell the text")
}
