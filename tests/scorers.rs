//! Compares scorers with their definition over whole prefixes, token by token and
//! inside the CTC search: the bits are the same.

#[path = "support/ctc_case.rs"]
mod ctc_case;
#[path = "support/prunings.rs"]
mod prunings;
#[path = "support/random.rs"]
mod random;

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ctc_case::{Case, expected, plain, plain_item};
use proptest::prelude::*;
use random::Random;
use widebeam::ctc::{Blank, CtcPruning};
use widebeam::reference::scorers::{
    Allowed, BackoffModel, Ngrams, Phrases as NaivePhrases, PrefixScorer,
};
use widebeam::scorers::{
    Lexicon, NgramModel, NgramScorer, NgramState, NgramUnit, Phrases, Scorer, Unscored, Vocabulary,
    WordBoundary,
};
use widebeam::{CtcSearch, Level, ScoreKind, ScoresView};
use widebeam_toy::seeded;

/// Compares the scores of every sequence of up to `longest` of the tokens 0 to
/// `vocab` - 1, as long as no token is forbidden, and of the end after each.
fn check_every_prefix<S: Scorer>(
    scorer: &S,
    naive: &impl PrefixScorer,
    vocab: u32,
    longest: usize,
) {
    let mut prefixes = vec![(Vec::new(), scorer.start())];
    while let Some((prefix, state)) = prefixes.pop() {
        let end = scorer.finish(&state);
        assert!(
            agree(end, naive.end(&prefix)),
            "{end}: the end after {prefix:?}"
        );
        if prefix.len() == longest {
            continue;
        }
        for token in 0..vocab {
            let score = scorer.score(&state, token);
            let longer = [&prefix[..], &[token]].concat();
            let expected = naive.last(&longer);
            assert!(agree(score, expected), "{score} {expected}: {longer:?}");
            assert!(score <= scorer.max_score(&state), "{longer:?}");
            let may_follow = scorer.may_follow(&state) >> (token % 64) & 1 != 0;
            assert!(may_follow || !score.is_finite(), "{longer:?}");
            if score.is_finite() {
                prefixes.push((longer, scorer.advance(&state, token)));
            }
        }
    }
}

/// What a scorer says of a token, and its state after it.
fn extend<S: Scorer>(scorer: &S, state: &S::State, token: u32) -> (f64, S::State) {
    (scorer.score(state, token), scorer.advance(state, token))
}

/// What a model says of a word, and its state after it.
fn read_on(model: &NgramModel, state: &NgramState, word: Option<u32>) -> (f32, NgramState) {
    (model.score(state, word), model.advance(state, word))
}

/// Whether two scores have the same bits, or both forbid.
fn agree(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || !(a.is_finite() || b.is_finite())
}

// N-gram models

/// An n-gram, its log-probability and its back-off.
type Entry = (String, f32, Option<f32>);

/// The ARPA file of a model whose n-grams are of lengths 1 to `order`.
fn arpa(order: usize, entries: &[Entry]) -> String {
    let of = |n: usize| {
        let entries = entries.iter();
        entries.filter(move |(words, ..)| words.split(' ').count() == n)
    };
    let mut text = "\\data\\\n".to_owned();
    for n in 1..=order {
        text += &format!("ngram {n}={}\n", of(n).count());
    }
    for n in 1..=order {
        text += &format!("\n\\{n}-grams:\n");
        for (words, probability, backoff) in of(n) {
            text += &match backoff {
                Some(backoff) => format!("{probability}\t{words}\t{backoff}\n"),
                None => format!("{probability}\t{words}\n"),
            };
        }
    }
    text + "\n\\end\\\n"
}

fn read(text: &str) -> Arc<NgramModel> {
    Arc::new(NgramModel::read_arpa(text.as_bytes()).unwrap())
}

fn naive_model(entries: &[Entry]) -> BackoffModel {
    BackoffModel::new(entries.iter().map(|(words, p, b)| (&words[..], *p, *b)))
}

/// Each word alone, and some longer n-grams, whether or not the model has their parts.
fn random_entries(random: &mut Random, order: usize, words: &[&str]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut longest: Vec<String> = vec![String::new()];
    for n in 1..=order {
        let longer = |words_before: &String| {
            let before = words_before.clone();
            words
                .iter()
                .map(move |word| format!("{before} {word}").trim_start().to_owned())
        };
        longest = longest.iter().flat_map(longer).collect();
        for ngram in &longest {
            if n > 1 && !random.one_in(1 + n) {
                continue;
            }
            let backoff = match random.below(4) {
                _ if n == order => None,
                0 => None,
                1 => Some(0.0),
                // A back-off may be above 0, but not so much that a sum of them is a
                // probability above 1: KenLM turns the sign of one that it must make up.
                _ => Some(random.unit() * 2.0 - 1.8),
            };
            entries.push((ngram.clone(), -0.7 - random.unit() * 4.0, backoff));
        }
    }
    entries
}

/// The scorer of a model whose units are those of the labels.
fn ngram_scorer<M: AsRef<NgramModel>>(
    model: M,
    labels: &[&str],
    unit: NgramUnit,
) -> NgramScorer<M> {
    let vocabulary = Vocabulary::new(labels, None);
    let scorer = match unit {
        NgramUnit::Character => NgramScorer::of_characters(model, &vocabulary),
        _ => NgramScorer::of_tokens(model, &vocabulary),
    };
    scorer.unwrap()
}

/// Checks every short sequence by a model of these n-grams and labels.
fn check_ngrams(order: usize, entries: &[Entry], labels: &[&str], unit: NgramUnit) {
    let text = arpa(order, entries);
    let model = read(&text);
    assert_eq!(model.order(), order);
    let naive = naive_model(entries);
    assert_eq!(naive, BackoffModel::from_arpa(&text));
    for (weight, bonus) in [(0.7, 0.3), (-1.25, 0.0), (0.0, -0.5)] {
        let scorer = ngram_scorer(&*model, labels, unit);
        let scorer = scorer.with_weight(weight).unwrap();
        let scorer = scorer.with_token_bonus(bonus).unwrap();
        let naive = Ngrams {
            model: naive.clone(),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            unit,
            weight,
            bonus,
        };
        let longest = if weight > 0.0 { 5 } else { 2 };
        // One token is beyond the labels.
        check_every_prefix(&scorer, &naive, labels.len() as u32 + 1, longest);
    }
}

#[test]
fn n_grams_of_tokens_score_every_short_prefix_as_defined() {
    let mut random = Random::new(16);
    for order in 1..=4 {
        for words in [
            &["a", "b", "<s>", "</s>", "<unk>"][..],
            &["a", "b", "<s>", "</s>"],
            &["b", "<unk>", "</s>"],
            &["<s>", "a"],
        ] {
            let entries = random_entries(&mut random, order, words);
            check_ngrams(order, &entries, &["a", "b", "c"], NgramUnit::Token);
        }
    }
}

#[test]
fn n_grams_of_characters_score_every_short_prefix_as_defined() {
    let mut random = Random::new(17);
    for order in [1, 2, 4] {
        for words in [
            &["a", "b", "<s>", "</s>"][..],
            &["a", "b", "ab", "<unk>", "|"],
        ] {
            let entries = random_entries(&mut random, order, words);
            let labels = ["ab", "xa", "", "b a"];
            check_ngrams(order, &entries, &labels, NgramUnit::Character);
        }
    }
}

#[test]
fn a_model_of_ten_words_at_once_is_read_and_one_more_is_not() {
    let order = NgramModel::MAX_ORDER;
    let ngram = |n: usize| vec!["a"; n].join(" ");
    let entry = |n: usize| (ngram(n), -(n as f32), (n < order).then_some(-0.125));
    // N-grams have every length, or only the shortest and the longest.
    for lengths in [(1..=order).collect(), vec![1, order]] {
        let entries: Vec<Entry> = lengths.into_iter().map(entry).collect();
        let model = read(&arpa(order, &entries));
        let naive = naive_model(&entries);
        let (mut state, mut before) = (model.empty_state(), Vec::new());
        let a = Some("a".to_owned());
        for _ in 0..order + 3 {
            let (score, next) = read_on(&model, &state, model.word("a"));
            assert_eq!(score, naive.log10(&before, &a), "after {}", before.len());
            before.push(a.clone());
            state = next;
        }
    }
    let deep = [(ngram(1), -1.0, None)];
    let error = NgramModel::read_arpa(arpa(order + 1, &deep).as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ARPA file, line 14: an order of 11 is above the limit of 10"
    );
}

/// Trigrams with a back-off at every length.
const TRIGRAMS: &str = "
\\data\\
ngram 1=4
ngram 2=3
ngram 3=1

\\1-grams:
-1.5\ta\t-0.5
-2.5\tb\t-0.25
-3.5\tc\t-0.75
-9\t<s>\t-4

\\2-grams:
-0.5\ta b\t-0.125
-0.375\tb a\t-0.0625
-0.25\t<s> a\t-8

\\3-grams:
-0.03125\ta b a

\\end\\
";

/// The sum of what each word scores after those before it.
fn sentence(model: &NgramModel, words: &[&str]) -> f32 {
    let mut state = model.empty_state();
    words.iter().fold(0.0, |sum, word| {
        let (score, next) = read_on(model, &state, model.word(word));
        state = next;
        sum + score
    })
}

#[test]
fn all_back_offs_of_a_context_count() {
    let model = read(TRIGRAMS);
    // P(c) after "a b": the back-offs of "b" and of "a b".
    let a_b = sentence(&model, &["a", "b"]);
    assert_eq!(a_b, -1.5 - 0.5);
    assert_eq!(
        sentence(&model, &["a", "b", "c"]) - a_b,
        -3.5 - 0.25 - 0.125
    );
    // P(a | b) after "a b" is there as a trigram, after "c b" as a bigram whose
    // longer context the model does not have.
    assert_eq!(sentence(&model, &["a", "b", "a"]) - a_b, -0.03125);
    let c_b = sentence(&model, &["c", "b"]);
    assert_eq!(c_b, -3.5 - 0.75 - 2.5);
    assert_eq!(sentence(&model, &["c", "b", "a"]) - c_b, -0.375);
    // P(b | a) after "b a": a bigram, and the back-off of "b a".
    let b_a = sentence(&model, &["b", "a"]);
    assert_eq!(sentence(&model, &["b", "a", "b"]) - b_a, -0.5 - 0.0625);
    // `<s>` is a context like any word.
    let start = model.start_state();
    assert_eq!(model.score(&start, model.word("a")), -0.25);
    assert_eq!(model.score(&start, model.word("b")), -2.5 - 4.0);
}

#[test]
fn an_unknown_word_is_backed_off_to_and_ends_every_context() {
    let model = read(TRIGRAMS);
    let a_b = sentence(&model, &["a", "b"]);
    // Without `<unk>` an unknown word has -100.
    assert_eq!(sentence(&model, &["x"]), -100.0);
    assert_eq!(sentence(&model, &["a", "x"]), -1.5 - 100.0 - 0.5);
    assert_eq!(
        sentence(&model, &["a", "b", "x"]) - a_b,
        -100.0 - 0.25 - 0.125
    );
    assert_eq!(sentence(&model, &["x", "b"]), -100.0 - 2.5);
    assert_eq!(sentence(&model, &["a", "x", "a"]), -1.5 - 100.5 - 1.5);

    let with_unk = TRIGRAMS.replace("ngram 1=4", "ngram 1=5");
    let with_unk = with_unk.replace("-2.5\tb", "-7\t<unk>\t-0.5\n-2.5\tb");
    let with_unk = with_unk.replace("ngram 2=3", "ngram 2=4");
    let with_unk = with_unk.replace("-0.5\ta b", "-0.875\t<unk> b\n-0.5\ta b");
    let model = read(&with_unk);
    assert_eq!(sentence(&model, &["x"]), -7.0);
    assert_eq!(
        sentence(&model, &["a", "b", "x"]) - a_b,
        -7.0 - 0.25 - 0.125
    );
    assert_eq!(sentence(&model, &["x", "b"]), -7.0 - 0.875);
    assert_eq!(sentence(&model, &["x", "a"]), -7.0 - 1.5 - 0.5);
}

#[test]
fn a_space_has_the_first_of_its_names_that_the_model_has() {
    // The names in order of preference; each has a score of its own.
    let names = ["<space>", "\u{2581}", "|"];
    for left_out in 0..8 {
        let is_in = |place: usize| left_out >> place & 1 == 0;
        let mut entries: Vec<Entry> = vec![("a".into(), -5.0, None)];
        for (place, name) in names.iter().enumerate().filter(|&(place, _)| is_in(place)) {
            entries.push((name.to_string(), -1.0 - place as f32, None));
        }
        let model = read(&arpa(1, &entries));
        let score = |label: &str, unit| {
            // The model is of other units if it knows no label.
            let scorer = ngram_scorer(&*model, &[label, "a"], unit);
            (scorer.score(&scorer.start(), 0) / std::f64::consts::LN_10).round()
        };
        let first = (0..3).find(|&place| is_in(place));
        let expected = first.map_or(-100.0, |place| -1.0 - place as f64);
        let marked = if is_in(1) { -2.0 } else { expected };
        for unit in [NgramUnit::Token, NgramUnit::Character] {
            assert_eq!(score(" ", unit), expected, "{entries:?}");
            assert_eq!(score("\u{2581}", unit), marked, "{entries:?}");
            // A label that is such a name is not a space.
            let bar = if is_in(2) { -3.0 } else { -100.0 };
            assert_eq!(score("|", unit), bar, "{entries:?}");
        }
    }
    // A file cannot have a space as a word; a character can be a space by another name.
    let text = arpa(1, &[("\u{2581}a".into(), -2.0, None)]);
    let scorer = ngram_scorer(read(&text), &["\u{2581}a"], NgramUnit::Token);
    assert_eq!(scorer.fit().known_labels, 1);
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let model = read(TRIGRAMS);
    let message = |weight, bonus| {
        let scorer = ngram_scorer(&*model, &["a"], NgramUnit::Token);
        let scorer = scorer.with_weight(weight);
        let scorer = scorer.and_then(|scorer| scorer.with_token_bonus(bonus));
        scorer.unwrap_err().to_string()
    };
    let said = "it must be a finite number";
    assert_eq!(message(f64::NAN, 0.0), format!("the weight is NaN; {said}"));
    assert_eq!(
        message(1.0, f64::INFINITY),
        format!("the bonus is inf; {said}")
    );
    let phrases = Phrases::from_tokens(&[([1u32], f64::NEG_INFINITY)]).unwrap_err();
    let what = "the boost of a phrase";
    assert_eq!(phrases.to_string(), format!("{what} is -inf; {said}"));
}

// Favoured sequences, and words

/// Sequences with one boost for each token.
fn boosted(sequences: &[Vec<u32>], weight: f64) -> Vec<(Vec<u32>, f64)> {
    let sequences = sequences.iter();
    let boosted = sequences.map(|s| (s.clone(), weight * s.len() as f64));
    boosted.collect()
}

/// Phrases of tokens with one boost for each token.
fn phrases(sequences: &[Vec<u32>], weight: f64) -> Phrases {
    Phrases::from_tokens(&boosted(sequences, weight)).unwrap()
}

/// The phrases of these sequences by their definition.
fn favoured(sequences: &[Vec<u32>], weight: f64) -> NaivePhrases {
    NaivePhrases::of_tokens(&boosted(sequences, weight))
}

/// The letter that a token spells.
fn letter(token: u32) -> char {
    char::from(b'a' + token as u8)
}

/// What some tokens spell.
fn letters(tokens: &[u32]) -> String {
    tokens.iter().map(|&token| letter(token)).collect()
}

/// A lexicon of words of tokens, each of which is a letter, but for the separator.
fn lexicon(words: &[Vec<u32>], vocab: u32, separator: Option<u32>) -> Lexicon {
    let labels: Vec<String> = (0..vocab).map(|token| letters(&[token])).collect();
    let boundary = separator.map_or(WordBoundary::Space, WordBoundary::Delimiter);
    let vocabulary = Vocabulary::new(&labels, None).with_boundary(boundary);
    let words: Vec<String> = words.iter().map(|word| letters(word)).collect();
    Lexicon::new(&words, &vocabulary.unwrap()).unwrap()
}

/// The lexicon of these words by its definition.
fn allowed(words: &[Vec<u32>], vocab: u32, separator: Option<u32>) -> Allowed {
    let spelled = |token| match Some(token) == separator {
        true => b" ".to_vec(),
        false => letters(&[token]).into_bytes(),
    };
    Allowed {
        words: words
            .iter()
            .map(|word| letters(word).into_bytes())
            .collect(),
        spellings: (0..vocab).map(spelled).collect(),
    }
}

#[test]
fn phrases_of_tokens_score_every_short_prefix_as_defined() {
    let mut random = Random::new(18);
    let mut lists: Vec<Vec<Vec<u32>>> = vec![
        vec![],
        vec![vec![1]],
        // One sequence lies inside another, at its start, middle and end; one is
        // there twice.
        vec![
            vec![1, 2, 3],
            vec![1, 2],
            vec![2],
            vec![3],
            vec![2],
            vec![1, 2, 3],
        ],
        // When a sequence breaks off, a shorter one is under way.
        vec![vec![1, 2, 1, 3], vec![2, 1, 1], vec![1, 1, 1, 1]],
        vec![vec![1, 1, 2], vec![1, 2, 2, 3], vec![2, 2]],
    ];
    for _ in 0..12 {
        let count = 1 + random.below(5);
        let sequence = |random: &mut Random| {
            (0..1 + random.below(4))
                .map(|_| random.below(4) as u32)
                .collect()
        };
        lists.push((0..count).map(|_| sequence(&mut random)).collect());
    }
    for (place, sequences) in lists.into_iter().enumerate() {
        let weight = [0.75, -1.25, 0.0][place % 3];
        let scorer = phrases(&sequences, weight);
        check_every_prefix(&scorer, &favoured(&sequences, weight), 4, 5);
    }
}

#[test]
fn lexicons_score_every_short_prefix_as_defined() {
    let mut random = Random::new(19);
    let mut lists: Vec<Vec<Vec<u32>>> = vec![
        vec![],
        vec![vec![1]],
        vec![vec![1, 2], vec![1, 2, 2], vec![2]],
        vec![vec![2, 2, 2], vec![2], vec![0, 1]],
    ];
    for _ in 0..8 {
        let word = |random: &mut Random| {
            (0..1 + random.below(3))
                .map(|_| random.below(3) as u32)
                .collect()
        };
        lists.push((0..4).map(|_| word(&mut random)).collect());
    }
    for words in lists {
        for separator in [Some(3), None] {
            let scorer = lexicon(&words, 4, separator);
            check_every_prefix(&scorer, &allowed(&words, 4, separator), 4, 6);
        }
    }
}

#[test]
fn at_the_end_a_word_that_has_not_begun_is_allowed_and_one_cut_short_is_not() {
    let longer = lexicon(&[vec![1, 2]], 4, Some(3));
    let lexicon = lexicon(&[vec![1, 2], vec![1]], 4, Some(3));
    let end = |lexicon: &Lexicon, tokens: &[u32]| {
        let extend = |state, &token: &u32| {
            assert_eq!(lexicon.score(&state, token), 0.0);
            lexicon.advance(&state, token)
        };
        lexicon.finish(&tokens.iter().fold(lexicon.start(), extend))
    };
    for tokens in [
        &[][..],
        &[3, 3],
        &[1, 2],
        &[1, 2, 3],
        &[3, 1, 2, 3, 3, 1, 2, 3],
    ] {
        assert_eq!(end(&longer, tokens), 0.0, "{tokens:?}");
        assert_eq!(end(&lexicon, tokens), 0.0, "{tokens:?}");
    }
    for tokens in [&[1][..], &[1, 2, 3, 1]] {
        assert_eq!(end(&longer, tokens), f64::NEG_INFINITY, "{tokens:?}");
        assert_eq!(end(&lexicon, tokens), 0.0, "{tokens:?}");
    }
    // A separator may follow another one or none, but nothing else than a whole word.
    let cut = longer.advance(&longer.start(), 1);
    assert_eq!(longer.score(&cut, 3), f64::NEG_INFINITY);
}

/// As reported: a lexicon allowed one word only, or only in one of its segmentations.
#[test]
fn a_lexicon_allows_words_in_any_pieces_and_any_number() {
    let allows = |lexicon: &Lexicon, tokens: &[u32]| {
        let mut state = lexicon.start();
        let allowed = tokens.iter().all(|&token| {
            let allowed = lexicon.score(&state, token) == 0.0;
            state = lexicon.advance(&state, token);
            allowed
        });
        allowed && lexicon.finish(&state) == 0.0
    };
    let blank = Some(Blank(0));
    for delimiter in ["|", "<space>"] {
        let labels = ["<pad>", delimiter, "T", "U", "R", "N", "L", "E", "F"];
        let vocabulary = Vocabulary::new(&labels, blank);
        let lexicon = Lexicon::new(&["TURN", "LEFT"], &vocabulary).unwrap();
        let (turn, left) = ([2, 3, 4, 5], [6, 7, 8, 2]);
        assert!(allows(&lexicon, &[&turn[..], &[1], &left].concat()));
        assert!(allows(
            &lexicon,
            &[&[1], &left[..], &[1, 1, 0], &left, &[1]].concat()
        ));
        assert!(!allows(&lexicon, &[turn, left].concat()));
        assert!(!allows(&lexicon, &[&turn[..], &[1], &left[..3]].concat()));
    }
    let labels = [
        "<b>",
        "\u{2581}turn",
        "\u{2581}left",
        "\u{2581}right",
        "\u{2581}l",
        "eft",
    ];
    let vocabulary = Vocabulary::new(&labels, blank);
    let lexicon = Lexicon::new(&["turn", "left", "right"], &vocabulary).unwrap();
    for tokens in [&[1, 2][..], &[1, 4, 5], &[4, 5, 1, 2, 4, 5], &[99, 1]] {
        assert!(allows(&lexicon, tokens), "{tokens:?}");
    }
    for tokens in [&[5][..], &[1, 4], &[1, 5], &[4, 1], &[2, 5]] {
        assert!(!allows(&lexicon, tokens), "{tokens:?}");
    }
}

#[test]
fn words_that_are_none_are_refused_by_their_place() {
    let vocabulary = Vocabulary::new(&["", "a", "b", "|"], Some(Blank(0)));
    let message = |words: &[&str]| Lexicon::new(words, &vocabulary).unwrap_err().to_string();
    let empty = message(&["a", ""]);
    assert_eq!(empty, "word 1 is empty");
    assert_eq!(message(&["", "a"]), "word 0 is empty");
    let space = "word 2 has a space in it; a lexicon has one word an entry";
    assert_eq!(message(&["a", "b", "a b"]), space);
    // No token spells them, so they are never found.
    assert!(Lexicon::new(&["a|b", "xyz"], &vocabulary).is_ok());
    let phrases = Phrases::from_tokens(&[(vec![1u32], 1.0), (vec![], 1.0)]).unwrap_err();
    assert_eq!(phrases.to_string(), empty);
    for blank in ["", " \t", "\u{2581} \u{2581}"] {
        for whole in [false, true] {
            let phrases = [("a", 1.0), (blank, 1.0)];
            let phrases = Phrases::from_text(&phrases, &vocabulary, whole).unwrap_err();
            assert_eq!(phrases.to_string(), empty);
        }
    }
}

#[test]
fn pairs_add_up_and_no_scorer_says_nothing() {
    let words = vec![vec![1], vec![1, 2], vec![2, 2]];
    let lexicon = lexicon(&words, 5, Some(3));
    let sequences = vec![vec![1, 2, 3], vec![2, 2], vec![1]];
    let phrases = phrases(&sequences, 0.25);
    let bigrams = bigrams(-0.7, 0.1);
    let allowed = allowed(&words, 5, Some(3));
    let favoured = favoured(&sequences, 0.25);
    let ngrams = naive_bigrams(-0.7, 0.1);
    let all = (&lexicon, (&phrases, &bigrams));
    check_every_prefix(&all, &(&allowed, (&favoured, &ngrams)), 5, 5);
    let some = (
        Some(&phrases),
        (None::<&Lexicon>, Arc::new(bigrams.clone())),
    );
    check_every_prefix(&some, &(&favoured, (None::<&Allowed>, &ngrams)), 5, 4);
    check_every_prefix(&(Unscored, &phrases), &(Unscored, &favoured), 5, 4);
    check_every_prefix(&Some(Arc::new(lexicon)), &Some(&allowed), 5, 5);
    check_every_prefix(&Unscored, &Unscored, 3, 3);
}

#[test]
fn a_scorer_without_a_bound_leaves_none_to_a_pair() {
    assert_eq!(Zero.max_score(&()), f64::INFINITY);
    assert_eq!(Unscored.max_score(&()), 0.0);
    let phrases = phrases(&[vec![1, 2]], 3.0);
    let bound = phrases.max_score(&phrases.start());
    assert!((bound - 3.0).abs() < 1e-9, "{bound}");
    fn at_start<S: Scorer>(scorer: S) -> f64 {
        scorer.max_score(&scorer.start())
    }
    assert_eq!(at_start((&phrases, Zero)), f64::INFINITY);
    assert_eq!(at_start((&phrases, Unscored)), bound);
    assert_eq!(at_start((&phrases, &phrases)), 2.0 * bound);
    assert_eq!(at_start(Some(Arc::new(phrases.clone()))), bound);
    assert_eq!(at_start(None::<Zero>), 0.0);
    assert_eq!(at_start(lexicon(&[vec![1]], 3, None)), 0.0);
}

/// A scorer that never says anything, of which a search cannot know that.
struct Zero;

impl Scorer for Zero {
    type State = ();

    fn start(&self) {}

    fn score(&self, _: &(), _: u32) -> f64 {
        0.0
    }

    fn advance(&self, _: &(), _: u32) {}

    fn finish(&self, _: &()) -> f64 {
        0.0
    }
}

/// A search on one thread makes lists of long rows only for a scorer that may lift a
/// token. They need more memory for more frames.
#[test]
fn only_unscored_and_what_is_made_of_it_alone_is_known_to_say_nothing() {
    fn scores<S: Scorer + Sync>(scorer: &S) -> bool {
        let data = [0.5f32; 20 * 300];
        let search = CtcSearch::new(2, Blank(0)).unwrap().with_scorer(scorer);
        let needed = |frames| {
            let view = ScoresView::probabilities(&data[..frames * 300], [frames, 300]);
            search.bytes_needed(&view.unwrap())
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.unwrap().install(|| needed(20) > needed(10))
    }
    let phrases = phrases(&[vec![1]], 1.0);
    assert!(scores(&phrases) && scores(&&phrases) && scores(&Arc::new(phrases.clone())));
    assert!(scores(&(Unscored, &phrases)) && scores(&(&phrases, Unscored)));
    assert!(scores(&(&phrases, &phrases)) && scores(&Some(phrases)));
    assert!(!scores(&Unscored) && !scores(&&Unscored) && !scores(&Arc::new(Unscored)));
    assert!(!scores(&(Unscored, Unscored)) && !scores(&Some(Unscored)));
    assert!(scores(&Zero) && scores(&(Unscored, Zero)) && scores(&None::<Zero>));
}

/// What a search asks a scorer for.
#[derive(Default)]
struct Asked {
    scored: AtomicUsize,
    advanced: AtomicUsize,
}

impl Scorer for Asked {
    type State = ();

    fn start(&self) {}

    fn score(&self, _: &(), _: u32) -> f64 {
        self.scored.fetch_add(1, Relaxed);
        0.0
    }

    fn advance(&self, _: &(), _: u32) {
        self.advanced.fetch_add(1, Relaxed);
    }

    fn finish(&self, _: &()) -> f64 {
        0.0
    }
}

#[test]
fn a_state_is_made_of_what_survives_a_frame_alone() {
    const BEAMS: usize = 3;
    let mut random = Random::new(5);
    let (frames, vocab) = (40, 50);
    let data: Vec<f32> = (0..frames * vocab).map(|_| random.unit()).collect();
    let asked = Asked::default();
    let search = CtcSearch::new(BEAMS, Blank(0)).unwrap().with_scorer(&asked);
    let mut search = search
        .with_pruning(CtcPruning::none().with_top_tokens(40))
        .unwrap();
    let view = ScoresView::probabilities(&data, [frames, vocab]).unwrap();
    assert_eq!(search.decode(&view).unwrap().item(0).unwrap().len(), BEAMS);
    let [scored, advanced] = [&asked.scored, &asked.advanced].map(|n| n.load(Relaxed));
    assert!(scored > 5 * advanced, "{scored} {advanced}");
    assert!(advanced > 0 && advanced <= frames * BEAMS, "{advanced}");
}

/// The tokens that spell a text, by trying all labels at each place.
fn spelled(labels: &[&str], blank: u32, mut text: &str) -> Option<Vec<u32>> {
    let mut tokens = Vec::new();
    while !text.is_empty() {
        let fits = |(token, label): &(u32, &&str)| {
            *token != blank && !label.is_empty() && text.starts_with(**label)
        };
        let fitting = (0..).zip(labels).filter(fits);
        // The first of equal lengths.
        let longest = fitting.max_by_key(|&(token, label)| (label.len(), !token));
        let (token, label) = longest?;
        tokens.push(token);
        text = &text[label.len()..];
    }
    Some(tokens)
}

#[test]
fn text_is_spelled_by_the_longest_labels_that_fit() {
    let mut random = Random::new(20);
    for labels in [
        &["", "a", "b", " ", "ab"][..],
        &["a", "aa", "aab", "b", "ba"],
        &["a", "b", "a", "", "ab", "ab"],
        &[
            "\u{2581}",
            "\u{2581}a",
            "a\u{e4}",
            "\u{e4}",
            "\u{1f600}b",
            "b",
        ],
        &["aaaaaaa", "a"],
        &["ab"],
        &[],
    ] {
        for blank in [0, 1, 99] {
            let spelling = Vocabulary::new(labels, Some(Blank(blank)));
            for _ in 0..60 {
                let pieces = ["a", "b", "aa", " ", "\u{2581}", "\u{e4}", "\u{1f600}"];
                let text: String = (0..random.below(7))
                    .map(|_| pieces[random.below(7)])
                    .collect();
                let found = spelling.spell(&text).ok();
                assert_eq!(found, spelled(labels, blank, &text), "{labels:?} {text:?}");
            }
            for (token, label) in (0..).zip(labels) {
                let first = labels
                    .iter()
                    .zip(0..)
                    .find(|&(other, at)| other == label && at != blank);
                let expected = first.filter(|_| !label.is_empty()).map(|(_, at)| at);
                assert_eq!(spelling.token(label), expected, "{labels:?} {token}");
            }
        }
    }
    let labels = Vocabulary::new(&["", "a", "b", " ", "ab"], Some(Blank(0)));
    assert_eq!(labels.spell("abba").unwrap(), [4, 2, 1]);
    assert_eq!(labels.token(" "), Some(3));
    assert_eq!(
        labels.spell("axe").unwrap_err().to_string(),
        "no label spells 'x' in \"axe\""
    );
}
/// A bigram model over the tokens 0 to 6, by their labels.
const BIGRAMS: &str = "
\\data\\
ngram 1=6
ngram 2=4

\\1-grams:
-1.0\t<unk>
-0.8\ta\t-0.25
-0.9\tb\t-0.5
-1.2\t</s>
-99\t<s>\t-0.125
-0.7\t|\t0

\\2-grams:
-0.25\t<s> a
-0.5\ta b
-0.125\tb | 
-0.0625\t| </s>

\\end\\
";
const LABELS: [&str; 5] = ["", "a", "b", " ", "c"];

fn bigrams(weight: f64, bonus: f64) -> NgramScorer<Arc<NgramModel>> {
    let model = Arc::new(NgramModel::read_arpa(BIGRAMS.as_bytes()).unwrap());
    let scorer = ngram_scorer(model, &LABELS, NgramUnit::Token);
    let scorer = scorer.with_weight(weight).unwrap();
    scorer.with_token_bonus(bonus).unwrap()
}

fn naive_bigrams(weight: f64, bonus: f64) -> Ngrams {
    Ngrams {
        model: BackoffModel::from_arpa(BIGRAMS),
        labels: LABELS.map(str::to_owned).into(),
        unit: NgramUnit::Token,
        weight,
        bonus,
    }
}

#[test]
fn n_grams_back_off_and_unknown_words_have_the_probability_of_unk() {
    let model = NgramModel::read_arpa(BIGRAMS.as_bytes()).unwrap();
    assert_eq!((model.order(), model.vocab()), (2, 6));
    let start = model.start_state();
    let (a, after_a) = read_on(&model, &start, model.word("a"));
    let (b, after_b) = read_on(&model, &after_a, model.word("b"));
    let again = model.score(&after_b, model.word("b"));
    let (unknown, after_unknown) = read_on(&model, &after_b, None);
    let end = model.score(&after_unknown, model.word("</s>"));
    assert_eq!([a, b], [-0.25, -0.5]);
    assert_eq!([again, unknown, end], [-0.9f32 - 0.5, -1.0 - 0.5, -1.2]);
    let from_start = model.score(&start, model.word("b"));
    assert_eq!(from_start, -0.9f32 - 0.125);

    let scorer = bigrams(0.5, 0.25);
    let (score, state) = extend(&scorer, &scorer.start(), 3);
    let expected = 0.5 * (f64::from(-0.7f32 - 0.125) * std::f64::consts::LN_10) + 0.25;
    assert_eq!(score, expected);
    assert_eq!(
        scorer.finish(&state),
        0.5 * (-0.0625 * std::f64::consts::LN_10)
    );
}

#[test]
fn characters_of_a_label_are_scored_one_by_one() {
    let model = Arc::new(NgramModel::read_arpa(BIGRAMS.as_bytes()).unwrap());
    let by = |unit, label: &str| {
        // The model is of other units if it knows less than half of the labels.
        let scorer = ngram_scorer(model.clone(), &[label, "a"], unit);
        scorer.score(&scorer.start(), 0) / std::f64::consts::LN_10
    };
    assert!((by(NgramUnit::Character, "ab\u{2581}") - (-0.25 - 0.5 - 0.125)).abs() < 1e-12);
    assert!((by(NgramUnit::Token, "ab") - (-1.0 - 0.125)).abs() < 1e-12);
}

#[test]
fn whole_occurrences_of_phrases_count_and_nothing_else() {
    let phrases = phrases(&[vec![1, 2, 3], vec![2, 3, 4], vec![2]], 2.0);
    let total = |tokens: &[u32]| {
        let (mut sum, mut state) = (0.0, phrases.start());
        for &token in tokens {
            let (score, next) = extend(&phrases, &state, token);
            sum += score;
            state = next;
        }
        sum + phrases.finish(&state)
    };
    assert_eq!(total(&[]), 0.0);
    assert_eq!(total(&[1]), 0.0);
    assert_eq!(total(&[1, 2]), 2.0);
    assert_eq!(total(&[1, 2, 3]), 2.0 + 6.0);
    assert_eq!(total(&[1, 2, 3, 4]), 2.0 + 6.0 + 6.0);
    assert_eq!(total(&[1, 1, 2, 9, 2, 3]), 4.0);
}

#[test]
fn a_lexicon_leaves_only_its_words() {
    let mut random = Random::new(3);
    let data: Vec<f32> = (0..12 * 4).map(|_| random.unit()).collect();
    let view = ScoresView::probabilities(&data, [12, 4]).unwrap();
    let lexicon = lexicon(&[vec![1, 2], vec![2, 2]], 4, Some(3));
    let mut search = CtcSearch::new(20, Blank(0)).unwrap().with_scorer(lexicon);
    let nbest = search.decode(&view).unwrap();
    assert!(nbest.item(0).unwrap().len() > 3);
    for hypothesis in nbest.item(0).unwrap() {
        let mut words: Vec<&[u32]> = hypothesis.tokens.split(|&token| token == 3).collect();
        words.retain(|word| !word.is_empty());
        assert!(words.iter().all(|&word| word == [1, 2] || word == [2, 2]));
    }
}

// Inside the CTC search

/// Emissions of all kinds, some of which tie and some of which are impossible.
fn cases() -> impl Strategy<Value = Case> {
    let kinds = prop::sample::select(vec![
        ScoreKind::Probabilities,
        ScoreKind::LogProbabilities,
        ScoreKind::Logits,
    ]);
    let shape = (1usize..3, 0usize..8, 1usize..8, 1usize..6);
    (shape, kinds, 0u32..4, any::<u64>()).prop_map(
        |((batch, time, vocab, beams), kind, spread, seed)| {
            let mut random = Random::new(seed | 1);
            let mut value = || {
                let probability = match spread {
                    0 => random.unit(),
                    1 => 0.5f32.powi(random.below(3) as i32),
                    2 => random.unit() * (random.below(3) / 2) as f32,
                    _ => random.unit().powi(8),
                };
                match kind {
                    ScoreKind::Probabilities => probability,
                    ScoreKind::LogProbabilities => probability.ln(),
                    ScoreKind::Logits => probability.ln() + 3.0,
                }
            };
            let data = (0..batch * time * vocab).map(|_| value()).collect();
            Case {
                kind,
                shape: [batch, time, vocab],
                lengths: vec![time; batch],
                data,
                beams,
                blank: random.below(vocab) as u32,
            }
        },
    )
}

/// Compares a batch and streams, at every level, with the full search that has the
/// naive scorer.
fn check_search<S: Scorer + Sync + Clone>(
    case: &Case,
    pruning: &CtcPruning,
    scorer: S,
    naive: &impl PrefixScorer,
) -> Result<(), TestCaseError>
where
    S::State: Debug,
{
    let view = case.view();
    let expected = expected(case, &view, pruning, naive);
    for level in Level::available() {
        let search = CtcSearch::new(case.beams, Blank(case.blank)).unwrap();
        let search = search
            .with_scorer(scorer.clone())
            .with_level(level)
            .unwrap();
        let mut search = search.with_pruning(pruning.clone()).unwrap();
        let found = plain(&search.decode(&view).unwrap());
        prop_assert_eq!(&found, &expected, "level {}", level);
        let mut stream = search.stream();
        for (item, expected) in expected.iter().enumerate() {
            stream.reset();
            for step in 0..case.lengths[item] {
                stream.push(&case.frames(item, step, 1)).unwrap();
            }
            let found = &plain_item(stream.finish().unwrap());
            prop_assert_eq!(found, expected, "stream {} at level {}", item, level);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(seeded::cases(150))]

    #[test]
    fn scored_searches_equal_the_full_search_scored(
        case in cases(),
        weight in (-64..128).prop_map(|weight| f64::from(weight) / 64.0),
        pruning in prunings::any(8, 0.7, 0.3),
    ) {
        let sequences = vec![vec![1, 2], vec![2, 1, 2], vec![2], vec![1, 1, 3]];
        let words = vec![vec![1], vec![1, 2, 2], vec![4, 5]];
        let separator = Some(3);
        let phrases = phrases(&sequences, weight);
        let lexicon = lexicon(&words, 8, separator);
        let favoured = favoured(&sequences, weight);
        let allowed = allowed(&words, 8, separator);
        check_search(&case, &pruning, &bigrams(weight, 0.5), &naive_bigrams(weight, 0.5))?;
        check_search(&case, &pruning, &phrases, &favoured)?;
        check_search(&case, &pruning, &lexicon, &allowed)?;
        let all = (&lexicon, (&phrases, &bigrams(weight, 0.0)));
        let naive = (&allowed, (&favoured, &naive_bigrams(weight, 0.0)));
        check_search(&case, &pruning, all, &naive)?;
    }
}

/// A scorer of which no bound is known.
#[derive(Clone, Debug)]
struct Unbounded<S>(S);

impl<S: Scorer> Scorer for Unbounded<S> {
    type State = S::State;

    fn start(&self) -> S::State {
        self.0.start()
    }

    fn score(&self, state: &S::State, token: u32) -> f64 {
        self.0.score(state, token)
    }

    fn advance(&self, state: &S::State, token: u32) -> S::State {
        self.0.advance(state, token)
    }

    fn finish(&self, state: &S::State) -> f64 {
        self.0.finish(state)
    }
}

/// A token that a scorer lifts above all others is found if it is among those that the
/// search scores; all are, if the scorer has a bound.
#[test]
fn without_a_bound_a_search_looks_at_two_tokens_more_than_beams_the_blank_among_them() {
    let lift = phrases(&[vec![5]], 10.0);
    for (blank, beams, top, best) in [
        (0.2, 2, None, 1),
        (0.2, 3, None, 1),
        (0.2, 4, None, 5),
        (0.2, 2, Some(4), 1),
        (0.2, 2, Some(5), 5),
        // The blank is not among the best.
        (0.001, 2, None, 1),
        (0.001, 3, None, 5),
        (0.001, 2, Some(4), 1),
        (0.001, 2, Some(5), 5),
    ] {
        let row = [blank, 0.4, 0.2, 0.1, 0.06, 0.04];
        let view = ScoresView::probabilities(&row, [1, 6]).unwrap();
        let none = CtcPruning::none();
        let pruning = top.map_or(none.clone(), |top| none.with_top_tokens(top));
        let bounded_best = if top.is_none() { 5 } else { best };
        let search = || {
            let search = CtcSearch::new(beams, Blank(0)).unwrap();
            search.with_pruning(pruning.clone()).unwrap()
        };
        let unbounded = search().with_scorer(Unbounded(&lift)).decode(&view);
        let bounded = search().with_scorer(&lift).decode(&view);
        for (nbest, best) in [(unbounded, best), (bounded, bounded_best)] {
            let nbest = nbest.unwrap();
            let found = nbest.best(0).unwrap();
            assert_eq!(found.tokens, [best], "{blank}: {beams} beams, {top:?}");
            if best == 5 {
                assert_eq!(found.scorer_score, 10.0);
                assert!((found.score - 10.0 - 0.04f64.ln()).abs() < 1e-7);
            }
        }
    }
}

#[test]
fn without_frames_the_score_of_the_end_is_a_sum_too() {
    // Nothing is taken back at the end: -0.0.
    let scorer = phrases(&[vec![1]], 1.0);
    assert!(scorer.finish(&scorer.start()).is_sign_negative());
    let mut search = CtcSearch::new(2, Blank(0)).unwrap().with_scorer(&scorer);
    let view = ScoresView::probabilities(&[0f32; 0], [1, 0, 5]).unwrap();
    let whole = search.decode(&view).unwrap();
    let mut stream = search.stream();
    for found in [whole.item(0).unwrap(), stream.finish().unwrap()] {
        assert_eq!(plain_item(found), [(vec![], vec![], [0; 3])]);
    }
}

// ARPA files

/// A model in a file of twelve lines.
const SMALL: &str = "\\data\\
ngram 1=2
ngram 2=1

\\1-grams:
-1 a -0.5
-2\tb

\\2-grams:
-0.25 a b

\\end\\
";

/// Each case replaces a part of the file, and names the line that the error names.
#[test]
fn broken_arpa_files_are_refused_with_their_line() {
    let counts = "no \"\\data\\\" with the numbers of n-grams";
    let count = |n| format!("\"ngram {n}=\" and a number should stand here");
    let found =
        |n, wanted, there| format!("the header promises {wanted} {n}-grams, {there} are there");
    let stand = |wanted: &str, there: &str| format!("\"{wanted}\" should stand here, not {there}");
    let no_number = |field: &str| format!("{field:?} is not a number");
    let cases: &[(&str, &str, usize, &str)] = &[
        ("\\data\\", "\\data", 12, counts),
        ("\\data\\", " \\data\\", 12, counts),
        ("ngram 1=2\nngram 2=1\n", "", 3, counts),
        ("ngram 1=2", "ngrams 1=2", 2, &count(1)),
        ("ngram 1=2", "ngram 1 2", 2, &count(1)),
        ("ngram 1=2", "ngram 1=two", 2, &count(1)),
        ("ngram 1=2", "ngram 1=-2", 2, &count(1)),
        ("ngram 1=2", "ngram 1=", 2, &count(1)),
        ("ngram 1=2", "ngram 2=2", 2, &count(1)),
        ("ngram 1=2", "ngram 0=2", 2, &count(1)),
        ("ngram 2=1", "ngram 1=2", 3, &count(2)),
        ("ngram 2=1", "ngram 3=1", 3, &count(2)),
        ("ngram 2=1", "-1 a", 3, &count(2)),
        ("1=2", "1=1", 9, &found(1, 1, 2)),
        ("1=2", "1=3", 9, &found(1, 3, 2)),
        ("1=2", "1=0", 9, &found(1, 0, 2)),
        ("2=1", "2=0", 12, &found(2, 0, 1)),
        ("2=1", "2=2", 12, &found(2, 2, 1)),
        (
            "\\1-grams:",
            "\\2-grams:",
            5,
            &stand("\\1-grams:", "\"\\\\2-grams:\""),
        ),
        (
            "\\2-grams:",
            "\\3-grams:",
            9,
            &stand("\\2-grams:", "\"\\\\3-grams:\""),
        ),
        (
            "\\2-grams:",
            "\\2-grams",
            9,
            &stand("\\2-grams:", "\"\\\\2-grams\""),
        ),
        (
            "\\end\\",
            "\\3-grams:",
            12,
            &stand("\\end\\", "\"\\\\3-grams:\""),
        ),
        (
            "\\end\\\n",
            "",
            11,
            &stand("\\end\\", "the end of the file"),
        ),
        (
            "\n\\2-grams:\n-0.25 a b\n\n\\end\\\n",
            "",
            7,
            &stand("\\2-grams:", "the end of the file"),
        ),
        ("-1 a", "x a", 6, &no_number("x")),
        ("-1 a", "nan a", 6, &no_number("nan")),
        ("-1 a", "-1\u{a0}a", 6, &no_number("-1\u{a0}a")),
        ("-1 a", "0.5 a", 6, "the log-probability 0.5 is above 0"),
        (
            "-1 a",
            "1e-30 a",
            6,
            "the log-probability 0.000000000000000000000000000001 is above 0",
        ),
        ("-1 a -0.5", "-1", 6, "1 words should stand here, not 0"),
        ("-1 a -0.5", "-1 a b", 6, &no_number("b")),
        ("-1 a -0.5", "-1 a inf", 6, &no_number("inf")),
        (
            "-1 a -0.5",
            "-1 a -0.5 9",
            6,
            "\"-1 a -0.5 9\" is longer than a 1-gram",
        ),
        ("-0.25 a b", "-0.25", 10, "2 words should stand here, not 0"),
        (
            "-0.25 a b",
            "-0.25  a",
            10,
            "2 words should stand here, not 1",
        ),
        ("-0.25 a b", "-0.25 a b c", 10, &no_number("c")),
        (
            "-0.25 a b",
            "-0.25 a b 0 9",
            10,
            "\"-0.25 a b 0 9\" is longer than a 2-gram",
        ),
        (
            "-0.25 a b",
            "-0.25 c a",
            10,
            "\"c\" is not among the 1-grams",
        ),
        (
            "-0.25 a b",
            "-0.25 a B",
            10,
            "\"B\" is not among the 1-grams",
        ),
        ("-2\tb", "-2\ta", 7, "\"a\" is there twice"),
        ("a b\n", "a b\n-0.5\ta  b\n", 11, "\"a b\" is there twice"),
    ];
    for (old, new, line, what) in cases {
        assert!(SMALL.contains(old), "{old:?}");
        let error = NgramModel::read_arpa(SMALL.replacen(old, new, 1).as_bytes()).unwrap_err();
        let expected = format!("ARPA file, line {line}: {what}");
        assert_eq!(error.to_string(), expected, "{old:?} -> {new:?}");
    }
    for (text, line) in [
        ("", 1),
        ("\n\n", 2),
        ("nothing", 1),
        ("\\data\\", 1),
        ("\n\\data\\\n", 2),
    ] {
        let error = NgramModel::read_arpa(text.as_bytes()).unwrap_err();
        let expected = format!("ARPA file, line {line}: {counts}");
        assert_eq!(error.to_string(), expected, "{text:?}");
    }
}

#[test]
fn arpa_files_may_be_written_in_other_ways() {
    let scores = |model: &NgramModel| {
        let words = ["a", "b", "a", "a", "b", "c"];
        (1..=words.len())
            .map(|n| sentence(model, &words[..n]))
            .collect::<Vec<_>>()
    };
    let expected = scores(&read(SMALL));
    assert_eq!(expected[..3], [-1.0, -1.25, -2.25]);
    for (old, new) in [
        ("\n", "\r\n"),
        ("\n", " \t \n"),
        ("\n", "\n \n\r\n\t\n"),
        (" a", "   a"),
        ("a ", "a \t"),
        ("-1 a", "  -1 a"),
        ("-1 a", "-1.00e0 a"),
        ("ngram 1=2", "ngram  1 = 2"),
        ("\\data\\", "who made it\nngram 1=7\n\\1-grams:\n\\data\\"),
        ("\\end\\\n", "\\end\\"),
        (
            "\\end\\\n",
            "\\end\\\nwhat follows is not read\n\\1-grams:\n",
        ),
    ] {
        let text = SMALL.replace(old, new);
        assert_eq!(scores(&read(&text)), expected, "{old:?} -> {new:?}");
        assert_eq!(
            BackoffModel::from_arpa(&text).log10(&[], &Some("b".into())),
            -2.0
        );
    }
    // A missing back-off is one of 0.
    for backoff in ["0", "-0", "0.0e7"] {
        let text = SMALL.replace("-2\tb", &format!("-2\tb\t{backoff}"));
        assert_eq!(scores(&read(&text)), expected);
    }
    // A back-off of the highest order is not used.
    let text = SMALL.replace("-0.25 a b", "-0.25 a b -7");
    assert_eq!(scores(&read(&text)), expected);
    // Probabilities of 0 are valid, and what is less than a number holds is one.
    for zero in ["-inf", "-1e39"] {
        let text = SMALL.replace("-1 a", &format!("{zero} a"));
        assert_eq!(sentence(&read(&text), &["a"]), f32::NEG_INFINITY);
    }
    // Probabilities of 1 are valid.
    for one in ["0", "-0"] {
        let text = SMALL.replace("-1 a", &format!("{one} a"));
        assert_eq!(sentence(&read(&text), &["a"]), 0.0);
    }
    // Other white space is a word like any other.
    for word in ["\u{a0}", "\u{3000}", "\u{b}", "\u{2581}"] {
        let model = read(&SMALL.replace('b', word));
        assert_eq!(sentence(&model, &["a", word]), -1.25, "{word:?}");
    }
    // A model may have no n-grams of an order.
    let text = SMALL.replace("2=1", "2=0").replace("-0.25 a b\n", "");
    let model = read(&text);
    assert_eq!((model.order(), sentence(&model, &["a", "b"])), (2, -3.5));
}

#[test]
fn a_source_that_fails_is_said_with_the_line_it_fails_in() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("out of paper"))
        }
    }
    for (lines, line) in [(0, 1), (1, 2), (6, 7), (12, 13)] {
        let start: usize = SMALL.split_inclusive('\n').take(lines).map(str::len).sum();
        let source = std::io::Read::chain(&SMALL.as_bytes()[..start], Broken);
        let found = NgramModel::read_arpa(std::io::BufReader::new(source));
        if lines == 12 {
            // The reader stops at the end of the model.
            assert!(found.is_ok());
            continue;
        }
        let expected = format!("ARPA file, line {line}: out of paper");
        assert_eq!(found.unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_model_says_what_it_holds() {
    let model = read(BIGRAMS);
    assert_eq!((model.order(), model.vocab()), (2, 6));
    let ids: Vec<_> = ["<unk>", "a", "b", "</s>", "<s>", "|"]
        .map(|word| model.word(word).unwrap())
        .into();
    assert!((0..6).all(|id| ids.contains(&id)), "{ids:?}");
    assert_eq!(model.word(" "), None);
    assert_ne!(model.start_state(), model.empty_state());
    let unigrams = read(&arpa(1, &[("<s>".into(), -1.0, None)]));
    assert_eq!(unigrams.start_state(), unigrams.empty_state());
    // Without `<unk>` an unknown word leaves no context that matters.
    let model = read(TRIGRAMS);
    let after = model.advance(&model.start_state(), None);
    for word in (0..model.vocab() as u32).map(Some).chain([None]) {
        let score = model.score(&model.empty_state(), word);
        assert_eq!(model.score(&after, word), score);
    }
}

/// A token that is not listed ties with the last of the beam and comes first by its source's
/// rank. The sum that shows it rounds in another way than its own score.
#[test]
fn a_token_that_is_not_listed_and_ties_is_found() {
    /// Token 1 scores one number, token 6 another, and no other may begin.
    struct Two([f64; 2]);
    impl Scorer for Two {
        type State = bool;
        fn start(&self) -> bool {
            true
        }
        fn score(&self, begins: &bool, token: u32) -> f64 {
            match (begins, token) {
                (true, 1) => self.0[0],
                (true, 6) => self.0[1],
                _ => f64::NEG_INFINITY,
            }
        }
        fn advance(&self, _: &bool, _: u32) -> bool {
            false
        }
        fn finish(&self, _: &bool) -> f64 {
            0.0
        }
        fn max_score(&self, begins: &bool) -> f64 {
            match begins {
                true => self.0[0].max(self.0[1]),
                false => f64::NEG_INFINITY,
            }
        }
    }
    let log = |p: f32| {
        let view = ScoresView::probabilities(std::slice::from_ref(&p), [1, 1]).unwrap();
        let nbest = CtcSearch::new(1, Blank(0)).unwrap().decode(&view).unwrap();
        nbest.best(0).unwrap().score
    };
    let (mut tied, taken) = (0, 0.7f32);
    for i in 0..4000 {
        let p = 1e-13 * (1.0 + i as f32 * 1e-4);
        let (blank, last_blank) = (0.9 - i as f32 * 1e-6, p * 1.4);
        for lift in [0.1, 0.13, 0.11] {
            let total = (log(blank) + log(p)) + lift;
            let mass = log(taken) + log(last_blank);
            let scores = [total - mass, lift];
            if mass + scores[0] != total || scores[0] > lift {
                continue;
            }
            tied += 1;
            let data = [
                blank, taken, 0.0, 0.0, 0.0, 0.0, 0.0, last_blank, 0.0, p, p, p, p, p,
            ];
            let view = ScoresView::probabilities(&data, [2, 7]).unwrap();
            let found = |pruning: CtcPruning| {
                let search = CtcSearch::new(2, Blank(0)).unwrap();
                let search = search.with_pruning(pruning).unwrap();
                let nbest = search.with_scorer(Two(scores)).decode(&view).unwrap();
                let tokens = nbest.item(0).unwrap().map(|found| found.tokens.to_vec());
                tokens.collect::<Vec<_>>()
            };
            let all = found(CtcPruning::none().with_top_tokens(7));
            assert_eq!(found(CtcPruning::none()), all, "{i} {lift}");
        }
    }
    assert!(tied > 1000);
}
