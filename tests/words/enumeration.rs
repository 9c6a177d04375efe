//! A beam of all prefixes, against all labellings with the scores of the definition.

use std::collections::HashMap;

use widebeam::ctc::Blank;
use widebeam::reference::ctc::labellings;
use widebeam::reference::scorers::Phrases as NaivePhrases;
use widebeam::scorers::{Phrases, Scorer, SpellingLexicon};
use widebeam::{CtcSearch, ScoresView};

use crate::models::{Model, SETTINGS, WORDS};
use crate::random::Random;
use crate::{lexicons, phrases, spellings, units, word_ngrams};

/// More than there are prefixes.
const BEAMS: usize = 2000;
const FRAMES: usize = 5;

/// Random emissions of `vocab` tokens.
fn emissions(random: &mut Random, vocab: usize) -> Vec<f32> {
    (0..FRAMES * vocab).map(|_| random.unit().powi(3)).collect()
}

/// Compares all hypotheses of a search with all labellings.
fn check<S: Scorer + Sync>(
    random: &mut Random,
    vocab: usize,
    scorer: &S,
    total: impl Fn(&[u32]) -> f64,
) {
    let data = emissions(random, vocab);
    let view = ScoresView::probabilities(&data, [FRAMES, vocab]).unwrap();
    let mut search = CtcSearch::new(BEAMS, Blank(0)).unwrap().with_scorer(scorer);
    let nbest = search.decode(&view).unwrap();
    let mut all: HashMap<Vec<u32>, (f64, f64)> = HashMap::new();
    for (tokens, mass) in labellings(&view, 0, 0) {
        let total = total(&tokens);
        if total.is_finite() && mass.is_finite() {
            all.insert(tokens, (mass, total));
        }
    }
    assert!(all.len() < BEAMS);
    let best = all.values().map(|(mass, total)| mass + total);
    let best = best.fold(f64::NEG_INFINITY, f64::max);
    let found = nbest.item(0).unwrap();
    assert_eq!(found.len(), all.len());
    for (rank, hypothesis) in found.into_iter().enumerate() {
        let (mass, total) = all
            .remove(hypothesis.tokens)
            .expect("it is allowed, and once");
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}: {hypothesis:?}");
        near(hypothesis.log_mass, mass);
        near(hypothesis.scorer_score, total);
        near(hypothesis.score, mass + total);
        if rank == 0 {
            near(hypothesis.score, best);
        }
    }
}

#[test]
fn word_ngrams_find_the_best_of_all() {
    let mut random = Random::new(81);
    for unit in units::ALL {
        for settings in SETTINGS.iter().filter(|settings| settings.weight >= 0.0) {
            let model = Model::random(&mut random, 2, WORDS[0], false);
            let scorer = word_ngrams::scorer(&model, &unit, settings);
            let naive = word_ngrams::naive(&model, &unit, settings);
            check(&mut random, unit.len(), &scorer, |tokens| {
                naive.total(tokens)
            });
        }
    }
}

#[test]
fn spelled_words_find_the_best_of_all() {
    let mut random = Random::new(82);
    for words in spellings::lists() {
        // Where words part at a delimiter alone, few readings have states of their own.
        let delimiter = Some(spellings::DELIMITER);
        for settings in SETTINGS.iter().filter(|settings| settings.weight >= 0.0) {
            let model = spellings::model(&mut random, 2);
            let scorer = spellings::scorer(&words, delimiter, &model, settings, 8);
            let naive = spellings::naive(&words, delimiter, Some((&model, settings)), 8);
            let total = |tokens: &[u32]| naive.total(tokens);
            check(&mut random, spellings::VOCAB - 1, &scorer, total);
        }
        for delimiter in [delimiter, None] {
            let scorer = SpellingLexicon::new(&words, delimiter).unwrap();
            let naive = spellings::naive(&words, delimiter, None, 8);
            let total = |tokens: &[u32]| naive.total(tokens);
            check(&mut random, spellings::VOCAB - 1, &scorer, total);
        }
    }
}

#[test]
fn phrases_find_the_best_of_all() {
    let mut random = Random::new(83);
    for unit in units::ALL {
        for phrases in phrases::lists() {
            for whole_words in [false, true] {
                let scorer = phrases::scorer(&phrases, &unit, whole_words);
                let naive = phrases::naive(&phrases, &unit, whole_words);
                check(&mut random, unit.len(), &scorer, |tokens| {
                    naive.total(tokens)
                });
            }
        }
    }
    for phrases in phrases::token_lists() {
        let scorer = Phrases::from_tokens(&phrases).unwrap();
        let naive = NaivePhrases::of_tokens(&phrases);
        check(&mut random, 4, &scorer, |tokens| naive.total(tokens));
    }
}

#[test]
fn lexicons_find_the_best_of_all() {
    let mut random = Random::new(84);
    for unit in units::ALL {
        for words in lexicons::LISTS {
            let scorer = lexicons::scorer(words, &unit);
            let naive = lexicons::naive(words, &unit);
            check(&mut random, unit.len(), &scorer, |tokens| {
                naive.total(tokens)
            });
        }
    }
}

#[test]
fn pairs_find_the_best_of_all() {
    let mut random = Random::new(85);
    for (place, unit) in units::ALL.iter().enumerate() {
        let settings = &SETTINGS[place % 7];
        let model = Model::random(&mut random, 2, WORDS[place % 4], false);
        let boosted = &phrases::lists()[2 + place % 6];
        let words = lexicons::LISTS[2 + place % 4];
        let ngram = word_ngrams::scorer(&model, unit, settings);
        let favoured = phrases::scorer(boosted, unit, false);
        let lexicon = lexicons::scorer(words, unit);
        let naive_ngram = word_ngrams::naive(&model, unit, settings);
        let naive_favoured = phrases::naive(boosted, unit, false);
        let naive_lexicon = lexicons::naive(words, unit);
        let total = |tokens: &[u32]| naive_ngram.total(tokens) + naive_favoured.total(tokens);
        check(&mut random, unit.len(), &(&ngram, &favoured), total);
        let total = |tokens: &[u32]| naive_ngram.total(tokens) + naive_lexicon.total(tokens);
        check(&mut random, unit.len(), &(&lexicon, &ngram), total);
    }
}
