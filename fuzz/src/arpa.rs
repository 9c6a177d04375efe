//! The reader of ARPA files, plain or compressed, and the scorers of what it
//! reads.

use std::io::Read;

use widebeam::ErrorKind;
use widebeam::reference::scorers::{BackoffModel, Ngrams, WordNgrams, WordScores};
use widebeam::scorers::{
    Lookahead, NgramModel, NgramScorer, NgramUnit, Vocabulary, WordBoundary, WordNgram,
};
use widebeam_cli::text;

use crate::{emissions, file};

/// Tokens that are scored.
const MOST_LABELS: usize = 8;
/// The longest label of a model of words, in bytes: four of them are a word that is
/// looked up.
const LONGEST_LABEL: usize = 20;

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
    let text = String::from_utf8_lossy(&text);
    let naive = BackoffModel::from_arpa(&text);
    if naive.lifts() {
        return;
    }
    // The blank, a word that no model has, and words of the model.
    let words = || {
        let words = text.split_ascii_whitespace();
        words.filter(|word| model.word(word).is_some())
    };
    let labels = ["", "no such word"].into_iter().chain(words());
    let labels: Vec<&str> = labels.take(MOST_LABELS).collect();
    of_labels(&model, &naive, &labels);
    of_words(
        &model,
        &naive,
        &Vocabulary::new(&labels, Some(emissions::BLANK)),
    );

    // Words end where a space is spelled, and are spelled by their letters, or whole.
    let words: Vec<&str> = words().take(2).collect();
    let mut labels = vec![String::new(), "|".to_owned()];
    labels.extend(words.iter().flat_map(|word| word.chars()).map(String::from));
    labels.sort_unstable();
    labels.dedup();
    labels.truncate(MOST_LABELS - words.len());
    labels.extend(words.iter().map(|&word| word.to_owned()));
    let vocabulary = Vocabulary::new(&labels, Some(emissions::BLANK));
    let delimiter = labels.iter().position(|label| label == "|");
    let vocabulary = match delimiter {
        Some(token) => vocabulary.with_boundary(WordBoundary::Delimiter(token as u32)),
        None => Ok(vocabulary),
    };
    of_words(&model, &naive, &vocabulary.expect("there is a delimiter"));
}

/// The model as one of labels, and of their characters.
fn of_labels(model: &NgramModel, naive: &BackoffModel, labels: &[&str]) {
    let vocabulary = Vocabulary::new(labels, Some(emissions::BLANK));
    for unit in [NgramUnit::Token, NgramUnit::Character] {
        let scorer = match unit {
            NgramUnit::Character => NgramScorer::of_characters(model, &vocabulary),
            _ => NgramScorer::of_tokens(model, &vocabulary),
        };
        let Some(scorer) = fitting(scorer) else {
            continue;
        };
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

/// The model as one of the words that labels spell, with a look-ahead and without.
fn of_words(model: &NgramModel, naive: &BackoffModel, vocabulary: &Vocabulary) {
    let longest = vocabulary.labels().iter().map(String::len).max();
    if longest > Some(LONGEST_LABEL) {
        return;
    }
    let Some(scorer) = fitting(WordNgram::new(model, vocabulary)) else {
        return;
    };
    let scorer = scorer.with_weight(0.5).expect("it is finite");
    let scorer = scorer.with_word_bonus(-1.0).expect("it is finite");
    let scorer = scorer.with_unknown_score(-2.0).expect("it is finite");
    for lookahead in [Lookahead::None, Lookahead::Unigram] {
        let scorer = scorer.clone().with_lookahead(lookahead);
        let naive = WordNgrams {
            scores: WordScores {
                weight: 0.5,
                bonus: -1.0,
                unknown: -2.0,
                ..WordScores::new(naive.clone())
            },
            spellings: emissions::spellings(vocabulary),
            lookahead: lookahead == Lookahead::Unigram,
            list: None,
        };
        let scorer = scorer.expect("the words of the file");
        emissions::decode(vocabulary.len(), &scorer, &naive);
    }
}

/// The scorer, unless its model is one of other units.
fn fitting<S>(scorer: Result<S, widebeam::Error>) -> Option<S> {
    match scorer {
        Ok(scorer) => Some(scorer),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidSetting);
            let message = error.to_string();
            assert!(message.starts_with("the n-gram model is not one of "));
            None
        }
    }
}
