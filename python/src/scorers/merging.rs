//! Hypotheses that are the same to a reader.

use pyo3::prelude::*;

use super::reader::Reader;
use super::settings::MergeText;
use crate::error;

/// By what hypotheses are merged.
#[derive(Clone, Copy)]
pub(crate) enum Merging {
    /// Their text.
    Text,
    /// Their text, whatever space stands between its words, before and after them.
    Words,
}

impl Merging {
    pub(super) fn of(py: Python<'_>, setting: &MergeText) -> PyResult<Option<Merging>> {
        match setting {
            MergeText::Whether(false) => Ok(None),
            MergeText::Whether(true) => Ok(Some(Merging::Text)),
            MergeText::By(what) if what == "words" => Ok(Some(Merging::Words)),
            MergeText::By(what) => {
                let said = format!("merge_text={what:?}: it must be True, False or \"words\"");
                Err(error::refusal(py, said))
            }
        }
    }

    /// What is the same for tokens that are merged.
    pub(crate) fn key(self, reader: &Reader, tokens: &[u32]) -> Result<String, widebeam::Error> {
        let text = reader.text(tokens)?;
        match self {
            Merging::Text => Ok(text),
            Merging::Words => {
                let words: Vec<&str> = text.split_whitespace().collect();
                Ok(words.join(" "))
            }
        }
    }
}
