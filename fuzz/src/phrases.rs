//! The reader of favoured phrases, and the scorer of them.

use widebeam::reference::scorers::Phrases as NaivePhrases;
use widebeam::scorers::Phrases;
use widebeam_cli::labels::Labels;
use widebeam_cli::words::read_phrases;

use crate::{emissions, file};

/// The largest vocabulary that is decoded.
const MOST_LABELS: usize = 12;
/// The boost of a character, where a line says none.
const WEIGHT: f64 = 1.7;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (labels, phrases) = file::halves(data);
    let blank = emissions::BLANK;
    let Ok(labels) = file::with(".txt", labels, |path| Labels::open(path, Some(blank))) else {
        return;
    };
    for whole_words in [false, true] {
        let read = |path: &_| read_phrases(path, &labels, WEIGHT, whole_words);
        match file::with(".txt", phrases, read) {
            Ok(kept) => check(&kept.entries, &labels, whole_words),
            Err(failure) => return file::refused(&failure),
        }
    }
}

fn check(phrases: &[(String, f64)], labels: &Labels, whole_words: bool) {
    let vocabulary = labels.vocabulary();
    if vocabulary.is_empty() || vocabulary.len() > MOST_LABELS {
        return;
    }
    let scorer = match Phrases::from_text(phrases, vocabulary, whole_words) {
        Ok(scorer) => scorer,
        Err(error) => {
            // Only boosts too large for their sums are refused: the reader has refused the
            // rest.
            let largest = phrases.iter().map(|(_, boost)| boost.abs());
            let largest = largest.fold(0.0, f64::max);
            assert!(largest > 1e290, "{error}");
            return;
        }
    };
    let phrases: Vec<(&str, f64)> = phrases.iter().map(|(p, boost)| (&**p, *boost)).collect();
    let spellings = emissions::spellings(vocabulary);
    let naive = NaivePhrases::of_text(&phrases, spellings, whole_words);
    emissions::decode(vocabulary.len(), &scorer, &naive);
}
