//! Labels, and what scores the text that they spell: for CTC and transducer search.

mod check;
mod labels;
mod merging;
mod read;
mod reader;
mod reading;
mod settings;
mod spelled;

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use widebeam::ctc::Blank;
use widebeam::scorers::Scorer;

pub(crate) use labels::require;
pub(crate) use merging::Merging;
pub(crate) use reader::Reader;
pub(crate) use reading::{Read, Reading, WordParts, listed};

use crate::settings::extract;
use read::Scorers;
use settings::{LanguageModel, Text, Words};

/// A search that takes a scorer of any type.
pub(crate) trait TakesScorer {
    /// What it becomes.
    type Search;

    fn without_scorer(self) -> Self::Search;

    fn with_scorer<S: Scorer + Send + Sync + 'static>(self, scorer: S) -> Self::Search;
}

/// A search with what the settings say of text.
pub(crate) struct Textual<S> {
    pub(crate) search: S,
    /// There is none without labels.
    pub(crate) reader: Option<Arc<Reader>>,
    /// How many labels there are.
    pub(crate) labels: Option<usize>,
    pub(crate) merging: Option<Merging>,
}

/// Gives `search` the scorers of the settings. It reads their files, and warns of what is left
/// out or doubtful.
pub(crate) fn with_text<T: TakesScorer>(
    search: T,
    settings: &Bound<'_, PyDict>,
    blank: Blank,
) -> PyResult<Textual<T::Search>> {
    let py = settings.py();
    let text: Text = extract(settings)?;
    let model: LanguageModel = extract(settings)?;
    let words: Words = extract(settings)?;
    let merging = Merging::of(py, &text.merge_text)?;
    check::check(py, &text, &model, &words)?;
    let labels = labels::read(py, &text, blank)?;
    let (search, reader) = match &labels {
        None => (search.without_scorer(), None),
        Some(labels) => {
            let scorers = Scorers::read(py, &model, &words, labels)?;
            let (search, reader) = scorers.take_part(search, labels);
            (search, Some(Arc::new(reader)))
        }
    };
    Ok(Textual {
        search,
        reader,
        labels: labels.map(|labels| labels.vocabulary().len()),
        merging,
    })
}
