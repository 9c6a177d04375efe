//! Favoured phrases of text and of tokens.

use widebeam::ErrorKind;
use widebeam::reference::scorers::Phrases as Naive;
use widebeam::scorers::{Phrases, Scorer};

use crate::prefixes::{check_every_prefix, check_long_prefixes, check_totals};
use crate::random::Random;
use crate::units::{self, Unit};

/// Phrases and their boosts.
pub(crate) type Boosted = Vec<(&'static str, f64)>;

/// Lists of phrases that lie inside one another, overlap, break off late, stand twice, are
/// written as pieces, or have characters of several bytes.
pub(crate) fn lists() -> Vec<Boosted> {
    vec![
        vec![],
        vec![("ab", 0.7)],
        vec![
            ("aba", 2.1),
            ("ab", 1.3),
            ("b", 0.35),
            ("a", 0.1),
            ("bab", 1.7),
        ],
        vec![("abab", 3.0), ("babb", 0.3), ("ab", -1.1), ("aa", 0.0)],
        vec![("ab", 0.7), ("b", 1.0), ("ab", 0.2), ("  ab ", 0.9)],
        vec![("a b", 1.9), ("b a b", 0.7), ("ab  ab", 1.1), ("b", 0.13)],
        vec![
            ("\u{2581}a b", 0.6),
            ("\u{2581}b \u{2581}a", 1.7),
            ("a\u{2581}b", 0.3),
        ],
        vec![
            ("\u{e4}", 0.77),
            ("a\u{e4}", 1.2),
            ("\u{e4}\u{e4}a", 3.1),
            ("aa\u{e4}a", 0.7),
        ],
        vec![
            ("abba", 1.0),
            ("ab", 0.1),
            ("abb", 5.0),
            ("bb", 0.3),
            ("abbb", 0.2),
        ],
        vec![("ab", -0.7), ("aba", -2.3), ("b", 0.4)],
    ]
}

/// The scorer of phrases of text.
pub(crate) fn scorer(phrases: &Boosted, unit: &Unit, whole_words: bool) -> Phrases {
    Phrases::from_text(phrases, &unit.vocabulary(), whole_words).unwrap()
}

/// Its definition.
pub(crate) fn naive(phrases: &Boosted, unit: &Unit, whole_words: bool) -> Naive {
    Naive::of_text(phrases, unit.spellings(), whole_words)
}

/// Phrases of tokens.
pub(crate) fn token_lists() -> Vec<Vec<(Vec<u32>, f64)>> {
    let mut lists = vec![
        vec![],
        vec![(vec![1], 0.7)],
        // One sequence lies inside another, at its start, middle and end; one is there
        // twice.
        vec![
            (vec![1, 2, 3], 1.1),
            (vec![1, 2], 0.4),
            (vec![2], 0.3),
            (vec![3], -0.2),
            (vec![2], 0.9),
        ],
        // When a sequence breaks off, a shorter one is under way.
        vec![
            (vec![1, 2, 1, 3], 4.2),
            (vec![2, 1, 1], 0.7),
            (vec![1, 1, 1, 1], 1.3),
        ],
    ];
    let mut random = Random::new(61);
    for _ in 0..8 {
        let mut sequence = |_| {
            let tokens = (0..1 + random.below(4)).map(|_| random.below(4) as u32);
            let tokens = tokens.collect();
            (tokens, f64::from(random.unit()) * 3.0 - 0.5)
        };
        lists.push((0..4).map(&mut sequence).collect());
    }
    lists
}

#[test]
fn phrases_of_text_score_every_short_prefix_as_defined() {
    let mut random = Random::new(60);
    for unit in units::ALL {
        for phrases in lists() {
            for whole_words in [false, true] {
                let scorer = scorer(&phrases, &unit, whole_words);
                let naive = naive(&phrases, &unit, whole_words);
                check_every_prefix(&scorer, &naive, unit.len() + 1, 4);
                check_long_prefixes(&mut random, &scorer, &naive, unit.len(), 30);
            }
        }
    }
}

#[test]
fn phrases_of_tokens_score_every_short_prefix_as_defined() {
    for phrases in token_lists() {
        let scorer = Phrases::from_tokens(&phrases).unwrap();
        check_every_prefix(&scorer, &Naive::of_tokens(&phrases), 4, 5);
    }
}

#[test]
fn random_phrases_score_every_short_prefix_as_defined() {
    let mut random = Random::new(62);
    for _ in 0..40 {
        let phrase = |random: &mut Random| {
            let letters = ["a", "b", " ", "a", "\u{e4}"];
            let rest = (0..random.below(5)).map(|_| letters[random.below(5)]);
            let text: String = ["b"].into_iter().chain(rest).collect();
            (text, f64::from(random.unit()) * 4.0 - 1.0)
        };
        let phrases: Vec<(String, f64)> = (0..4).map(|_| phrase(&mut random)).collect();
        let borrowed: Vec<(&str, f64)> = phrases.iter().map(|(t, b)| (&**t, *b)).collect();
        let unit = units::ALL[random.below(units::ALL.len())];
        for whole_words in [false, true] {
            let scorer = Phrases::from_text(&phrases, &unit.vocabulary(), whole_words).unwrap();
            let naive = Naive::of_text(&borrowed, unit.spellings(), whole_words);
            check_every_prefix(&scorer, &naive, unit.len() + 1, 4);
        }
    }
}

#[test]
fn in_the_end_exactly_the_whole_occurrences_count() {
    for unit in units::ALL {
        for phrases in lists() {
            for whole_words in [false, true] {
                let naive = naive(&phrases, &unit, whole_words);
                check_totals(&naive, |tokens| naive.total(tokens), unit.len(), 4);
            }
        }
    }
    for phrases in token_lists() {
        let naive = Naive::of_tokens(&phrases);
        check_totals(&naive, |tokens| naive.total(tokens), 4, 5);
    }
}

/// The score of a whole input.
fn total(phrases: &Phrases, tokens: &[u32]) -> f64 {
    let (mut sum, mut state) = (0.0, phrases.start());
    for &token in tokens {
        sum += phrases.score(&state, token);
        state = phrases.advance(&state, token);
    }
    sum + phrases.finish(&state)
}

#[test]
fn a_phrase_counts_in_whichever_tokens_and_as_whole_words_if_asked() {
    let (ab, b) = (("ab", 4.0), ("b", 1.0));
    let unit = units::GO_ON_MARK;
    let count = |whole_words, tokens: &[u32]| {
        let phrases = scorer(&vec![ab, b], &unit, whole_words);
        total(&phrases, tokens)
    };
    // "ab" as "ab" and as "a b"; "aba ", "abab".
    for (tokens, anywhere, whole) in [
        (&[3u32][..], 5.0, 4.0),
        (&[1, 2], 5.0, 4.0),
        (&[3, 4], 5.0, 0.0),
        (&[3, 3], 10.0, 0.0),
        (&[2], 1.0, 1.0),
        (&[2, 1, 2], 6.0, 5.0),
        (&[4, 2], 1.0, 1.0),
        (&[1], 0.0, 0.0),
    ] {
        assert!(
            (count(false, tokens) - anywhere).abs() < 1e-12,
            "{tokens:?}"
        );
        assert!((count(true, tokens) - whole).abs() < 1e-12, "{tokens:?}");
    }
}

#[test]
fn characters_of_several_bytes_have_one_share() {
    // "aä" has two characters: half after "a", all after the first byte of the other.
    let phrases = scorer(&vec![("a\u{e4}", 2.0)], &units::BYTES, false);
    let start = phrases.start();
    assert_eq!(phrases.score(&start, 1), 1.0);
    let state = phrases.advance(&start, 1);
    assert_eq!(phrases.score(&state, 2), 1.0);
    let state = phrases.advance(&state, 2);
    assert_eq!(phrases.score(&state, 3), 0.0);
    assert_eq!(phrases.finish(&state), -2.0);
    assert_eq!(phrases.finish(&phrases.advance(&state, 3)), 0.0);
}

#[test]
fn phrases_that_are_none_are_refused_by_their_place() {
    let vocabulary = units::LETTERS.vocabulary();
    for empty in ["", " ", "\u{2581}", " \u{2581} \t"] {
        let given = [("a", 1.0), (empty, 1.0)];
        let error = Phrases::from_text(&given, &vocabulary, false).unwrap_err();
        assert!(error.to_string().contains('1'), "{error}");
    }
    assert!(Phrases::from_tokens(&[(vec![], 1.0)]).is_err());
    for boost in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = Phrases::from_text(&[("a", boost)], &vocabulary, true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSetting);
        assert!(Phrases::from_tokens(&[([1], boost)]).is_err());
    }
    let overflow = [("ab", 1.5e308), ("b", 1.5e308)];
    assert!(Phrases::from_text(&overflow, &vocabulary, false).is_err());
    // What cannot be spelled is never there.
    let unheard = scorer(&vec![("xyz", 5.0)], &units::LETTERS, false);
    assert_eq!(total(&unheard, &[1, 2, 3, 1]), 0.0);
}
