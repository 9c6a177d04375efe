//! The table of word error rates and times.

use std::error::Error;
use std::time::{Duration, Instant};

use widebeam::scorers::Unscored;

use crate::beam::{self, Times};
use crate::network::Encoded;
use crate::utterances::Utterance;
use crate::word_errors::word_errors;
use crate::{Found, Recogniser, greedy};

/// Beam widths of the table.
pub(crate) const BEAMS: [usize; 3] = [1, 4, 16];

/// Word errors over all utterances.
pub(crate) fn errors(
    recogniser: &Recogniser,
    found: &[Found],
    utterances: &[Utterance],
) -> Result<usize, widebeam::Error> {
    let mut errors = 0;
    for (found, utterance) in found.iter().zip(utterances) {
        let text = recogniser.vocabulary.text(&found.tokens)?;
        errors += word_errors(&text, &utterance.text);
    }
    Ok(errors)
}

pub(crate) fn print(
    recogniser: &Recogniser,
    utterances: &[Utterance],
    encoded: &[Encoded],
    encoding: Duration,
) -> Result<(), Box<dyn Error>> {
    let words: usize = utterances
        .iter()
        .map(|utterance| utterance.text.split_whitespace().count())
        .sum();
    println!(
        "{} utterances, {words} words; one thread; the encoder took {:.0} ms\n",
        utterances.len(),
        1e3 * encoding.as_secs_f64()
    );
    println!(
        "| search | n-gram | word errors | predictor, joiner | search | share of the search |"
    );
    println!("|---|---|---|---|---|---|");
    let model = &recogniser.transducer;
    let begun = Instant::now();
    let found: Vec<Found> = encoded
        .iter()
        .map(|encoded| greedy::decode(model, encoded))
        .collect();
    let wrong = errors(recogniser, &found, utterances)?;
    let rate = |errors: usize| 100.0 * errors as f64 / words as f64;
    let millis = 1e3 * begun.elapsed().as_secs_f64();
    println!(
        "| greedy | no | {:.1} % | {millis:.0} ms | | |",
        rate(wrong)
    );
    for beams in BEAMS {
        for with_ngram in [false, true] {
            let (found, times) = match with_ngram {
                false => beam::decode(model, encoded, beams, Unscored)?,
                true => beam::decode(model, encoded, beams, &recogniser.ngram)?,
            };
            let wrong = errors(recogniser, &found, utterances)?;
            let ngram = if with_ngram { "yes" } else { "no" };
            let s = if beams == 1 { "" } else { "s" };
            println!(
                "| {beams} beam{s} | {ngram} | {:.1} % | {}",
                rate(wrong),
                cells(times, encoding)
            );
        }
    }
    Ok(())
}

/// The times of the model and of the search, and the search's share of all, the encoder's
/// time included.
fn cells(times: Times, encoding: Duration) -> String {
    let [model, search] = [times.model, times.search].map(|time| 1e3 * time.as_secs_f64());
    let share = 100.0 * search / (model + search + 1e3 * encoding.as_secs_f64());
    format!("{model:.0} ms | {search:.0} ms | {share:.1} % |")
}
