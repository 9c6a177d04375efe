//! The reader of word lists, and what is made of them: a lexicon, and favoured
//! phrases.

use widebeam::reference::scorers::{Favoured, PrefixScorer};
use widebeam::scorers::{Lexicon, Phrases, Vocabulary};
use widebeam_cli::labels::Labels;
use widebeam_cli::words::Words;

use crate::{emissions, file};

/// The largest vocabulary that is decoded.
const MOST_LABELS: usize = 12;
/// Its multiples are exact, and so are the shares of a phrase.
const WEIGHT: f64 = 1.5;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (labels, words) = file::halves(data);
    let blank = emissions::BLANK;
    let Ok(labels) = file::with(".txt", labels, |path| Labels::open(path, Some(blank))) else {
        return;
    };
    let read = |path: &_| Words::read(path, &labels);
    let words = match file::with(".txt", words, read) {
        Ok(words) => words,
        Err(failure) => return file::refused(&failure),
    };
    let vocabulary = labels.vocabulary();
    let vocab = vocabulary.len();
    if vocab == 0 || vocab > MOST_LABELS {
        return;
    }
    let boosted = words.spelled.iter().map(|s| (s, WEIGHT * s.len() as f64));
    let phrases = Phrases::from_tokens(&boosted.collect::<Vec<_>>()).expect("no word is empty");
    let favoured = Favoured {
        sequences: words.spelled.clone(),
        weight: WEIGHT,
    };
    emissions::decode(vocab, &phrases, &favoured);
    let texts = words.spelled.iter().map(|tokens| labels.text(tokens));
    let texts: Vec<String> = texts.collect();
    // A word may hold the separator, or be of special tokens alone.
    let Ok(lexicon) = Lexicon::new(&texts, vocabulary) else {
        return;
    };
    let allowed = Allowed {
        words: &texts,
        vocabulary,
    };
    let nbest = emissions::decode(vocab, &lexicon, &allowed);
    for hypothesis in nbest.item(0).expect("valid scores") {
        let found = vocabulary.words(hypothesis.tokens).expect("tokens");
        for word in found {
            assert!(texts.contains(&word.text), "{word:?}");
        }
    }
    emissions::decode(vocab, &(lexicon, phrases), &(allowed, favoured));
}

/// The only words that the text of a prefix may be made of.
struct Allowed<'a> {
    words: &'a [String],
    vocabulary: &'a Vocabulary,
}

impl Allowed<'_> {
    /// The score of a prefix whose last word is `whole`, or need not be.
    fn score(&self, prefix: &[u32], whole: bool) -> f64 {
        let spelled = prefix.iter().map(|&token| self.vocabulary.spelling(token));
        let text = spelled.collect::<Vec<_>>().concat();
        let mut parts: Vec<&[u8]> = text.split(|&byte| byte == b' ').collect();
        let last = parts.pop().unwrap_or_default();
        let words = || self.words.iter().map(String::as_bytes);
        let is_word = |part: &[u8]| part.is_empty() || words().any(|word| word == part);
        let begins = words().any(|word| word.starts_with(last)) && !whole;
        match parts.into_iter().all(is_word) && (begins || is_word(last)) {
            true => 0.0,
            false => f64::NEG_INFINITY,
        }
    }
}

impl PrefixScorer for Allowed<'_> {
    fn last(&self, prefix: &[u32]) -> f64 {
        self.score(prefix, false)
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        self.score(prefix, true)
    }
}
