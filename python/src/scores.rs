//! Scores as Python hands them over: an array, what its numbers are, and lengths.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use widebeam::{Layout, ScoreKind, ScoresView};

use crate::array::{Array, Framework};
use crate::error;

/// An array of scores `[batch, time, vocab]`, its kind and the lengths of its items.
pub(crate) struct Scores<'py> {
    array: Array<'py>,
    kind: ScoreKind,
    lengths: Option<Vec<usize>>,
}

impl<'py> Scores<'py> {
    pub(crate) fn new(
        array: &Bound<'py, PyAny>,
        kind: &str,
        lengths: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        Ok(Scores {
            kind: kind_of(array.py(), kind)?,
            lengths: lengths.map(read_lengths).transpose()?,
            array: Array::of(array)?,
        })
    }

    pub(crate) fn view(&self, py: Python<'py>) -> PyResult<ScoresView<'_>> {
        let (shape, strides) = self.array.batch(py)?;
        let layout = Layout::strided(shape, strides);
        let view = self.array.values().scores(self.kind, layout);
        let view = view.and_then(|view| match &self.lengths {
            Some(lengths) => view.with_lengths(lengths),
            None => Ok(view),
        });
        view.map_err(|error| error::exception(py, &error))
    }

    /// Whether the array has no axis of items.
    pub(crate) fn is_one_item(&self) -> bool {
        self.array.shape().len() == 2
    }

    pub(crate) fn framework(&self) -> Framework {
        self.array.framework()
    }
}

fn kind_of(py: Python<'_>, kind: &str) -> PyResult<ScoreKind> {
    match kind {
        "probs" => Ok(ScoreKind::Probabilities),
        "log-probs" => Ok(ScoreKind::LogProbabilities),
        "logits" => Ok(ScoreKind::Logits),
        _ => {
            let said =
                format!("scores={kind:?}: it must be \"probs\", \"log-probs\" or \"logits\"");
            Err(error::refusal(py, said))
        }
    }
}

/// One length for each item, from any sequence or array of whole numbers.
fn read_lengths(lengths: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    let wrong = |what: String| {
        PyTypeError::new_err(format!(
            "lengths must be a sequence of whole numbers, one for each item: {what}"
        ))
    };
    // An array gives numbers of its own types, and slowly.
    let listed = if lengths.hasattr("tolist")? {
        lengths.call_method0("tolist")?
    } else {
        lengths.clone()
    };
    if listed.is_instance_of::<PyString>() {
        return Err(wrong("this is a str".to_owned()));
    }
    let items = listed
        .try_iter()
        .map_err(|_| wrong(format!("this is {}", shown(lengths))))?;
    let mut read = Vec::new();
    for (item, length) in items.enumerate() {
        let length = length?;
        let number: i64 = length
            .extract()
            .map_err(|_| wrong(format!("that of item {item} is {}", shown(&length))))?;
        let number = usize::try_from(number).map_err(|_| {
            let said = format!("the length of item {item} is {number}: it must be 0 or more");
            error::refusal(lengths.py(), said)
        })?;
        read.push(number);
    }
    Ok(read)
}

fn shown(object: &Bound<'_, PyAny>) -> String {
    let text = object.repr().map(|text| text.to_string());
    text.unwrap_or_else(|_| "something else".to_owned())
}
