//! N-grams over the labels of tokens.

use std::f64::consts::LN_10;

use super::{BackoffModel, PrefixScorer};
use crate::scorers::NgramUnit;

/// A [`BackoffModel`] over the labels of tokens: weight x ln P + bonus a token, and
/// weight x ln P(`</s>`) at the end.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Ngrams {
    pub model: BackoffModel,
    pub labels: Vec<String>,
    /// Not [`NgramUnit::Word`].
    pub unit: NgramUnit,
    pub weight: f64,
    pub bonus: f64,
}

impl Ngrams {
    /// A label, or a character of one, as a word. A space has several names.
    fn word(&self, word: &str) -> Option<String> {
        let names = match word {
            " " => &[" ", "<space>", "\u{2581}", "|"][..],
            "\u{2581}" => &["\u{2581}", "<space>", "|"],
            word => &[word],
        };
        let name = names.iter().find(|&name| self.model.has(name));
        name.map(|&name| name.to_owned())
    }

    /// The words of some tokens; an unknown one for a token without a label.
    fn words(&self, tokens: &[u32]) -> Vec<Option<String>> {
        let of = |&token: &u32| match (self.labels.get(token as usize), self.unit) {
            (None, _) => vec![None],
            (Some(label), NgramUnit::Character) => {
                let characters = label.chars().map(|c| self.word(&c.to_string()));
                characters.collect()
            }
            (Some(label), _) => vec![self.word(label)],
        };
        tokens.iter().flat_map(of).collect()
    }

    /// The words of a sentence that begins with some tokens.
    fn sentence(&self, tokens: &[u32]) -> Vec<Option<String>> {
        let start = self.model.has("<s>").then(|| Some("<s>".to_owned()));
        start.into_iter().chain(self.words(tokens)).collect()
    }
}

impl PrefixScorer for Ngrams {
    fn last(&self, prefix: &[u32]) -> f64 {
        let words = self.sentence(prefix);
        let before = self.sentence(&prefix[..prefix.len() - 1]).len();
        let mut sum = 0.0;
        for at in before..words.len() {
            sum += f64::from(self.model.log10(&words[..at], &words[at]));
        }
        self.weight * (sum * LN_10) + self.bonus
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        if !self.model.has("</s>") {
            return 0.0;
        }
        let end = Some("</s>".to_owned());
        let log10 = self.model.log10(&self.sentence(prefix), &end);
        self.weight * (f64::from(log10) * LN_10)
    }

    fn tries_all(&self) -> bool {
        let is_one = |label: &String| label.chars().count() <= 1;
        let one_each = self.unit == NgramUnit::Token || self.labels.iter().all(is_one);
        self.weight >= 0.0 && one_each
    }
}
