//! Words and phrases of a list that the labels can spell.

use pyo3::prelude::*;
use widebeam::scorers::Phrases;
use widebeam_cli::labels::Labels;

use crate::error;

/// How many entries that are left out are named.
const NAMED: usize = 5;

/// What the labels can spell, and what there is to say of the rest.
pub(super) type Spelled<T> = (Vec<(String, T)>, Option<String>);

/// The entries that the labels can spell, as text, and what there is to say of the others.
///
/// # Errors
///
/// If there is no entry, or an empty one, if all are left out, or any with `strict`.
pub(super) fn spelled<'a, T>(
    py: Python<'_>,
    list: &str,
    entries: impl Iterator<Item = (&'a String, T)>,
    whole_words: bool,
    strict: bool,
    labels: &Labels,
) -> PyResult<Spelled<T>> {
    let speller = labels.vocabulary().speller();
    let speller = speller.map_err(|error| error::exception(py, &error))?;
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for (index, (entry, with)) in entries.enumerate() {
        let text = Phrases::text(entry);
        if text.is_empty() {
            let said = format!("{list}: the entry at {index} is empty");
            return Err(error::refusal(py, said));
        }
        match speller.can_spell(&text, whole_words) {
            true => kept.push((text, with)),
            false => left_out.push(entry),
        }
    }
    if left_out.is_empty() {
        if kept.is_empty() {
            return Err(error::refusal(py, format!("{list}: holds no entry")));
        }
        return Ok((kept, None));
    }
    let refused = strict || kept.is_empty();
    let named: Vec<String> = left_out
        .iter()
        .take(NAMED)
        .map(|entry| format!("{entry:?}"))
        .collect();
    let more = match left_out.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let said = format!(
        "{list}: {} of {} cannot be spelled with the labels{}: {}{more}",
        left_out.len(),
        kept.len() + left_out.len(),
        if refused { "" } else { " and are left out" },
        named.join(", ")
    );
    match refused {
        true => Err(error::refusal(py, said)),
        false => Ok((kept, Some(said))),
    }
}
