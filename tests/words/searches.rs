//! The CTC search with each scorer of words, against the full search with its definition.

use proptest::prelude::*;
use widebeam::ctc::CtcPruning;
use widebeam::reference::scorers::{Phrases as NaivePhrases, Spellings};
use widebeam::reference::toy::Anything;
use widebeam::scorers::{Phrases, SpellingLexicon, Unscored};
use widebeam_toy::seeded;

use crate::emissions::{check_search, drawn};
use crate::models::{Model, SETTINGS, WORDS};
use crate::random::Random;
use crate::units::Unit;
use crate::{lexicons, phrases, prunings, spellings, units, word_ngrams};

/// No pruning, most of the time.
fn pruning() -> impl Strategy<Value = CtcPruning> {
    prop_oneof![3 => Just(CtcPruning::none()), 1 => prunings::any(6, 0.7, 0.3)]
}

proptest! {
    #![proptest_config(seeded::cases(120))]

    #[test]
    fn word_ngrams_in_a_search(
        drawn in drawn(7, 6),
        pruning in pruning(),
        unit in 0..units::ALL.len(),
        settings in 0..SETTINGS.len(),
        order in 1usize..4,
        seed in 1u64..1 << 40,
    ) {
        let (unit, settings) = (&units::ALL[unit], &SETTINGS[settings]);
        let mut random = Random::new(seed);
        let model = Model::random(&mut random, order, WORDS[order], random_zeros(seed));
        let scorer = word_ngrams::scorer(&model, unit, settings);
        let naive = word_ngrams::naive(&model, unit, settings);
        check_search(&drawn.case(unit.len()), &pruning, &scorer, &naive)?;
    }

    #[test]
    fn spelled_words_in_a_search(
        drawn in drawn(7, 6),
        pruning in pruning(),
        list in 0..spellings::lists().len(),
        settings in prop::option::of(0..SETTINGS.len()),
        delimited: bool,
        readings in 1usize..=8,
        seed in 1u64..1 << 40,
    ) {
        let words = &spellings::lists()[list];
        let delimiter = delimited.then_some(spellings::DELIMITER);
        let case = drawn.case(spellings::VOCAB);
        let Some(settings) = settings.map(|settings| &SETTINGS[settings]) else {
            let scorer = SpellingLexicon::new(words, delimiter).unwrap();
            let naive = spellings::naive(words, delimiter, None, 8);
            return check_search(&case, &pruning, &scorer, &naive);
        };
        let model = spellings::model(&mut Random::new(seed), 2);
        let scorer = spellings::scorer(words, delimiter, &model, settings, readings);
        let naive: Spellings = spellings::naive(words, delimiter, Some((&model, settings)), readings);
        check_search(&case, &pruning, &scorer, &naive)?;
    }

    /// Tokens far apart, some of which are told apart by nothing but their scores.
    #[test]
    fn words_spelled_by_some_of_many_tokens_in_a_search(
        drawn in drawn(6, 5),
        pruning in pruning(),
        list in 0..spellings::lists().len(),
        settings in 0..SETTINGS.len(),
        delimited: bool,
        step in 16u32..70,
        seed in 1u64..1 << 40,
    ) {
        let mut words = spellings::lists()[list].clone();
        for token in words.iter_mut().flat_map(|(_, spelling)| spelling) {
            *token *= step;
        }
        let delimiter = delimited.then_some(spellings::DELIMITER * step);
        let model = spellings::model(&mut Random::new(seed), 2);
        let settings = &SETTINGS[settings];
        let scorer = spellings::scorer(&words, delimiter, &model, settings, 8);
        let naive: Spellings = spellings::naive(&words, delimiter, Some((&model, settings)), 8);
        let vocab = 4 * step as usize + 1;
        check_search(&drawn.case(vocab), &pruning, &scorer, &naive)?;
    }

    #[test]
    fn phrases_in_a_search(
        drawn in drawn(7, 6),
        pruning in pruning(),
        unit in 0..units::ALL.len(),
        list in 0..phrases::lists().len(),
        whole_words: bool,
    ) {
        let (unit, phrases) = (&units::ALL[unit], &phrases::lists()[list]);
        let scorer = phrases::scorer(phrases, unit, whole_words);
        let naive = phrases::naive(phrases, unit, whole_words);
        check_search(&drawn.case(unit.len()), &pruning, &scorer, &naive)?;
    }

    #[test]
    fn phrases_of_tokens_in_a_search(
        drawn in drawn(7, 6),
        pruning in pruning(),
        list in 0..phrases::token_lists().len(),
    ) {
        let phrases = &phrases::token_lists()[list];
        let scorer = Phrases::from_tokens(phrases).unwrap();
        let naive = NaivePhrases::of_tokens(phrases);
        check_search(&drawn.case(5), &pruning, &scorer, &naive)?;
    }

    #[test]
    fn lexicons_in_a_search(
        drawn in drawn(7, 6),
        pruning in pruning(),
        unit in 0..units::ALL.len(),
        list in 0..lexicons::LISTS.len(),
    ) {
        let (unit, words) = (&units::ALL[unit], lexicons::LISTS[list]);
        let scorer = lexicons::scorer(words, unit);
        let naive = lexicons::naive(words, unit);
        check_search(&drawn.case(unit.len()), &pruning, &scorer, &naive)?;
    }

    #[test]
    fn pairs_of_scorers_in_a_search(
        drawn in drawn(7, 6),
        pruning in pruning(),
        unit in 0..units::ALL.len(),
        settings in 0..SETTINGS.len(),
        whole_words: bool,
        seed in 1u64..1 << 40,
    ) {
        let (unit, settings) = (&units::ALL[unit], &SETTINGS[settings]);
        let mut random = Random::new(seed);
        let model = Model::random(&mut random, 2, WORDS[0], false);
        let boosted = &phrases::lists()[random.below(phrases::lists().len())];
        let words = lexicons::LISTS[random.below(lexicons::LISTS.len())];
        let case = drawn.case(unit.len());
        let ngram = word_ngrams::scorer(&model, unit, settings);
        let favoured = phrases::scorer(boosted, unit, whole_words);
        let lexicon = lexicons::scorer(words, unit);
        let naive_ngram = word_ngrams::naive(&model, unit, settings);
        let naive_favoured = phrases::naive(boosted, unit, whole_words);
        let naive_lexicon = lexicons::naive(words, unit);
        let naive = (&naive_ngram, &naive_favoured);
        check_search(&case, &pruning, &(&ngram, &favoured), &naive)?;
        let naive = (&naive_lexicon, (&naive_favoured, &naive_ngram));
        check_search(&case, &pruning, &(&lexicon, (&favoured, &ngram)), &naive)?;
        // A scorer of which no bound is known leaves the pair without one.
        let anything = Anything { seed, ends: true };
        check_search(&case, &pruning, &(&ngram, anything), &(&naive_ngram, anything))?;
        check_search(&case, &pruning, &(&favoured, Unscored), &(&naive_favoured, Unscored))?;
    }

    /// Many pieces, of which a beam of a few tries those alone that can matter.
    #[test]
    fn large_vocabularies_of_pieces_lose_no_token(
        drawn in drawn(6, 4),
        vocab in 30usize..120,
        settings in 0..SETTINGS.len(),
        seed in 1u64..1 << 40,
    ) {
        let mut random = Random::new(seed);
        let unit = &Unit::of_random_pieces(&mut random, vocab);
        let settings = &SETTINGS[settings];
        let model = Model::random(&mut random, 2, WORDS[random_place(seed)], random_zeros(seed));
        let boosted = &phrases::lists()[random.below(phrases::lists().len())];
        let words = lexicons::LISTS[1 + random.below(lexicons::LISTS.len() - 1)];
        let case = drawn.case(vocab);
        let ngram = word_ngrams::scorer(&model, unit, settings);
        let favoured = phrases::scorer(boosted, unit, true);
        let lexicon = lexicons::scorer(words, unit);
        let naive_ngram = word_ngrams::naive(&model, unit, settings);
        let naive_favoured = phrases::naive(boosted, unit, true);
        let naive_lexicon = lexicons::naive(words, unit);
        let pruning = CtcPruning::none();
        check_search(&case, &pruning, &ngram, &naive_ngram)?;
        check_search(&case, &pruning, &favoured, &naive_favoured)?;
        let naive = (&naive_lexicon, (&naive_favoured, &naive_ngram));
        check_search(&case, &pruning, &(&lexicon, (&favoured, &ngram)), &naive)?;
    }

    /// Many tokens, of which a beam of a few tries but some.
    #[test]
    fn large_vocabularies_lose_no_token_that_a_scorer_lifts(
        drawn in drawn(5, 3),
        vocab in 20usize..90,
        lifted in prop::collection::vec((1u32..90, 0.0f64..30.0), 0..6),
    ) {
        let phrases: Vec<(Vec<u32>, f64)> =
            lifted.into_iter().map(|(token, boost)| (vec![token], boost)).collect();
        let scorer = Phrases::from_tokens(&phrases).unwrap();
        let naive = NaivePhrases::of_tokens(&phrases);
        check_search(&drawn.case(vocab), &CtcPruning::none(), &scorer, &naive)?;
    }
}

/// One of the lists of words of models.
fn random_place(seed: u64) -> usize {
    seed as usize % WORDS.len()
}

/// Whether a model has words that are impossible.
fn random_zeros(seed: u64) -> bool {
    seed.is_multiple_of(3)
}
