//! The reader of ARPA files, plain or compressed, and the scorer of what it
//! reads.

use std::io::Read;

use widebeam::reference::scorers::{BackoffModel, Ngrams};
use widebeam::scorers::{NgramModel, NgramScorer, NgramUnit};
use widebeam_cli::text;

use crate::{emissions, file};

/// Tokens that are scored.
const MOST_LABELS: usize = 8;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (model, text) = file::with(".arpa", data, |path| {
        let open = || text::open(path).expect("the file is there");
        let mut text = Vec::new();
        // What follows the model may be anything, and may fail.
        let _ = open().read_to_end(&mut text);
        (NgramModel::read_arpa(open()), text)
    });
    let model = match model {
        Ok(model) => model,
        Err(error) => {
            assert!(error.to_string().starts_with("ARPA file, line "), "{error}");
            return;
        }
    };
    assert!((1..=NgramModel::MAX_ORDER).contains(&model.order()));
    // The blank, a word that no model has, and words of the model.
    let content = String::from_utf8_lossy(data);
    let words = content
        .split_ascii_whitespace()
        .filter(|word| model.word(word).is_some());
    let labels: Vec<&str> = ["", "no such word"]
        .into_iter()
        .chain(words)
        .take(MOST_LABELS)
        .collect();
    let naive = BackoffModel::from_arpa(&String::from_utf8_lossy(&text));
    if naive.lifts() {
        return;
    }
    for unit in [NgramUnit::Token, NgramUnit::Character] {
        let scorer = NgramScorer::new(&model, &labels, unit);
        let scorer = scorer.with_weight(0.5).expect("it is finite");
        let scorer = scorer.with_token_bonus(-1.0).expect("it is finite");
        let naive = Ngrams {
            model: naive.clone(),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            unit,
            weight: 0.5,
            bonus: -1.0,
        };
        emissions::decode(labels.len(), &scorer, &naive);
    }
}
