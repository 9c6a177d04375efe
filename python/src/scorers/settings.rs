//! The settings of text and scorers, from the dictionary that the package fills.

use std::path::PathBuf;

use pyo3::prelude::*;

use crate::ngram_model::NgramModel;

/// The text of tokens.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Text {
    pub(crate) labels: Option<Labels>,
    pub(crate) word_delimiter: Option<String>,
    pub(crate) merge_text: MergeText,
}

/// Which hypotheses are merged.
#[derive(FromPyObject)]
pub(crate) enum MergeText {
    /// Those that spell the same text, or none.
    Whether(bool),
    /// By what else.
    By(String),
}

#[derive(FromPyObject)]
pub(crate) enum Labels {
    File(PathBuf),
    Listed(Vec<String>),
}

/// The language model.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct LanguageModel {
    pub(crate) lm: Option<Py<NgramModel>>,
    pub(crate) lm_unit: String,
    pub(crate) lm_weight: Option<f64>,
    pub(crate) token_bonus: Option<f64>,
    pub(crate) word_bonus: Option<f64>,
    pub(crate) unknown_score: Option<f64>,
    pub(crate) lm_lookahead: Option<String>,
    pub(crate) bos: bool,
    pub(crate) eos: bool,
}

/// Lists of words and phrases.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Words {
    pub(crate) lexicon: Option<Lexicon>,
    pub(crate) hotwords: Option<Hotwords>,
    pub(crate) hotword_weight: Option<f64>,
    pub(crate) whole_words: bool,
    pub(crate) strict: bool,
}

#[derive(FromPyObject)]
pub(crate) enum Lexicon {
    File(PathBuf),
    Words(Vec<String>),
}

#[derive(FromPyObject)]
pub(crate) enum Hotwords {
    File(PathBuf),
    /// Phrases and, if they have one, the boost of the whole phrase.
    Listed(Vec<(String, Option<f64>)>),
}
