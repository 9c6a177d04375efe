//! N-grams over the words of a text.

use std::f64::consts::LN_10;

use super::{BackoffModel, PrefixScorer, Word, text};

/// What a model of words says of a list of words.
#[derive(Clone, Debug)]
pub struct WordScores {
    /// The model.
    pub model: BackoffModel,
    /// The weight of ln P.
    pub weight: f64,
    /// What each word gets.
    pub bonus: f64,
    /// What each unknown word gets beside that.
    pub unknown: f64,
    /// The words that stand before the first.
    pub start: Vec<String>,
    /// Whether `</s>` follows the last word.
    pub end: bool,
}

impl WordScores {
    /// The scores by a model, with a weight of 1, no bonus, `<s>` and `</s>`.
    pub fn new(model: BackoffModel) -> Self {
        WordScores {
            weight: 1.0,
            bonus: 0.0,
            unknown: 0.0,
            start: model.before_a_sentence(),
            end: true,
            model,
        }
    }

    /// A log10-probability as a part of the score.
    pub(super) fn weighted(&self, log10: f32) -> f64 {
        if self.weight == 0.0 && log10 == f32::NEG_INFINITY {
            return 0.0;
        }
        self.weight * (f64::from(log10) * LN_10)
    }

    /// Whether the model does not know a word.
    pub(super) fn is_unknown(&self, word: &Word) -> bool {
        let known = |word: &String| word != "<unk>" && self.model.has(word);
        !word.as_ref().is_some_and(known)
    }

    /// The score of a word after others, the first of which begins the input.
    pub(super) fn word(&self, before: &[Word], word: &Word, unknown: bool) -> f64 {
        let score = self.weighted(self.model.log10(&self.after_start(before), word)) + self.bonus;
        if unknown { score + self.unknown } else { score }
    }

    /// The score of the end of input after some words.
    pub(super) fn end(&self, words: &[Word]) -> f64 {
        if !self.end || !self.model.has("</s>") {
            return 0.0;
        }
        let end = Some("</s>".to_owned());
        self.weighted(self.model.log10(&self.after_start(words), &end))
    }

    /// The state of the model after some words.
    pub(super) fn state(&self, words: &[Word]) -> Vec<String> {
        self.model.state(&self.after_start(words))
    }

    fn after_start(&self, words: &[Word]) -> Vec<Word> {
        let start = self.start.iter().cloned().map(Some);
        start.chain(words.iter().cloned()).collect()
    }
}

/// A [`BackoffModel`] of the words that tokens spell.
#[derive(Clone, Debug)]
pub struct WordNgrams {
    /// The model, and how its scores count.
    pub scores: WordScores,
    /// The bytes that each token spells; a space parts words.
    pub spellings: Vec<Vec<u8>>,
    /// Whether the word under way has the score of the model's best word that begins so.
    pub lookahead: bool,
    /// The words that are known, if not all that the model knows are.
    pub list: Option<Vec<String>>,
}

impl WordNgrams {
    /// The score of a whole input by its words alone.
    pub fn total(&self, tokens: &[u32]) -> f64 {
        let (mut words, under_way) = text::words(&self.spellings, tokens);
        if !under_way.is_empty() {
            words.push(under_way);
        }
        let words = as_words(&words);
        let scores = (0..words.len()).map(|at| self.word(&words[..at], &words[at]));
        scores.sum::<f64>() + self.scores.end(&words)
    }

    fn word(&self, before: &[Word], word: &Word) -> f64 {
        let unlisted =
            |list: &Vec<String>| !list.iter().any(|listed| Some(listed) == word.as_ref());
        let unlisted = self.list.as_ref().is_some_and(unlisted);
        let unknown = unlisted || self.scores.is_unknown(word);
        self.scores.word(before, word, unknown)
    }

    /// What the word under way gets in advance.
    fn advance(&self, under_way: &[u8]) -> f64 {
        if under_way.is_empty() {
            return 0.0;
        }
        let begins = |word: &str| word.as_bytes().starts_with(under_way);
        let (mut unknown, mut score) = (false, 0.0);
        if let Some(list) = &self.list {
            unknown = !list.iter().any(|word| begins(word));
        }
        if self.lookahead {
            let model = &self.scores.model;
            let words = model.words().filter(|word| begins(word));
            let log10 = words.map(|word| model.log10(&[], &Some(word.to_owned())));
            let best = log10.reduce(f32::max);
            unknown |= best.is_none();
            score = self
                .scores
                .weighted(best.unwrap_or_else(|| model.log10(&[], &None)));
        }
        score + if unknown { self.scores.unknown } else { 0.0 }
    }
}

/// Spelled words as words of a model: those that are not UTF-8 are unknown.
fn as_words(spelled: &[Vec<u8>]) -> Vec<Word> {
    let word = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).ok();
    spelled.iter().map(word).collect()
}

impl PrefixScorer for WordNgrams {
    fn last(&self, prefix: &[u32]) -> f64 {
        let (before, under_way_before) = text::words(&self.spellings, &prefix[..prefix.len() - 1]);
        let (words, under_way) = text::words(&self.spellings, prefix);
        let words = as_words(&words);
        let mut sum = 0.0;
        for at in before.len()..words.len() {
            sum += self.word(&words[..at], &words[at]);
        }
        sum + (self.advance(&under_way) - self.advance(&under_way_before))
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        let (words, under_way) = text::words(&self.spellings, prefix);
        let mut words = as_words(&words);
        let mut sum = 0.0;
        if !under_way.is_empty() {
            let last = as_words(std::slice::from_ref(&under_way)).remove(0);
            sum += self.word(&words, &last);
            words.push(last);
        }
        (sum + self.scores.end(&words)) - self.advance(&under_way)
    }

    fn tries_all(&self) -> bool {
        self.scores.weight >= 0.0
    }
}
