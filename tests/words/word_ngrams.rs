//! Models of words over tokens of every kind.

use std::sync::Arc;

use widebeam::reference::scorers::{Ngrams, WordNgrams};
use widebeam::scorers::{NgramModel, NgramScorer, NgramUnit, Scorer, Vocabulary, WordNgram};

use crate::models::{Model, PLAIN, SETTINGS, Settings, WORDS};
use crate::prefixes::{check_every_prefix, check_long_prefixes, check_totals};
use crate::random::Random;
use crate::units::{self, Unit};

/// The scorer of some settings.
pub(crate) fn scorer(
    model: &Model,
    unit: &Unit,
    settings: &Settings,
) -> WordNgram<Arc<NgramModel>> {
    let scorer = WordNgram::new(model.model.clone(), &unit.vocabulary()).unwrap();
    let scorer = scorer.with_weight(settings.weight).unwrap();
    let scorer = scorer.with_word_bonus(settings.bonus).unwrap();
    let scorer = scorer.with_unknown_score(settings.unknown).unwrap();
    let scorer = scorer.with_lookahead(settings.lookahead()).unwrap();
    let scorer = scorer.with_bos(settings.bos).with_eos(settings.eos);
    match settings.list {
        Some(list) => scorer.with_words(list).unwrap(),
        None => scorer,
    }
}

/// Its definition.
pub(crate) fn naive(model: &Model, unit: &Unit, settings: &Settings) -> WordNgrams {
    let list = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
    WordNgrams {
        scores: model.scores(settings),
        spellings: unit.spellings(),
        lookahead: settings.lookahead,
        list: settings.list.map(list),
    }
}

#[test]
fn word_ngrams_score_every_short_prefix_as_defined() {
    let mut random = Random::new(41);
    for unit in units::ALL {
        for (place, settings) in SETTINGS.iter().enumerate() {
            for (order, words) in (1..).zip(WORDS) {
                let model = Model::random(&mut random, order, words, place % 2 == 0);
                let scorer = scorer(&model, &unit, settings);
                let naive = naive(&model, &unit, settings);
                // One token is beyond the labels.
                let longest = if order == 3 { 4 } else { 3 };
                check_every_prefix(&scorer, &naive, unit.len() + 1, longest);
                check_long_prefixes(&mut random, &scorer, &naive, unit.len(), 25);
            }
        }
    }
}

#[test]
fn the_scores_of_tokens_add_up_to_those_of_the_words() {
    let mut random = Random::new(42);
    for unit in units::ALL {
        for settings in &SETTINGS {
            for (order, words) in (1..).zip(WORDS) {
                let model = Model::random(&mut random, order, words, false);
                let naive = naive(&model, &unit, settings);
                check_totals(&naive, |tokens| naive.total(tokens), unit.len(), 3);
            }
        }
    }
}

#[test]
fn an_input_goes_on_after_the_words_of_the_one_before() {
    let mut random = Random::new(43);
    for (order, words) in (1..).zip(WORDS) {
        let model = Model::random(&mut random, order, words, false);
        for before in [&["ab"][..], &["<s>", "a", "ab"], &["ab", "nowhere"], &[]] {
            let read = |state, &word: &&str| model.model.advance(&state, model.model.word(word));
            let start = before.iter().fold(model.model.empty_state(), read);
            let mut naive = naive(&model, &units::LETTERS, &PLAIN);
            naive.scores.start = before.iter().map(|&word| word.to_owned()).collect();
            let scorer = scorer(&model, &units::LETTERS, &PLAIN).with_start(start);
            check_every_prefix(&scorer, &naive, 4, 4);
        }
    }
}

const FEW_WORDS: &str = "\\data\\
ngram 1=4

\\1-grams:
-99	<s>
-1.2	</s>
-0.5	ab
-0.7	bab

\\end\\
";

#[test]
fn word_ngrams_without_a_word_say_what_the_end_costs() {
    let model = Model::from_arpa(FEW_WORDS);
    let scorer = scorer(&model, &units::LETTERS, &PLAIN);
    let end = f64::from(-1.2f32) * std::f64::consts::LN_10;
    // Spaces complete no word.
    let mut state = scorer.start();
    for _ in 0..3 {
        assert_eq!(scorer.finish(&state), end);
        assert_eq!(scorer.score(&state, 3), 0.0);
        state = scorer.advance(&state, 3);
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let model = Model::from_arpa(FEW_WORDS);
    let scorer = || scorer(&model, &units::LETTERS, &PLAIN);
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(scorer().with_weight(number).is_err());
        assert!(scorer().with_word_bonus(number).is_err());
        assert!(scorer().with_unknown_score(number).is_err());
    }
}

/// The scorer of token n-grams is bounded too.
#[test]
fn no_token_of_an_n_gram_model_scores_above_its_bound() {
    let mut random = Random::new(44);
    for order in 1..=4 {
        for weight in [0.3, 0.8, -0.5] {
            let words = ["a", "b", "ab", "<s>", "</s>"];
            let model = Model::random(&mut random, order, &words, true);
            for (labels, unit) in [
                (["", "a", "ab", "b"], NgramUnit::Token),
                (["", "a", "ab", "b"], NgramUnit::Character),
                (["", "a", "c", "b"], NgramUnit::Character),
            ] {
                let (model_of, vocabulary) = (model.model.clone(), Vocabulary::new(&labels, None));
                let scorer = match unit {
                    NgramUnit::Token => NgramScorer::of_tokens(model_of, &vocabulary),
                    _ => NgramScorer::of_characters(model_of, &vocabulary),
                };
                let scorer = scorer.unwrap().with_weight(weight).unwrap();
                let naive = Ngrams {
                    model: model.naive.clone(),
                    labels: labels.map(str::to_owned).into(),
                    unit,
                    weight,
                    bonus: 0.0,
                };
                check_every_prefix(&scorer, &naive, labels.len() + 1, 3);
            }
        }
    }
}
