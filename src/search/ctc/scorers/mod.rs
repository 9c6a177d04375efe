//! Scorers: n-gram language models, favoured words, lexicons.

mod arpa;
mod hotwords;
mod labels;
mod lexicon;
mod ngram;
mod trie;

pub use hotwords::Hotwords;
pub use labels::Labels;
pub use lexicon::Lexicon;
pub use ngram::{NgramModel, NgramScorer, NgramState, NgramUnit};
