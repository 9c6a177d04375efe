//! Whether an n-gram model is one of the units it is used for.

use std::fmt;

use super::ngram::NgramModel;
use super::ngram_unit::NgramUnit;
use super::vocabulary::{Vocabulary, WordBoundary};
use crate::error::{Error, Kind};

/// So many words of a model are looked at, and less than twice as many, evenly spread over
/// all.
const SAMPLE: usize = 10_000;

/// How well an n-gram model and labels fit each other.
///
/// A model is refused as one of other units if one of these holds:
/// - it knows no label;
/// - it knows less than half of the labels, and less than half of its words fit;
/// - less than a tenth of its words fit.
///
/// Of 10,000 to 20,000 words, evenly spread over the model, or of all that it has, a word fits if it is a label
/// ([`NgramUnit::Token`]), a single character ([`NgramUnit::Character`]), or, in a model of
/// words, if the labels can spell it and it is not just one character, unless every token is a
/// word. A model without the strings of its words is judged by the labels alone, and one of
/// words not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NgramFit {
    /// What the model is used for.
    pub unit: NgramUnit,
    /// How many labels there are, without those that are no text; 0 for words.
    pub labels: usize,
    /// How many of them the model knows.
    pub known_labels: usize,
    /// How many words of the model were looked at.
    pub words: usize,
    /// How many of them fit.
    pub fitting_words: usize,
}

impl NgramFit {
    /// Looks at a model that is used for tokens or characters; `knows` says whether it knows
    /// all units of a label.
    pub(super) fn of_labels(
        model: &NgramModel,
        vocabulary: &Vocabulary,
        unit: NgramUnit,
        knows: impl Fn(u32) -> bool,
    ) -> Result<Self, Error> {
        let is_text = |&token: &u32| !vocabulary.spelling(token).is_empty();
        let texts = (0..vocabulary.len() as u32).filter(is_text);
        let (mut labels, mut known_labels) = (0, 0);
        for token in texts {
            labels += 1;
            known_labels += usize::from(knows(token));
        }
        let mut fit = NgramFit {
            unit,
            labels,
            known_labels,
            words: 0,
            fitting_words: 0,
        };
        fit.look_at_words(model, |word| match unit {
            NgramUnit::Character => is_character(word),
            _ => vocabulary.token(word).is_some() || SPACES.contains(&word),
        })?;
        fit.check()
    }

    /// Looks at a model that is used for words.
    pub(super) fn of_words(model: &NgramModel, vocabulary: &Vocabulary) -> Result<Self, Error> {
        let mut fit = NgramFit {
            unit: NgramUnit::Word,
            labels: 0,
            known_labels: 0,
            words: 0,
            fitting_words: 0,
        };
        let speller = vocabulary.speller()?;
        let tokens_are_words = vocabulary.boundary() == WordBoundary::EveryToken;
        fit.look_at_words(model, |word| {
            (tokens_are_words || !is_character(word)) && speller.can_spell(word, true)
        })?;
        fit.check()
    }

    fn look_at_words(
        &mut self,
        model: &NgramModel,
        fits: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        if !model.has_words() {
            return Ok(());
        }
        let step = (model.vocab() / SAMPLE).max(1);
        for (word, _) in model.words()?.step_by(step) {
            if !MARKS.contains(&&*word) {
                self.words += 1;
                self.fitting_words += usize::from(fits(&word));
            }
        }
        Ok(())
    }

    fn check(self) -> Result<Self, Error> {
        let none_known = self.labels > 0 && self.known_labels == 0;
        let few_known = self.labels > 0 && 2 * self.known_labels < self.labels;
        let few_fit = 2 * self.fitting_words < self.words;
        let hardly_any = 10 * self.fitting_words < self.words;
        if none_known || few_known && few_fit || hardly_any {
            let unit = match self.unit {
                NgramUnit::Token => "labels",
                NgramUnit::Character => "characters",
                NgramUnit::Word => "words",
            };
            let counted = self.to_string();
            return Err(Kind::OtherUnits { unit, counted }.into());
        }
        Ok(self)
    }

    /// Whether the model may be one of other units: less than half of its words fit, or it
    /// knows less than half of the labels, unless nine tenths of its words fit. (A model of one
    /// language's letters knows few labels of a reader of many.)
    pub fn is_doubtful(&self) -> bool {
        let nearly_all_fit = self.words > 0 && 10 * self.fitting_words >= 9 * self.words;
        let few_are_known = 2 * self.known_labels < self.labels;
        2 * self.fitting_words < self.words || few_are_known && !nearly_all_fit
    }
}

/// What was counted, as a part of a sentence.
impl fmt::Display for NgramFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NgramFit {
            labels,
            known_labels,
            words,
            fitting_words,
            ..
        } = self;
        if *labels > 0 {
            write!(f, "it knows {known_labels} of {labels} labels")?;
        }
        if *words > 0 {
            let joint = if *labels > 0 { ", and " } else { "" };
            let fit = match self.unit {
                NgramUnit::Token => "are labels",
                NgramUnit::Character => "are single characters",
                NgramUnit::Word => "are longer than a character and can be spelled with the labels",
            };
            write!(f, "{joint}{fitting_words} of {words} of its words {fit}")?;
        }
        Ok(())
    }
}

/// Marks, which are words of a model and of no text.
pub(super) const MARKS: [&str; 4] = ["<s>", "</s>", "<unk>", "<UNK>"];

/// Names of a space in models of tokens or characters.
const SPACES: [&str; 3] = ["<space>", "\u{2581}", "|"];

fn is_character(word: &str) -> bool {
    word.chars().count() == 1 || SPACES.contains(&word)
}
