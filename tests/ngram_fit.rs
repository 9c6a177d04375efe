//! Which n-gram models are refused as models of other units.

use std::path::Path;
use std::sync::Arc;

use widebeam::ErrorKind;
use widebeam::ctc::Blank;
use widebeam::scorers::{
    Lookahead, NgramFit, NgramModel, NgramScorer, NgramUnit, SpellingLexicon, Vocabulary,
    WordBoundary, WordNgram,
};

/// A model of single words, and of the marks, which are no words.
fn model(words: &[String]) -> NgramModel {
    let count = words.len() + 3;
    let mut arpa = format!("\\data\\\nngram 1={count}\n\n\\1-grams:\n-1 <s>\n-1 </s>\n-1 <unk>\n");
    for word in words {
        arpa += &format!("-1 {word}\n");
    }
    NgramModel::read_arpa((arpa + "\n\\end\\\n").as_bytes()).unwrap()
}

/// How a model fits labels, or why it is refused. Token 0 is the blank.
fn fit(unit: NgramUnit, labels: &[String], words: &[String]) -> Result<NgramFit, String> {
    let labels: Vec<&str> = std::iter::once("-")
        .chain(labels.iter().map(|l| &**l))
        .collect();
    let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
    let model = model(words);
    let fit = match unit {
        NgramUnit::Token => NgramScorer::of_tokens(model, &vocabulary).map(|s| s.fit()),
        NgramUnit::Character => NgramScorer::of_characters(model, &vocabulary).map(|s| s.fit()),
        _ => WordNgram::new(model, &vocabulary).map(|scorer| scorer.fit()),
    };
    fit.map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::InvalidSetting);
        error.to_string()
    })
}

/// Names of `count` things: `a` and a number, or a letter that is in no such name.
fn named(stem: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{stem}{at}")).collect()
}

fn letters(from: char, count: usize) -> Vec<String> {
    (from..).take(count).map(String::from).collect()
}

/// Labels and words that have so many things in common: of (labels, known labels) and
/// (words, fitting words).
struct Counts {
    labels: (usize, usize),
    words: (usize, usize),
}

/// Such labels and words of tokens. Words that fit beside the labels that are known are
/// names of a space.
fn of_tokens(Counts { labels, words }: Counts) -> (Vec<String>, Vec<String>) {
    let known = named("known", labels.1);
    let spaces = ["<space>", "\u{2581}", "|"].map(str::to_owned);
    let fitting = known.iter().cloned().chain(spaces).take(words.1);
    let fitting: Vec<String> = fitting.collect();
    assert!(fitting.len() == words.1 && labels.1 <= words.1);
    let labels = [known, named("label", labels.0 - labels.1)].concat();
    (labels, [fitting, named("word", words.0 - words.1)].concat())
}

/// Such labels and words of characters: labels are two letters, both of them known or one.
fn of_characters(Counts { labels, words }: Counts) -> (Vec<String>, Vec<String>) {
    let fitting = letters('\u{4e00}', words.1);
    let label = |at: usize| match at < labels.1 {
        true => format!("{0}{0}", fitting[at % words.1]),
        false => format!("{}x", fitting[at % words.1]),
    };
    let labels = (0..labels.0).map(label).collect();
    (labels, [fitting, named("word", words.0 - words.1)].concat())
}

/// Labels and words, some of which the labels can spell.
fn of_words((words, fitting): (usize, usize)) -> (Vec<String>, Vec<String>) {
    let labels = [letters('0', 10), vec!["w".to_owned(), "|".to_owned()]].concat();
    let words = [named("w", fitting), named("other", words - fitting)].concat();
    (labels, words)
}

const REFUSED: [(NgramUnit, &str, &str); 2] = [
    (NgramUnit::Token, "labels", "are labels"),
    (NgramUnit::Character, "characters", "are single characters"),
];

/// Counts of labels and of words, whether the model is refused and whether it is doubtful.
#[test]
fn models_of_labels_are_refused_from_their_limits_on() {
    for (labels, words, refused, doubtful) in [
        // It knows no label.
        ((40, 0), (3, 3), true, true),
        // It knows few labels, and nearly all of its words fit.
        ((40, 1), (3, 3), false, false),
        ((20, 7), (10, 9), false, false),
        ((20, 7), (10, 8), false, true),
        ((1, 0), (1, 1), true, true),
        // It knows less than half of the labels, and less than half of its words fit.
        ((5, 2), (7, 3), true, true),
        ((5, 2), (6, 3), false, true),
        ((4, 2), (7, 3), false, true),
        ((4, 2), (6, 3), false, false),
        ((5, 2), (5, 2), true, true),
        ((5, 2), (4, 2), false, true),
        // Less than a tenth of its words fit.
        ((1, 1), (11, 1), true, true),
        ((1, 1), (10, 1), false, true),
        ((3, 3), (31, 3), true, true),
        ((3, 3), (30, 3), false, true),
        // It fits.
        ((3, 3), (3, 3), false, false),
    ] {
        for (unit, units, fitting) in REFUSED {
            let counts = Counts { labels, words };
            let (given, known) = match unit {
                NgramUnit::Token => of_tokens(counts),
                _ => of_characters(counts),
            };
            let counted = format!(
                "it knows {} of {} labels, and {} of {} of its words {fitting}",
                labels.1, labels.0, words.1, words.0
            );
            let found = fit(unit, &given, &known);
            match found {
                Err(said) => {
                    assert!(refused, "{said}");
                    assert_eq!(
                        said,
                        format!("the n-gram model is not one of {units}: {counted}")
                    );
                }
                Ok(found) => {
                    assert!(!refused, "{found}");
                    assert_eq!(found.to_string(), counted);
                    assert_eq!(found.is_doubtful(), doubtful, "{found}");
                    assert_eq!((found.labels, found.known_labels), labels);
                    assert_eq!((found.words, found.fitting_words), words);
                    assert_eq!(found.unit, unit);
                }
            }
        }
    }
}

#[test]
fn models_of_words_are_refused_if_less_than_a_tenth_of_them_can_be_spelled() {
    let fitting = "are longer than a character and can be spelled with the labels";
    for (words, refused, doubtful) in [
        ((11, 1), true, true),
        ((10, 1), false, true),
        ((31, 3), true, true),
        ((30, 3), false, true),
        ((1, 0), true, true),
        ((9, 4), false, true),
        ((8, 4), false, false),
        ((5, 5), false, false),
    ] {
        let (labels, known) = of_words(words);
        let counted = format!("{} of {} of its words {fitting}", words.1, words.0);
        match fit(NgramUnit::Word, &labels, &known) {
            Err(said) => {
                assert!(refused, "{said}");
                assert_eq!(
                    said,
                    format!("the n-gram model is not one of words: {counted}")
                );
            }
            Ok(found) => {
                assert!(!refused, "{found}");
                assert_eq!(found.to_string(), counted);
                assert_eq!(found.is_doubtful(), doubtful, "{found}");
                assert_eq!((found.labels, found.known_labels), (0, 0));
                assert_eq!((found.words, found.fitting_words), words);
            }
        }
    }
}

/// A model of letters is none of words, unless every token is one.
#[test]
fn single_characters_are_words_only_where_every_token_is_one() {
    let words = letters('a', 5);
    let said = fit(NgramUnit::Word, &words, &words).unwrap_err();
    assert!(said.contains(": 0 of 5 of its words are longer "), "{said}");
    let vocabulary = Vocabulary::new(&words, None);
    let vocabulary = vocabulary.with_boundary(WordBoundary::EveryToken).unwrap();
    let scorer = WordNgram::new(model(&words), &vocabulary).unwrap();
    assert_eq!((scorer.fit().words, scorer.fit().fitting_words), (5, 5));
}

/// Special tokens are no text, so no model needs to know them.
#[test]
fn labels_that_are_no_text_do_not_count() {
    let labels = ["<pad>", "<s>", "<unk>", "a", "b"].map(str::to_owned);
    for unit in [NgramUnit::Token, NgramUnit::Character] {
        let found = fit(unit, &labels, &letters('a', 2)).unwrap();
        assert_eq!((found.labels, found.known_labels), (2, 2), "{unit:?}");
        // There may be no label at all.
        assert_eq!(
            fit(unit, &[], &letters('a', 1)).is_ok(),
            unit == NgramUnit::Character
        );
    }
}

/// A model without the strings of its words is judged by the labels alone.
#[test]
fn binary_files_without_words() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kenlm");
    let bytes = std::fs::read(fixtures.join("order3.probing-v.bin")).unwrap();
    let model = Arc::new(NgramModel::from_binary(bytes).unwrap());
    assert!(!model.has_words());

    let words = named("w", 12);
    let labels = [&["-".to_owned(), "|".to_owned()][..], &words].concat();
    let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
    let fit = NgramScorer::of_tokens(Arc::clone(&model), &vocabulary)
        .unwrap()
        .fit();
    assert_eq!((fit.known_labels, fit.words), (words.len(), 0));
    let strange = Vocabulary::new(&["-", "nowhere"], Some(Blank(0)));
    let error = NgramScorer::of_tokens(Arc::clone(&model), &strange).unwrap_err();
    let said = "the n-gram model is not one of labels: it knows 0 of 1 labels";
    assert_eq!(error.to_string(), said);
    for vocabulary in [&vocabulary, &strange] {
        let scorer = WordNgram::new(Arc::clone(&model), vocabulary).unwrap();
        assert_eq!(scorer.fit().words, 0);
        assert!(!scorer.fit().is_doubtful());
        assert_eq!(scorer.fit().to_string(), "");
        let scorer = scorer.with_lookahead(Lookahead::None).unwrap();
        let error = scorer.with_lookahead(Lookahead::Unigram).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("a look-ahead needs the strings of the words")
        );
    }
}

#[test]
fn a_model_of_spelled_words_knows_one_of_them() {
    let spelled = |words: &[&str]| {
        let words: Vec<(&str, [u32; 1])> = words.iter().map(|&word| (word, [1])).collect();
        let lexicon = SpellingLexicon::new(&words, None).unwrap();
        let lexicon = lexicon.with_model(model(&named("w", 2)));
        lexicon.map_err(|error| error.to_string())
    };
    let known = |words: &[&str]| spelled(words).map(|lexicon| lexicon.known_words());
    assert_eq!(known(&["w0", "x", "w0"]), Ok(Some(2)));
    // There may be no word at all.
    assert_eq!(known(&[]), Ok(Some(0)));
    let said = "the n-gram model is not one of the words of the lexicon: it knows 0 of 2 words";
    // `<unk>` stands for the words that the model does not know.
    assert_eq!(known(&["x", "<unk>"]), Err(said.to_owned()));
}

/// Of a large model words all over it are looked at.
#[test]
fn of_many_words_some_are_looked_at() {
    let words = [named("w", 15_000), named("other", 15_000)].concat();
    let (labels, _) = of_words((1, 1));
    let found = fit(NgramUnit::Word, &labels, &words).unwrap();
    assert!((9_990..=10_010).contains(&found.words), "{found}");
    let fitting = found.fitting_words as f64 / found.words as f64;
    assert!((0.45..0.55).contains(&fitting), "{found}");
}
