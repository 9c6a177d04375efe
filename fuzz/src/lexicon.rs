//! The reader of word lists, and what is made of them: a lexicon, and favoured
//! words.

use std::collections::HashSet;

use widebeam::reference::scorers::{Allowed, Favoured};
use widebeam::scorers::{Hotwords, Lexicon};
use widebeam_cli::labels::Labels;
use widebeam_cli::words::Words;

use crate::{emissions, file};

/// The largest vocabulary that is decoded.
const MOST_LABELS: usize = 12;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (labels, words) = file::halves(data);
    let blank = emissions::BLANK;
    let Ok(labels) = file::with(".txt", labels, |path| Labels::open(path, Some(blank))) else {
        return;
    };
    let read = |path: &_| Words::read(path, &labels);
    let words = match file::with(".txt", words, read) {
        Ok(words) => words,
        Err(failure) => return file::refused(&failure),
    };
    let vocab = labels.vocabulary().len();
    if vocab == 0 || vocab > MOST_LABELS {
        return;
    }
    let hotwords = Hotwords::new(&words.spelled, 1.5).expect("no word is empty");
    let favoured = Favoured {
        sequences: words.spelled.clone(),
        weight: 1.5,
    };
    emissions::decode(vocab, &hotwords, &favoured);
    // A word may hold the separator.
    let Ok(lexicon) = Lexicon::new(&words.spelled, words.space) else {
        return;
    };
    let allowed = Allowed {
        words: words.spelled.clone(),
        separator: words.space,
    };
    let whole: HashSet<&[u32]> = words.spelled.iter().map(Vec::as_slice).collect();
    let nbest = emissions::decode(vocab, &lexicon, &allowed);
    for hypothesis in nbest.item(0).expect("valid scores") {
        let is_separator = |&token: &u32| Some(token) == words.space;
        let mut parts: Vec<&[u32]> = hypothesis.tokens.split(is_separator).collect();
        // Nothing needs to follow a separator, or to be there at all.
        if parts.last().is_some_and(|last| last.is_empty()) {
            parts.pop();
        }
        assert!(parts.iter().all(|part| whole.contains(part)), "{parts:?}");
    }
    emissions::decode(vocab, &(lexicon, hotwords), &(allowed, favoured));
}
