//! Lexicons of spelled words, with and without a model.

use std::ops::Range;
use std::sync::Arc;

use widebeam::reference::scorers::{PrefixScorer, Spellings};
use widebeam::scorers::{NgramModel, Scorer, SpellingLexicon, Word};

use crate::models::{Model, SETTINGS, Settings};
use crate::prefixes::{check_every_prefix, check_long_prefixes, check_totals};
use crate::random::Random;

/// Words and what spells them.
pub(crate) type Words = Vec<(String, Vec<u32>)>;

/// A number of tokens with one that no word of most lists has.
pub(crate) const VOCAB: usize = 5;

/// The token between words.
pub(crate) const DELIMITER: u32 = 3;

fn words(words: &[(&str, &[u32])]) -> Words {
    let owned = |&(word, spelling): &(&str, &[u32])| (word.to_owned(), spelling.to_vec());
    words.iter().map(owned).collect()
}

/// Lists of words, most of which some models know.
pub(crate) fn lists() -> Vec<Words> {
    let mut lists = vec![
        words(&[]),
        words(&[("a", &[1])]),
        // Several words of one spelling.
        words(&[("ab", &[1]), ("bab", &[1]), ("a", &[1]), ("aba", &[2])]),
        // Several spellings of one word, some of them other words too, and one twice.
        words(&[
            ("ab", &[1]),
            ("ab", &[1, 2]),
            ("bb", &[1, 2]),
            ("ab", &[1]),
            ("a", &[2, 1]),
        ]),
        // One spelling begins another; without a delimiter they can be read in two ways.
        words(&[
            ("a", &[1]),
            ("ab", &[1, 1]),
            ("aba", &[1, 2, 1]),
            ("ba", &[2]),
        ]),
        words(&[
            ("ab", &[1, 2]),
            ("b", &[1, 2, 1]),
            ("bb", &[2]),
            ("aa", &[1]),
        ]),
        // Delimiters around a spelling are none of it; those inside are.
        words(&[
            ("a", &[1, DELIMITER]),
            ("ab", &[1, DELIMITER, 2]),
            ("ba", &[DELIMITER, 2, DELIMITER, DELIMITER]),
            ("bab", &[2, DELIMITER, DELIMITER, 1]),
            ("nowhere", &[DELIMITER, 1, DELIMITER, 2, 1]),
        ]),
    ];
    let mut random = Random::new(51);
    let texts = ["a", "ab", "bab", "aba", "bb", "nowhere"];
    for _ in 0..6 {
        let mut spelled = |_| {
            let text = texts[random.below(texts.len())].to_owned();
            // A spelling needs more than delimiters.
            let start = 1 + random.below(2) as u32;
            let rest = (0..random.below(3)).map(|_| 1 + random.below(3) as u32);
            (text, [start].into_iter().chain(rest).collect())
        };
        lists.push((0..5).map(&mut spelled).collect());
    }
    lists
}

/// The lexicon of some settings.
pub(crate) fn scorer(
    words: &Words,
    delimiter: Option<u32>,
    model: &Model,
    settings: &Settings,
    readings: usize,
) -> SpellingLexicon<Arc<NgramModel>> {
    let scorer = SpellingLexicon::new(words, delimiter).unwrap();
    let scorer = scorer.with_model(model.model.clone()).unwrap();
    let scorer = scorer.with_weight(settings.weight).unwrap();
    let scorer = scorer.with_word_bonus(settings.bonus).unwrap();
    let scorer = scorer.with_unknown_score(settings.unknown).unwrap();
    let scorer = scorer.with_lookahead(settings.lookahead());
    let scorer = scorer.with_bos(settings.bos).with_eos(settings.eos);
    scorer.with_readings(readings).unwrap()
}

/// Its definition.
pub(crate) fn naive(
    words: &Words,
    delimiter: Option<u32>,
    model: Option<(&Model, &Settings)>,
    readings: usize,
) -> Spellings {
    Spellings {
        words: words.clone(),
        delimiter,
        scores: model.map(|(model, settings)| model.scores(settings)),
        lookahead: model.is_some_and(|(_, settings)| settings.lookahead),
        readings,
    }
}

/// A random model of some of the words.
pub(crate) fn model(random: &mut Random, order: usize) -> Model {
    let marks = ["<s>", "</s>", "<unk>"];
    let some = marks.into_iter().filter(|_| !random.one_in(3));
    let words = ["a", "ab", "bab", "aba", "bb"].into_iter();
    let words: Vec<&str> = words.chain(some).collect();
    Model::random(random, order, &words, false)
}

/// Compares the words of every short input that may end.
fn check_words(words: impl Fn(&[u32]) -> Vec<Word>, naive: &Spellings, longest: usize) {
    let mut prefixes = vec![vec![]];
    while let Some(prefix) = prefixes.pop() {
        if let Some(expected) = naive.best_words(&prefix) {
            let found = words(&prefix)
                .into_iter()
                .map(|word| (word.text, word.tokens));
            let found: Vec<(String, Range<usize>)> = found.collect();
            assert_eq!(found, expected, "{prefix:?}");
        }
        if prefix.len() < longest && naive.sum(&prefix).is_finite() {
            prefixes.extend((0..VOCAB as u32).map(|token| [&prefix[..], &[token]].concat()));
        }
    }
}

#[test]
fn spelled_words_score_every_short_prefix_as_defined() {
    for words in lists() {
        for delimiter in [Some(DELIMITER), None, Some(77)] {
            let scorer = SpellingLexicon::new(&words, delimiter).unwrap();
            check_every_prefix(&scorer, &naive(&words, delimiter, None, 8), VOCAB, 6);
            for readings in [1, 2, 8] {
                let scorer = SpellingLexicon::new(&words, delimiter).unwrap();
                let scorer = scorer.with_readings(readings).unwrap();
                let naive = naive(&words, delimiter, None, readings);
                check_every_prefix(&scorer, &naive, VOCAB, 5);
                check_words(|tokens| scorer.words(tokens).unwrap(), &naive, 4);
            }
        }
    }
}

#[test]
fn spelled_words_with_a_model_score_every_short_prefix_as_defined() {
    let mut random = Random::new(52);
    for words in lists() {
        for delimiter in [Some(DELIMITER), None] {
            for (place, settings) in SETTINGS.iter().enumerate() {
                let model = model(&mut random, 1 + place % 3);
                for readings in [1, 2, 8] {
                    let scorer = scorer(&words, delimiter, &model, settings, readings);
                    let naive = naive(&words, delimiter, Some((&model, settings)), readings);
                    check_every_prefix(&scorer, &naive, VOCAB, 5);
                    check_long_prefixes(&mut random, &scorer, &naive, VOCAB, 15);
                    check_words(|tokens| scorer.words(tokens).unwrap(), &naive, 4);
                }
            }
        }
    }
}

/// With as many readings as there are states of a model of two words, none that could be
/// the best is lost.
#[test]
fn the_scores_of_tokens_add_up_to_those_of_the_best_reading() {
    let mut random = Random::new(53);
    for words in lists() {
        for delimiter in [Some(DELIMITER), None] {
            for settings in &SETTINGS {
                let model = model(&mut random, 2);
                let naive = naive(&words, delimiter, Some((&model, settings)), 64);
                check_totals(&naive, |tokens| naive.total(tokens), VOCAB, 5);
            }
            let naive = naive(&words, delimiter, None, 1);
            // One reading may be one that cannot end here.
            let total = |tokens: &[u32]| match naive.end(tokens).is_finite() {
                true => naive.total(tokens),
                false => f64::NEG_INFINITY,
            };
            check_totals(&naive, total, VOCAB, 5);
        }
    }
}

#[test]
fn a_word_has_the_places_of_its_own_tokens() {
    let words = words(&[
        ("to", &[1, 2]),
        ("two", &[1, 2]),
        ("a", &[2, 3, 2]),
        ("b", &[2]),
    ]);
    let lexicon = SpellingLexicon::new(&words, Some(3)).unwrap();
    let read = |tokens: &[u32]| {
        let words = lexicon.words(tokens).unwrap().into_iter();
        words
            .map(|word| (word.text, word.tokens))
            .collect::<Vec<_>>()
    };
    assert_eq!(read(&[]), []);
    assert_eq!(read(&[3, 3]), []);
    // Of words that are spelled alike, the first.
    assert_eq!(read(&[3, 1, 2, 3, 3]), [("to".to_owned(), 1..3)]);
    // To go on with the spelling comes before a boundary.
    let read = read(&[1, 2, 3, 2, 3, 2]);
    assert_eq!(read, [("to".to_owned(), 0..2), ("a".to_owned(), 3..6)]);
}

#[test]
fn the_model_chooses_among_words_of_one_spelling_when_their_neighbours_are_known() {
    let model = Model::from_arpa(
        "\\data\\\nngram 1=5\nngram 2=2\n\n\\1-grams:\n-1 red -0.1\n-1 read -0.1\n-2 book -0.1\n\
         -2 rose -0.1\n-1 </s>\n\n\\2-grams:\n-0.1 read book\n-0.1 red rose\n\n\\end\\\n",
    );
    let words = words(&[
        ("read", &[1]),
        ("red", &[1]),
        ("book", &[2]),
        ("rose", &[4]),
    ]);
    let settings = crate::models::PLAIN;
    for (readings, second) in [(8, "red"), (2, "red"), (1, "read")] {
        let lexicon = scorer(&words, Some(3), &model, &settings, readings);
        let read = |tokens: &[u32]| {
            let words = lexicon.words(tokens).unwrap().into_iter();
            words.map(|word| word.text).collect::<Vec<_>>()
        };
        assert_eq!(read(&[1, 3, 2]), ["read", "book"]);
        assert_eq!(read(&[1, 3, 4]), [second, "rose"]);
        assert_eq!(read(&[1]), ["read"]);
    }
}

#[test]
fn settings_and_spellings_that_are_none_are_refused() {
    for spelling in [&[][..], &[3], &[3, 3]] {
        let words = words(&[("a", &[1]), ("b", spelling)]);
        assert!(
            SpellingLexicon::new(&words, Some(3)).is_err(),
            "{spelling:?}"
        );
        assert_eq!(
            SpellingLexicon::new(&words, None).is_err(),
            spelling.is_empty()
        );
    }
    let lexicon = || SpellingLexicon::new(&words(&[("a", &[1])]), None).unwrap();
    assert!(lexicon().with_readings(0).is_err() && lexicon().with_readings(9).is_err());
    let model = model(&mut Random::new(54), 2);
    for number in [f64::NAN, f64::INFINITY] {
        let lexicon = || lexicon().with_model(model.model.clone()).unwrap();
        assert!(lexicon().with_weight(number).is_err());
        assert!(lexicon().with_word_bonus(number).is_err());
        assert!(lexicon().with_unknown_score(number).is_err());
    }
    // A token that no word has forbids the prefix.
    let state = lexicon().start();
    assert!(!lexicon().score(&state, 2).is_finite());
}
