//! The reader of lexicons, as words or with their spellings, and the scorers of them.

use std::collections::BTreeSet;

use widebeam::reference::scorers::{
    Allowed, BackoffModel, PrefixScorer, Spelled, Spellings, WordScores,
};
use widebeam::scorers::{Lookahead, NgramModel, Scorer, SpellingLexicon, Vocabulary, WordBoundary};
use widebeam_cli::labels::Labels;
use widebeam_cli::words::Lexicon;

use crate::{emissions, file};

/// The largest vocabulary that is decoded.
const MOST_LABELS: usize = 12;
/// The most words whose spellings are searched by definition.
const MOST_WORDS: usize = 60;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (labels, words) = file::halves(data);
    let blank = emissions::BLANK;
    let Ok(labels) = file::with(".txt", labels, |path| Labels::open(path, Some(blank))) else {
        return;
    };
    let read = |path: &_| Lexicon::read(path, &labels);
    let lexicon = match file::with(".txt", words, read) {
        Ok(lexicon) => lexicon,
        Err(failure) => return file::refused(&failure),
    };
    let vocabulary = labels.vocabulary();
    if vocabulary.is_empty() || vocabulary.len() > MOST_LABELS {
        return;
    }
    match lexicon {
        Lexicon::Words(kept) => words_alone(&kept.entries, vocabulary),
        Lexicon::Spellings(kept) if kept.entries.len() <= MOST_WORDS => {
            spelled_words(kept.entries, vocabulary);
        }
        Lexicon::Spellings(_) => {}
    }
}

fn words_alone(words: &[String], vocabulary: &Vocabulary) {
    // The tool has left out what the labels cannot spell.
    let speller = vocabulary.speller().expect("enough memory");
    assert!(words.iter().all(|word| speller.can_spell(word, true)));
    let lexicon = widebeam::scorers::Lexicon::new(words, vocabulary).expect("words");
    let allowed = Allowed {
        words: words.iter().map(|word| word.clone().into_bytes()).collect(),
        spellings: emissions::spellings(vocabulary),
    };
    let nbest = emissions::decode(vocabulary.len(), &lexicon, &allowed);
    for hypothesis in nbest.item(0).expect("valid scores") {
        for word in vocabulary.words(hypothesis.tokens).expect("tokens") {
            assert!(words.contains(&word.text), "{word:?}");
        }
    }
}

fn spelled_words(words: Vec<(String, Vec<u32>)>, vocabulary: &Vocabulary) {
    let delimiter = match vocabulary.boundary() {
        WordBoundary::Delimiter(token) => Some(token),
        _ => None,
    };
    let lexicon = SpellingLexicon::new(&words, delimiter).expect("no spelling is empty");
    let texts: BTreeSet<String> = words.iter().map(|(text, _)| text.clone()).collect();
    let mut naive = Spellings {
        words,
        delimiter,
        scores: None,
        lookahead: false,
        readings: SpellingLexicon::MAX_READINGS,
    };
    let vocab = vocabulary.len();
    check(vocab, &lexicon, &naive, |tokens| lexicon.words(tokens));

    let Some(arpa) = model(&texts) else {
        return;
    };
    let model = NgramModel::read_arpa(arpa.as_bytes()).expect("a model");
    naive.scores = Some(WordScores {
        weight: 0.75,
        bonus: 0.5,
        unknown: -1.5,
        ..WordScores::new(BackoffModel::from_arpa(&arpa))
    });
    for (lookahead, readings) in [(Lookahead::None, 8), (Lookahead::Unigram, 2)] {
        naive.lookahead = lookahead == Lookahead::Unigram;
        naive.readings = readings;
        let lexicon = lexicon.clone().with_model(&model).expect("it has words");
        let lexicon = lexicon.with_weight(0.75).expect("it is finite");
        let lexicon = lexicon.with_word_bonus(0.5).expect("it is finite");
        let lexicon = lexicon.with_unknown_score(-1.5).expect("it is finite");
        let lexicon = lexicon.with_lookahead(lookahead);
        let lexicon = lexicon.with_readings(readings).expect("1 to 8");
        check(vocab, &lexicon, &naive, |tokens| lexicon.words(tokens));
    }
}

/// Compares the search and the words of its hypotheses with the definition.
fn check(
    vocab: usize,
    lexicon: &(impl Scorer + Sync),
    naive: &Spellings,
    words: impl Fn(&[u32]) -> Result<Vec<widebeam::scorers::Word>, widebeam::Error>,
) {
    let nbest = emissions::decode(vocab, lexicon, naive);
    for hypothesis in nbest.item(0).expect("valid scores") {
        let tokens = hypothesis.tokens;
        assert!(naive.end(tokens).is_finite(), "{tokens:?}");
        let found = words(tokens).expect("words of the lexicon");
        let found = found.into_iter().map(|word| (word.text, word.tokens));
        let expected = naive.best_words(tokens).expect("there is a reading");
        assert_eq!(found.collect::<Vec<Spelled>>(), expected, "{tokens:?}");
    }
}

/// A bigram model of every other word, if there is one that a model can have.
fn model(texts: &BTreeSet<String>) -> Option<String> {
    let marks = ["<s>", "</s>", "<unk>", "<UNK>"];
    let is_word = |text: &&String| {
        !text.contains([' ', '\t', '\r', '\n']) && !text.is_empty() && !marks.contains(&&***text)
    };
    let words: Vec<&String> = texts.iter().filter(is_word).step_by(2).collect();
    let first = words.first()?;
    let mut arpa = format!(
        "\\data\\\nngram 1={}\nngram 2={}\n\n",
        words.len() + 3,
        words.len()
    );
    arpa += "\\1-grams:\n-1 <s> -0.25\n-1.25 </s>\n-2.5 <unk> -0.5\n";
    for (place, word) in words.iter().enumerate() {
        arpa += &format!("-{}.75 {word} -0.{}\n", place % 3, place % 4);
    }
    arpa += &format!("\n\\2-grams:\n-0.5 <s> {first}\n");
    for (place, pair) in words.windows(2).enumerate() {
        arpa += &format!("-0.{} {} {}\n", 1 + place % 5, pair[0], pair[1]);
    }
    Some(arpa + "\n\\end\\\n")
}
