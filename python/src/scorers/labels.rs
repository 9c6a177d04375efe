//! The labels of the settings.

use pyo3::prelude::*;
use widebeam::ctc::Blank;
use widebeam_cli::labels::Labels;

use super::settings::{self, Text};
use crate::{error, failure};

/// The labels, if there are any.
pub(super) fn read(py: Python<'_>, text: &Text, blank: Blank) -> PyResult<Option<Labels>> {
    let labels = match &text.labels {
        None => return Ok(None),
        Some(settings::Labels::Listed(labels)) => {
            Ok(Labels::new(labels, Some(blank), "labels".to_owned()))
        }
        Some(settings::Labels::File(path)) => Labels::open(path, Some(blank)),
    };
    let labels = labels.map_err(|failed| failure::exception(py, failed))?;
    let Some(delimiter) = &text.word_delimiter else {
        return Ok(Some(labels));
    };
    if labels.vocabulary().token(delimiter).is_none() {
        let said = format!("no label is the word_delimiter {delimiter:?}");
        return Err(error::refusal(py, said));
    }
    let labels = labels.with_word_delimiter(delimiter);
    labels
        .map(Some)
        .map_err(|failed| failure::exception(py, failed))
}

/// One label for each token, if there are labels.
pub(crate) fn require(py: Python<'_>, labels: Option<usize>, vocab: usize) -> PyResult<()> {
    match labels {
        Some(labels) if labels != vocab => {
            let said = format!("the scores are of {vocab} tokens, and there are {labels} labels");
            Err(error::refusal(py, said))
        }
        _ => Ok(()),
    }
}
