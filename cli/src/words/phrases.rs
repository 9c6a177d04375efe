//! Phrases to favour, and by how much.

use std::path::Path;

use widebeam::scorers::Phrases;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use super::left_out::Kept;
use super::lines::{Line, lines};
use super::quoted::quoted;
use crate::labels::Labels;
use crate::text;

/// Reads phrases, one a line, each with its whole boost: the number that ends its line after
/// a colon, as in `hello :10`, or else `weight` for each of its characters.
///
/// With `whole_words` a phrase can be spelled only if it can stand between word boundaries.
///
/// # Errors
///
/// If the file cannot be read, a phrase is empty, or a weight is not finite.
pub fn read_phrases(
    path: &Path,
    labels: &Labels,
    weight: f64,
    whole_words: bool,
) -> Result<Kept<(String, f64)>, Failure> {
    let source = printable::path(path);
    if !weight.is_finite() {
        return Err(Failure::Input(format!(
            "{source}: the weight of hotwords is {weight}; it must be a finite number"
        )));
    }
    let content = text::read(path)?;
    let speller = labels.vocabulary().speller()?;
    let unit = if whole_words { " as whole words" } else { "" };
    let verdict = format!("cannot be spelled with the labels of {}{unit}", labels.name);
    let mut kept = Kept::new(&source, "phrase", verdict);
    for line in lines(&source, &content) {
        let (phrase, boost) = parse(line, weight)?;
        match speller.can_spell(&phrase, whole_words) {
            true => kept.entries.push((phrase, boost)),
            false => kept.leave_out(line, &phrase, None),
        }
    }
    Ok(kept)
}

/// The phrase of a line and its boost.
fn parse(line: Line<'_>, weight: f64) -> Result<(String, f64), Failure> {
    let (phrase, own) = split_weight(line.text.trim());
    let phrase = Phrases::text(phrase);
    if phrase.is_empty() {
        return Err(line.refused("an empty phrase"));
    }
    match own {
        Some(own) if !own.is_finite() => Err(line.refused(format_args!(
            "the weight of {} is {own}; it must be a finite number",
            quoted(&phrase)
        ))),
        Some(own) => Ok((phrase, own)),
        None => {
            let boost = weight * phrase.chars().count() as f64;
            Ok((phrase, boost))
        }
    }
}

/// Parts a phrase and the weight that is its last field, if that is one.
fn split_weight(line: &str) -> (&str, Option<f64>) {
    let (phrase, last) = match line.rfind(char::is_whitespace) {
        Some(at) => line.split_at(at),
        None => ("", line),
    };
    let weight = last.trim_start().strip_prefix(':');
    match weight.and_then(|weight| weight.parse().ok()) {
        Some(weight) => (phrase, Some(weight)),
        None => (line, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, f64), String> {
        parse(Line::of(7, text), 1.5).map_err(|failure| match failure {
            Failure::Input(message) => message,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_weight_is_of_the_whole_phrase_or_of_each_character() {
        for (line, phrase, boost) in [
            ("hello", "hello", 7.5),
            ("hello :10.0", "hello", 10.0),
            (" hello :.5 ", "hello", 0.5),
            ("turn  left\t:-1e1", "turn left", -10.0),
            ("gr\u{fc}n", "gr\u{fc}n", 6.0),
            ("turn left", "turn left", 13.5),
            ("\u{2581}he llo", "hello", 7.5),
            ("\u{2581}he llo :3", "hello", 3.0),
            // No weights.
            ("hello :)", "hello :)", 12.0),
            ("a:3", "a:3", 4.5),
            ("at 10", "at 10", 7.5),
            (":)", ":)", 3.0),
        ] {
            assert_eq!(parsed(line), Ok((phrase.to_owned(), boost)), "{line}");
        }
    }

    #[test]
    fn phrases_of_nothing_and_weights_that_are_not_finite() {
        for line in [":3", "\u{2581}", "\u{2581} :3"] {
            assert_eq!(parsed(line), Err("f, line 7: an empty phrase".to_owned()));
        }
        let infinite = "f, line 7: the weight of \"a\" is inf; it must be a finite number";
        assert_eq!(parsed("a :inf"), Err(infinite.to_owned()));
        assert!(parsed("a :nan").is_err());
    }
}
