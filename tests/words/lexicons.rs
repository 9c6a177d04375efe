//! Lexicons of words as text.

use std::sync::Arc;

use widebeam::reference::scorers::Allowed;
use widebeam::scorers::{Lexicon, Scorer};

use crate::models::{Model, PLAIN, SETTINGS, WORDS};
use crate::prefixes::{check_every_prefix, check_long_prefixes, check_totals};
use crate::random::Random;
use crate::units::{self, Unit};
use crate::{phrases, spellings, word_ngrams};

pub(crate) const LISTS: [&[&str]; 6] = [
    &[],
    &["a"],
    &["ab", "a", "abab"],
    &["b", "bab", "ab", "b"],
    &["a\u{e4}", "\u{e4}", "aba"],
    &["ba", "aa", "bb", "aba"],
];

/// The scorer of a list of words.
pub(crate) fn scorer(words: &[&str], unit: &Unit) -> Lexicon {
    Lexicon::new(words, &unit.vocabulary()).unwrap()
}

/// Its definition.
pub(crate) fn naive(words: &[&str], unit: &Unit) -> Allowed {
    Allowed {
        words: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        spellings: unit.spellings(),
    }
}

#[test]
fn lexicons_score_every_short_prefix_as_defined() {
    let mut random = Random::new(70);
    for unit in units::ALL {
        for words in LISTS {
            let naive = naive(words, &unit);
            let scorer = scorer(words, &unit);
            check_every_prefix(&scorer, &naive, unit.len() + 1, 5);
            check_long_prefixes(&mut random, &scorer, &naive, unit.len() + 1, 30);
        }
    }
}

#[test]
fn an_input_is_allowed_if_all_of_its_words_are() {
    for unit in units::ALL {
        for words in LISTS {
            let naive = naive(words, &unit);
            check_totals(&naive, |tokens| naive.total(tokens), unit.len(), 5);
        }
    }
}

#[test]
fn words_that_are_none_are_refused() {
    let vocabulary = units::LETTERS.vocabulary();
    for none in ["", " ", "a b", " a", "a "] {
        assert!(Lexicon::new(&["a", none], &vocabulary).is_err(), "{none:?}");
    }
    // A word that cannot be spelled is allowed and never there.
    let lexicon = scorer(&["xyz"], &units::LETTERS);
    assert_eq!(lexicon.finish(&lexicon.start()), 0.0);
    assert!((1..3).all(|token| !lexicon.score(&lexicon.start(), token).is_finite()));
    assert_eq!(lexicon.score(&lexicon.start(), 0), 0.0);
}

#[test]
fn pairs_of_scorers_add_up() {
    let mut random = Random::new(71);
    for (place, unit) in units::ALL.iter().enumerate() {
        let settings = &SETTINGS[place];
        let model = Model::random(&mut random, 2, WORDS[place % 4], false);
        let words = LISTS[2 + place % 4];
        let boosted = &phrases::lists()[2 + place % 6];
        let ngram = word_ngrams::scorer(&model, unit, settings);
        let lexicon = scorer(words, unit);
        let favoured = phrases::scorer(boosted, unit, place % 2 == 0);
        let naive_ngram = word_ngrams::naive(&model, unit, settings);
        let naive_lexicon = naive(words, unit);
        let naive_favoured = phrases::naive(boosted, unit, place % 2 == 0);
        let (vocab, longest) = (unit.len() + 1, 4);
        check_every_prefix(
            &(&lexicon, &ngram),
            &(&naive_lexicon, &naive_ngram),
            vocab,
            longest,
        );
        check_every_prefix(
            &(&ngram, &favoured),
            &(&naive_ngram, &naive_favoured),
            vocab,
            longest,
        );
        check_every_prefix(
            &(
                Some(&lexicon),
                (Arc::new(favoured.clone()), None::<Lexicon>),
            ),
            &(&naive_lexicon, (&naive_favoured, None::<Allowed>)),
            vocab,
            longest,
        );
    }
}

#[test]
fn spelled_words_and_favoured_tokens_add_up() {
    let mut random = Random::new(72);
    let settings = &SETTINGS[1];
    for (words, favoured) in spellings::lists().iter().zip(phrases::token_lists()) {
        let model = spellings::model(&mut random, 2);
        let delimiter = Some(spellings::DELIMITER);
        let lexicon = spellings::scorer(words, delimiter, &model, settings, 4);
        let naive_lexicon = spellings::naive(words, delimiter, Some((&model, settings)), 4);
        let phrases = widebeam::scorers::Phrases::from_tokens(&favoured).unwrap();
        let naive_phrases = widebeam::reference::scorers::Phrases::of_tokens(&favoured);
        check_every_prefix(
            &(&lexicon, &phrases),
            &(&naive_lexicon, &naive_phrases),
            spellings::VOCAB,
            5,
        );
    }
}

/// The plain settings are those that a scorer has when nothing is set.
#[test]
fn without_settings_a_word_model_is_plain() {
    let mut random = Random::new(73);
    let model = Model::random(&mut random, 2, WORDS[0], false);
    let unit = units::LETTERS;
    let bare = widebeam::scorers::WordNgram::new(model.model.clone(), &unit.vocabulary());
    let bare = bare.unwrap().with_lookahead(PLAIN.lookahead()).unwrap();
    check_every_prefix(&bare, &word_ngrams::naive(&model, &unit, &PLAIN), 4, 4);
}
