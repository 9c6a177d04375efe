//! Phrases against their definition over the whole text, by trying every place.

use proptest::prelude::*;

use super::*;
use crate::blank::Blank;

/// Phrases by their definition. Nothing is remembered from one byte to the next.
struct Naive {
    /// The symbols of each phrase, boundaries included, and its boost.
    phrases: Vec<(Vec<u32>, f64)>,
    begins: fn(u32) -> bool,
    bounded: bool,
}

impl Naive {
    /// The phrases of text, as they are written.
    fn of_text(phrases: &[(&str, f64)], whole_words: bool) -> Naive {
        let symbols = |text: &str| {
            let text = match whole_words {
                true => format!(" {text} "),
                false => text.to_owned(),
            };
            text.bytes().map(u32::from).collect()
        };
        let phrases = phrases.iter().map(|&(text, boost)| (symbols(text), boost));
        Naive::new(phrases.collect(), |byte| byte & 0xc0 != 0x80, whole_words)
    }

    fn of_tokens(phrases: &[(Vec<u32>, f64)]) -> Naive {
        Naive::new(phrases.to_vec(), |_| true, false)
    }

    fn new(all: Vec<(Vec<u32>, f64)>, begins: fn(u32) -> bool, bounded: bool) -> Naive {
        let later = |place: usize| all[place + 1..].iter();
        let last = |place: usize| !later(place).any(|(symbols, _)| *symbols == all[place].0);
        let phrases = (0..all.len()).filter(|&place| last(place));
        Naive {
            phrases: phrases.map(|place| all[place].clone()).collect(),
            begins,
            bounded,
        }
    }

    /// The characters of the start of a phrase.
    fn characters(&self, symbols: &[u32], of: &[u32]) -> usize {
        let own =
            |&(place, _): &(usize, &u32)| !self.bounded || (place > 0 && place + 1 < of.len());
        let own = symbols.iter().enumerate().filter(own);
        own.filter(|&(_, &symbol)| (self.begins)(symbol)).count()
    }

    /// What has been given in advance after a text.
    fn advance(&self, text: &[u32]) -> f64 {
        for start in 0..text.len() {
            let end = &text[start..];
            let under_way = self
                .phrases
                .iter()
                .filter(|(symbols, _)| symbols.len() > end.len() && symbols.starts_with(end));
            let shares = under_way.map(|(symbols, boost)| {
                let spelled = self.characters(end, symbols);
                match spelled {
                    0 => 0.0,
                    _ => boost * spelled as f64 / self.characters(symbols, symbols) as f64,
                }
            });
            if let Some(most) = shares.reduce(f64::max) {
                return most;
            }
        }
        0.0
    }

    /// What is earned where a text ends: by the shortest phrase first.
    fn earned(&self, text: &[u32]) -> f64 {
        let mut ending: Vec<_> = self
            .phrases
            .iter()
            .filter(|p| text.ends_with(&p.0))
            .collect();
        ending.sort_by_key(|(symbols, _)| symbols.len());
        ending.iter().fold(0.0, |sum, (_, boost)| sum + boost)
    }

    /// The score of a token that makes a text of its start.
    fn score(&self, text: &[u32], before: usize) -> f64 {
        let places = before + 1..=text.len();
        let earned = places.fold(0.0, |sum, place| sum + self.earned(&text[..place]));
        earned + (self.advance(text) - self.advance(&text[..before]))
    }

    fn finish(&self, text: &[u32]) -> f64 {
        match self.bounded {
            true => {
                let whole = [text, &[u32::from(b' ')]].concat();
                0.0 + self.earned(&whole) - self.advance(text)
            }
            false => -self.advance(text),
        }
    }
}

/// Compares all prefixes of up to `longest` tokens, and bounds with what they bound.
fn check(phrases: &Phrases, naive: &Naive, spellings: &[Vec<u32>], longest: usize) {
    let start = match naive.bounded {
        true => vec![u32::from(b' ')],
        false => vec![],
    };
    let mut prefixes = vec![(start, phrases.start(), 0)];
    while let Some((text, state, length)) = prefixes.pop() {
        let end = phrases.finish(&state);
        assert_eq!(
            end.to_bits(),
            naive.finish(&text).to_bits(),
            "{text:?} {end}"
        );
        let bound = phrases.max_score(&state);
        assert!(bound.is_finite());
        let mut most = f64::NEG_INFINITY;
        for (token, spelling) in (0..).zip(spellings) {
            let longer = [&text[..], spelling].concat();
            let score = phrases.score(&state, token);
            let expected = naive.score(&longer, text.len());
            assert_eq!(
                score.to_bits(),
                expected.to_bits(),
                "{longer:?} {score} {expected}"
            );
            assert!(score <= bound, "{longer:?} {score} {bound}");
            most = most.max(score);
            if length < longest {
                prefixes.push((longer, phrases.advance(&state, token), length + 1));
            }
        }
    }
}

fn check_text(phrases: &[(&str, f64)], labels: &[&str], longest: usize) {
    let vocabulary = Vocabulary::new(labels, Some(Blank(0)));
    // One token more spells nothing, as it is not in the vocabulary.
    let spelling = |token| {
        vocabulary
            .spelling(token)
            .iter()
            .map(|&byte| byte.into())
            .collect()
    };
    let spellings: Vec<Vec<u32>> = (0..=labels.len() as u32).map(spelling).collect();
    for whole_words in [false, true] {
        let naive = Naive::of_text(phrases, whole_words);
        let phrases = Phrases::from_text(phrases, &vocabulary, whole_words).unwrap();
        check(&phrases, &naive, &spellings, longest);
    }
}

#[test]
fn phrases_of_text_score_as_defined() {
    let boosts = [10.0, 0.7, -1.3, 0.1, 3.0];
    for (texts, labels) in [
        (
            &["hello"][..],
            &["", "\u{2581}he", "llo", "\u{2581}hel", "lo", "l", "o"][..],
        ),
        // One lies inside another, at its start, middle and end; one breaks off to another.
        (
            &["abc", "ab", "b", "c", "bca"],
            &["", "a", "b", "c", "abc", "ca", " "],
        ),
        (
            &["aaa", "aa", "aab", "aba"],
            &["", "a", "b", "aa", "aaaa", " "],
        ),
        (
            &["a b", "b", "a", "b a"],
            &["", "\u{2581}a", "b", "\u{2581}", "\u{2581}a\u{2581}b", "a"],
        ),
        // The characters of one are in two tokens each.
        (
            &["\u{e4}\u{1f600}", "\u{e4}", "n\u{e4}"],
            &["", "<0xC3>", "<0xA4>", "\u{1f600}n", "n", " "],
        ),
        // Of a phrase that is given twice, the last boost counts.
        (&["ab", "ab", "a", "a"], &["", "a", "b", "ab", "|"]),
        (&["xyz"], &["", "a", " "]),
        (&[], &["", "a", " "]),
    ] {
        let phrases: Vec<_> = texts.iter().copied().zip(boosts).collect();
        check_text(&phrases, labels, 4);
        let negative: Vec<_> = texts.iter().map(|&text| (text, -2.0)).collect();
        check_text(&negative, labels, 3);
    }
}

#[test]
fn many_tokens_at_a_time_score_as_defined() {
    let labels = ["", "abab", "ba", " ab", "b a", "bab ab a"];
    let phrases = [
        ("ab", 0.3),
        ("bab", 0.7),
        ("b", -0.1),
        ("ab a", 1.9),
        ("babab", 0.6),
    ];
    check_text(&phrases, &labels, 4);
}

#[test]
fn the_bound_is_the_best_score_where_tokens_stay_in_phrases() {
    let labels = [
        "",
        "\u{2581}he",
        "llo",
        "\u{2581}hel",
        "lo",
        "a",
        "\u{2581}",
    ];
    let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
    let phrases = Phrases::from_text(&[("hello", 10.0)], &vocabulary, false).unwrap();
    let bound = |tokens: &[u32]| {
        let advance = |state, &token: &u32| phrases.advance(&state, token);
        phrases.max_score(&tokens.iter().fold(phrases.start(), advance))
    };
    // "hel" is three of five characters.
    for (tokens, best) in [
        (&[][..], 6.0),
        (&[1], 6.0),
        (&[3], 4.0),
        (&[3, 4], 6.0),
        (&[5], 6.0),
    ] {
        assert!(
            (bound(tokens) - best).abs() < 1e-9,
            "{tokens:?} {}",
            bound(tokens)
        );
    }
    // Without phrases there is nothing to gain; a negative boost can be avoided.
    for phrases in [&[][..], &[("hello", -1.0)]] {
        let phrases = Phrases::from_text(phrases, &vocabulary, false).unwrap();
        assert!(phrases.max_score(&phrases.start()).abs() < 1e-9);
    }
}

#[test]
fn pieces_are_listed_with_the_mark_and_spaces_between() {
    let labels = ["", "\u{2581}turn", "\u{2581}l", "eft", "\u{2581}left"];
    let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
    // Each of nine characters has a share of 1.
    let total = |phrase: &str, tokens: &[u32], whole_words| {
        let phrases = Phrases::from_text(&[(phrase, 9.0)], &vocabulary, whole_words).unwrap();
        let (mut sum, mut state) = (0.0, phrases.start());
        for &token in tokens {
            sum += phrases.score(&state, token);
            state = phrases.advance(&state, token);
        }
        sum + phrases.finish(&state)
    };
    for phrase in ["turn left", " turn  left ", "\u{2581}turn \u{2581}l eft"] {
        for whole_words in [false, true] {
            let total = |tokens: &[u32]| total(phrase, tokens, whole_words);
            assert_eq!(total(&[1, 2, 3]), 9.0);
            assert_eq!(total(&[1, 4]), 9.0);
            assert_eq!(total(&[1, 4, 1, 2, 3, 1]), 18.0);
            assert_eq!(total(&[1, 2]), 0.0);
            assert_eq!(total(&[1, 4, 3]), if whole_words { 0.0 } else { 9.0 });
        }
    }
}

/// As reported: a name was favoured in one of its segmentations only.
#[test]
fn hello_is_favoured_in_every_segmentation() {
    let labels = [
        "<b>",
        "\u{2581}",
        "\u{2581}he",
        "\u{2581}hel",
        "lo",
        "llo",
        "l",
        "o",
        "a",
        "\u{2581}j",
    ];
    let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
    let total = |phrases: &Phrases, tokens: &[u32]| {
        let (mut sum, mut state) = (0.0, phrases.start());
        for &token in tokens {
            sum += phrases.score(&state, token);
            state = phrases.advance(&state, token);
        }
        sum + phrases.finish(&state)
    };
    let lines = [("hello", 10.0), ("jo", 2.0)];
    let pieces = [("\u{2581}he llo", 10.0), ("\u{2581}j o", 2.0)];
    for lines in [lines, pieces] {
        for whole_words in [false, true] {
            let phrases = Phrases::from_text(&lines, &vocabulary, whole_words).unwrap();
            for tokens in [&[2, 5][..], &[3, 4], &[2, 6, 6, 7], &[2, 6, 4], &[3, 6, 7]] {
                assert_eq!(total(&phrases, tokens), 10.0, "{tokens:?}");
                let within = [&[9, 7], tokens, &[1, 9, 7]].concat();
                assert_eq!(total(&phrases, &within), 14.0, "{within:?}");
            }
            for tokens in [&[2, 6, 5][..], &[2, 8], &[1, 5], &[0, 0, 0]] {
                assert_eq!(total(&phrases, tokens), 0.0, "{tokens:?}");
            }
        }
    }
}

/// A token that only a phrase lifts: no token gains more than the bound says.
#[test]
fn a_letter_that_is_a_phrase_has_all_of_its_boost_at_once() {
    let labels = ["-", "a", "b", "c", "d", "e", "f", "g", "h"];
    let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
    let phrases = Phrases::from_text(&[("f", 5.0)], &vocabulary, false).unwrap();
    let score = |token| phrases.score(&phrases.start(), token);
    assert_eq!(score(6), 5.0);
    assert!((1..9).all(|token| score(token) <= phrases.max_score(&phrases.start())));
    assert!((phrases.max_score(&phrases.start()) - 5.0).abs() < 1e-9);
}

#[test]
fn a_boost_whose_sums_overflow_is_refused_with_the_largest() {
    let vocabulary = Vocabulary::new(&["", "aaa"], Some(Blank(0)));
    let text = |phrases: &[(&str, f64)]| {
        Phrases::from_text(phrases, &vocabulary, false).map_err(|error| error.to_string())
    };
    let refused = |boost: f64| {
        format!(
            "the largest boost of a phrase is {boost}; it must be less: a sum of boosts overflows"
        )
    };
    // A token may complete three of the phrases.
    assert!(text(&[("a", f64::MAX / 4.0)]).is_ok());
    let two = f64::MAX / 2.0;
    assert_eq!(text(&[("b", 1.0), ("a", two)]).unwrap_err(), refused(two));
    assert_eq!(text(&[("b", 1.0), ("a", -two)]).unwrap_err(), refused(-two));
    let tokens = |phrases: &[([u32; 2], f64)]| {
        Phrases::from_tokens(phrases).map_err(|error| error.to_string())
    };
    assert!(tokens(&[([1, 2], f64::MAX / 4.0)]).is_ok());
    assert_eq!(
        tokens(&[([1, 2], f64::MAX)]).unwrap_err(),
        refused(f64::MAX)
    );
}

const TEXTS: [&str; 9] = [
    "a", "b", "ab", "ba", "aab", "a b", "\u{e4}", "\u{e4}a", "b\u{e4}b",
];
const LABELS: [&str; 12] = [
    "a",
    "b",
    "ab",
    "aba",
    "\u{2581}",
    "\u{2581}a",
    "b\u{2581}b",
    "\u{e4}",
    "<0xC3>",
    "<0xA4>",
    "a\u{e4}b",
    "<unk>",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_phrases_of_text_score_as_defined(
        phrases in prop::collection::vec(
            (prop::collection::vec(prop::sample::select(&TEXTS[..]), 1..3), -1.0f64..3.0), 0..6),
        labels in prop::collection::vec(prop::sample::select(&LABELS[..]), 1..7),
    ) {
        let texts: Vec<_> = phrases.iter().map(|(parts, boost)| (parts.concat(), *boost)).collect();
        let texts: Vec<_> = texts.iter().map(|(text, boost)| (&**text, *boost)).collect();
        check_text(&texts, &[&[""], &labels[..]].concat(), 3);
    }

    #[test]
    fn random_phrases_of_tokens_score_as_defined(
        phrases in prop::collection::vec(
            (prop::collection::vec(0u32..4, 1..5), -1.0f64..3.0), 0..6),
        far in any::<bool>(),
    ) {
        // Tokens beyond the table of the root's children.
        let far = |token: u32| if far && token > 1 { token + 100_000 } else { token };
        let phrases: Vec<(Vec<u32>, f64)> = phrases
            .into_iter()
            .map(|(tokens, boost)| (tokens.into_iter().map(far).collect(), boost))
            .collect();
        let naive = Naive::of_tokens(&phrases);
        let found = Phrases::from_tokens(&phrases).unwrap();
        let spellings: Vec<Vec<u32>> = (0..5).map(|token| vec![far(token)]).collect();
        let state = |text: &[u32]| {
            text.iter().fold(found.start(), |state, &token| found.advance(&state, token))
        };
        let mut texts = vec![vec![]];
        while let Some(text) = texts.pop() {
            let state = state(&text);
            prop_assert_eq!(found.finish(&state).to_bits(), naive.finish(&text).to_bits());
            for token in spellings.iter().map(|spelling| spelling[0]) {
                let longer = [&text[..], &[token]].concat();
                let score = found.score(&state, token);
                prop_assert_eq!(score.to_bits(), naive.score(&longer, text.len()).to_bits());
                prop_assert!(score <= found.max_score(&state));
                if longer.len() < 5 {
                    texts.push(longer);
                }
            }
        }
    }
}

/// Below a node, tokens are followed up to a length alone.
#[test]
fn long_tokens_gain_no_more_than_the_bound_says() {
    let long = |count: usize, end: &str| format!("{}{end}", "a".repeat(count));
    let labels = [
        long(0, ""),
        long(300, ""),
        long(1, ""),
        long(257, "b"),
        long(0, "b"),
    ];
    let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
    let phrases = [
        (long(600, "b"), 100.0),
        (long(256, "b"), 7.0),
        (long(0, "b"), -1.0),
    ];
    let phrases = Phrases::from_text(&phrases, &vocabulary, false).unwrap();
    for order in 0..4u32.pow(4) {
        let mut state = phrases.start();
        for place in 0..4 {
            let bound = phrases.max_score(&state);
            for token in 1..5 {
                assert!(phrases.score(&state, token) <= bound, "{order} {token}");
            }
            state = phrases.advance(&state, 1 + order / 4u32.pow(place) % 4);
        }
    }
}
