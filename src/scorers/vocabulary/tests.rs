use super::*;
use proptest::prelude::*;

fn vocabulary(labels: &[&str]) -> Vocabulary {
    Vocabulary::new(labels, Some(Blank(0)))
}

#[track_caller]
fn check(vocabulary: &Vocabulary, tokens: &[u32], text: &str, words: &[(&str, Range<usize>)]) {
    assert_eq!(vocabulary.text(tokens).unwrap(), text);
    let found = vocabulary.words(tokens).unwrap();
    let found: Vec<_> = found.iter().map(|w| (&*w.text, w.tokens.clone())).collect();
    assert_eq!(found, words);
}

#[test]
fn words_part_at_a_delimiter_whatever_its_label() {
    for delimiter in [" ", "|", "<space>", "<wb>"] {
        let letters = vocabulary(&["-", "a", "b", delimiter]);
        assert_eq!(letters.boundary(), WordBoundary::Delimiter(3));
        check(
            &letters,
            &[1, 2, 3, 2],
            "ab b",
            &[("ab", 0..2), ("b", 3..4)],
        );
        check(
            &letters,
            &[3, 1, 3, 3, 2],
            " a  b",
            &[("a", 1..2), ("b", 4..5)],
        );
        check(&letters, &[], "", &[]);
    }
    // The first of the names, wherever it stands.
    let boundary = |labels: &[&str]| vocabulary(labels).boundary();
    assert_eq!(
        boundary(&["-", "<wb>", "<space>"]),
        WordBoundary::Delimiter(2)
    );
    let named = vocabulary(&["-", "a", "<wb>", " "]);
    assert_eq!(named.boundary(), WordBoundary::Delimiter(3));
    let named = named.with_boundary(WordBoundary::Delimiter(2)).unwrap();
    check(&named, &[1, 2, 1], "a a", &[("a", 0..1), ("a", 2..3)]);
    assert!(named.with_boundary(WordBoundary::Delimiter(4)).is_err());
}

#[test]
fn marks_begin_words_and_one_space_before_the_first_is_left_out() {
    let pieces = vocabulary(&[
        "-",
        "\u{2581}he",
        "llo",
        "\u{2581}you",
        "\u{2581}",
        "\u{2581}\u{2581}a",
    ]);
    assert_eq!(pieces.boundary(), WordBoundary::BeginMark);
    check(
        &pieces,
        &[1, 2, 3],
        "hello you",
        &[("hello", 0..2), ("you", 2..3)],
    );
    check(
        &pieces,
        &[2, 4, 2],
        "llo llo",
        &[("llo", 0..1), ("llo", 2..3)],
    );
    check(&pieces, &[4, 2], "llo", &[("llo", 1..2)]);
    check(&pieces, &[5], " a", &[("a", 0..1)]);
    // A mark within a label alone is not that of word pieces.
    let within = vocabulary(&["b\u{2581}", "x"]);
    assert_eq!(within.boundary(), WordBoundary::Space);
}

#[test]
fn marks_continue_words_before_or_after() {
    let before = vocabulary(&["[PAD]", "un", "##aff", "##able", "you"]);
    assert_eq!(before.boundary(), WordBoundary::ContinueMark);
    check(
        &before,
        &[1, 2, 3, 4],
        "unaffable you",
        &[("unaffable", 0..3), ("you", 3..4)],
    );
    check(&before, &[2, 4], "aff you", &[("aff", 0..1), ("you", 1..2)]);
    let after = vocabulary(&["-", "un@@", "aff@@", "able", "you", "@@"]);
    assert_eq!(after.boundary(), WordBoundary::GoOnMark);
    check(
        &after,
        &[1, 2, 3, 4],
        "unaffable you",
        &[("unaffable", 0..3), ("you", 3..4)],
    );
    check(&after, &[4, 1], "you un", &[("you", 0..1), ("un", 1..2)]);
}

#[test]
fn every_token_may_be_a_word() {
    let words = vocabulary(&["-", "turn", "left"]);
    check(&words, &[1, 2], "turnleft", &[("turnleft", 0..2)]);
    let words = words.with_boundary(WordBoundary::EveryToken).unwrap();
    check(
        &words,
        &[1, 2],
        "turn left",
        &[("turn", 0..1), ("left", 1..2)],
    );
    // Its space is after it, so that it is whole at once.
    assert_eq!(words.spelling(1), b"turn ");
    check(&words, &[], "", &[]);
}

// Which texts can be spelled

/// Whether tokens spell a text, by trying all sequences of as many tokens as it has bytes.
fn can_spell(vocabulary: &Vocabulary, text: &str, whole_words: bool) -> bool {
    let spellings: Vec<&[u8]> = (0..vocabulary.len() as u32)
        .map(|token| vocabulary.spelling(token))
        .filter(|spelling| !spelling.is_empty())
        .collect();
    let (wanted, around) = match whole_words {
        true => (format!(" {text} ").into_bytes(), &b" "[..]),
        false => (text.as_bytes().to_vec(), &b""[..]),
    };
    let mut texts: Vec<Vec<u8>> = vec![vec![]];
    for _ in 0..=text.len() {
        for spelled in &texts {
            let spelled = [around, spelled, around].concat();
            if spelled.windows(wanted.len()).any(|window| window == wanted) {
                return true;
            }
        }
        let longer = |text: &Vec<u8>| {
            let longer = spellings.iter().map(|spelling| [text, *spelling].concat());
            longer.collect::<Vec<_>>()
        };
        texts = texts.iter().flat_map(longer).collect();
    }
    false
}

fn check_speller(labels: &[&str], boundary: Option<WordBoundary>, texts: &[String]) {
    let mut vocabulary = vocabulary(labels);
    if let Some(boundary) = boundary {
        vocabulary = vocabulary.with_boundary(boundary).unwrap();
    }
    let speller = vocabulary.speller().unwrap();
    for text in texts {
        for whole_words in [false, true] {
            let found = speller.can_spell(text, whole_words);
            let expected = can_spell(&vocabulary, text, whole_words);
            assert_eq!(
                found, expected,
                "{text:?} of {labels:?}, whole {whole_words}"
            );
        }
    }
}

/// Every text of up to four of the letters "a", "b" and a space, which stands within.
fn short_texts() -> Vec<String> {
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        let longer = |text: &String| ["a", "b", " "].map(|letter| format!("{text}{letter}"));
        texts.extend(texts.clone().iter().flat_map(longer));
    }
    texts.retain(|text| text.trim() == text && !text.contains("  ") && !text.is_empty());
    texts.sort();
    texts.dedup();
    texts
}

#[test]
fn a_speller_says_what_sequences_of_tokens_have_in_them() {
    let texts = short_texts();
    for labels in [
        &["-"][..],
        &["-", "a"],
        &["-", "ab", "ba"],
        &["-", "aab", "b"],
        &["-", "abba"],
        &["-", "\u{2581}a", "b"],
        &["-", "\u{2581}ab", "\u{2581}b", "a\u{2581}"],
        &["-", "\u{2581}a\u{2581}b", "ba"],
        &["-", "bab ab"],
        &["-", "a b ab", "b a"],
        &["-", "a", "##b", "##ab"],
        &["-", "a@@", "b"],
        &["-", "a", "b", "|"],
        &["-", "<unk>", "b"],
    ] {
        check_speller(labels, None, &texts);
        check_speller(labels, Some(WordBoundary::EveryToken), &texts);
    }
    let utf8 = ["\u{e4}", "a\u{e4}", "\u{e4}a", "\u{e5}"].map(str::to_owned);
    check_speller(&["-", "<0xC3>", "<0xA4>", "a"], None, &utf8);
    check_speller(&["-", "b\u{e4}", "a"], None, &utf8);
}

#[test]
fn a_speller_reads_a_text_as_phrases_do() {
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
    let speller = vocabulary(&labels).speller().unwrap();
    for (text, whole, within) in [
        ("hello", true, true),
        (" hello  jo ", true, true),
        ("\u{2581}he llo", true, true),
        ("ello", false, true),
        ("hell", true, true),
        ("el", false, true),
        ("hell\u{f6}", false, false),
        ("jo", true, true),
        ("HELLO", false, false),
        ("jhe", false, false),
        ("he", true, true),
        ("", true, true),
    ] {
        assert_eq!(speller.can_spell(text, true), whole, "{text:?}");
        assert_eq!(speller.can_spell(text, false), within, "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_speller_is_right_for_random_labels(
        labels in prop::collection::vec("[ab ]{1,4}", 1..4),
        every in any::<bool>(),
    ) {
        let labels: Vec<&str> = std::iter::once("-").chain(labels.iter().map(|l| &**l)).collect();
        check_speller(&labels, every.then_some(WordBoundary::EveryToken), &short_texts());
    }
}

#[test]
fn special_tokens_spell_nothing_and_tags_are_text() {
    let labels = ["-", "\u{2581}a", "<unk>", "[PAD]", "</S>", "<td>", "[a]"];
    let pieces = vocabulary(&labels);
    check(
        &pieces,
        &[1, 2, 3, 4, 1],
        "a a",
        &[("a", 0..1), ("a", 4..5)],
    );
    check(&pieces, &[5, 6], "<td>[a]", &[("<td>[a]", 0..2)]);
    assert_eq!(pieces.token("<unk>"), Some(2));
    let named = vocabulary(&["-", "a", "<eps>"]);
    let named = named.with_boundary(WordBoundary::Delimiter(2)).unwrap();
    check(&named, &[1, 2, 1], "a a", &[("a", 0..1), ("a", 2..3)]);
}

#[test]
fn bytes_join_to_characters() {
    let bytes = vocabulary(&[
        "-", "gr", "<0xC3>", "<0xBC>", "n", "<0xc3>", "<0x2>", "<0x+2>",
    ]);
    check(&bytes, &[1, 2, 3, 4], "gr\u{fc}n", &[("gr\u{fc}n", 0..4)]);
    check(&bytes, &[5, 3], "\u{fc}", &[("\u{fc}", 0..2)]);
    check(&bytes, &[1, 2, 4], "gr\u{fffd}n", &[("gr\u{fffd}n", 0..3)]);
    assert_eq!(bytes.text(&[6, 7]).unwrap(), "<0x2><0x+2>");
}

#[test]
fn the_blank_spells_nothing_and_what_is_no_token_is_an_error() {
    let letters = vocabulary(&["a", "a", "", "b"]);
    assert_eq!((letters.token("a"), letters.token("")), (Some(1), None));
    assert_eq!((letters.label(0), letters.label(4)), (Some("a"), None));
    check(&letters, &[0, 1, 2, 3], "ab", &[("ab", 1..4)]);
    for call in [
        |v: &Vocabulary| v.text(&[1, 4]).map(drop),
        |v: &Vocabulary| v.words(&[1, 4]).map(drop),
    ] {
        let error = call(&letters).unwrap_err().to_string();
        assert_eq!(
            error,
            "the tokens of a text: token 4 is beyond the vocabulary of 4 tokens"
        );
    }
    assert!(letters.spelling(4).is_empty() && letters.spelling(u32::MAX).is_empty());
    let all = Vocabulary::new(&["a"], None);
    check(&all, &[0], "a", &[("a", 0..1)]);
    assert!(Vocabulary::new::<&str>(&[], None).is_empty());
}

/// To try each label at each place would take the product of their lengths.
#[test]
fn texts_and_labels_that_repeat_themselves_take_no_longer_than_others() {
    let long = "a".repeat(300_000);
    let only = format!("{long}b");
    let labels = ["-", &only, "aa", "aaaa", "c"];
    let speller = vocabulary(&labels).speller().unwrap();
    for (end, whole, within) in [
        ("", true, true),
        ("c", true, true),
        ("b", true, true),
        ("a", false, true),
        ("ac", false, true),
        ("d", false, false),
    ] {
        let text = format!("{long}{end}");
        assert_eq!(speller.can_spell(&text, true), whole, "{end}");
        assert_eq!(speller.can_spell(&text, false), within, "{end}");
    }
}
