//! A scorer of words of each kind, over as many tokens as a test wants.

// Each test binary uses some of the scorers.
#![allow(dead_code)]

use std::sync::Arc;

use widebeam::ctc::Blank;
use widebeam::scorers::{
    Lexicon, Lookahead, NgramModel, Phrases, SpellingLexicon, Vocabulary, WordNgram,
};

/// What tokens spell, by turns.
const PIECES: [&str; 8] = [
    "c",
    "\u{2581}",
    "b",
    "a",
    "\u{2581}a",
    "\u{2581}b",
    "ab",
    "\u{2581}ab",
];

const WORDS: [&str; 8] = ["a", "b", "ab", "ba", "abc", "aab", "bab", "cab"];

/// A bigram model that knows most of the words.
const MODEL: &str = "\
\\data\\
ngram 1=9
ngram 2=6

\\1-grams:
-1.5 <unk> -0.25
-99 <s> -0.375
-1.25 </s>
-0.75 a -0.125
-1.0 b -0.5
-1.25 ab -0.25
-0.875 ba
-1.75 abc -0.375
-2.25 bab -0.0625

\\2-grams:
-0.5 <s> a
-0.25 a ab
-0.375 ab ba
-0.625 b ab
-0.125 ba </s>
-0.75 bab b

\\end\\
";

pub(crate) fn model() -> Arc<NgramModel> {
    Arc::new(NgramModel::read_arpa(MODEL.as_bytes()).unwrap())
}

fn vocabulary(vocab: usize, blank: u32) -> Vocabulary {
    let labels: Vec<&str> = PIECES.into_iter().cycle().take(vocab).collect();
    Vocabulary::new(&labels, Some(Blank(blank)))
}

pub(crate) fn word_ngram(vocab: usize, blank: u32) -> WordNgram<Arc<NgramModel>> {
    let scorer = WordNgram::new(model(), &vocabulary(vocab, blank)).unwrap();
    let scorer = scorer.with_lookahead(Lookahead::Unigram).unwrap();
    let scorer = scorer.with_weight(0.5).unwrap();
    let scorer = scorer.with_word_bonus(0.75).unwrap();
    scorer.with_unknown_score(-1.5).unwrap()
}

/// Words of tokens from 3 on, some spelled alike, some in several ways. Token 1 stands
/// between words.
pub(crate) fn spelling_lexicon(vocab: usize) -> SpellingLexicon<Arc<NgramModel>> {
    let last = vocab as u32 - 1;
    let words = [
        ("a", &[3][..]),
        ("b", &[4]),
        ("ab", &[3, 4]),
        ("ab", &[5]),
        ("ba", &[4, 3]),
        ("bab", &[4, 3]),
        ("abc", &[3, 4, 5]),
        ("cab", &[last]),
        ("aab", &[3, last - 1]),
        ("bab", &[last, last]),
    ];
    let scorer = SpellingLexicon::new(&words, Some(1)).unwrap();
    let scorer = scorer.with_model(model()).unwrap();
    let scorer = scorer.with_lookahead(Lookahead::Unigram);
    let scorer = scorer.with_weight(0.5).unwrap();
    scorer.with_unknown_score(-1.5).unwrap()
}

pub(crate) fn phrases(vocab: usize, blank: u32) -> Phrases {
    let phrases = [("ab a", 4.5), ("bab", 3.0), ("ab", 1.25), ("a b ab", -2.0)];
    Phrases::from_text(&phrases, &vocabulary(vocab, blank), true).unwrap()
}

pub(crate) fn lexicon(vocab: usize, blank: u32) -> Lexicon {
    Lexicon::new(&WORDS, &vocabulary(vocab, blank)).unwrap()
}
