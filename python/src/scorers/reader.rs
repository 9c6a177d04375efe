//! What the tokens of a hypothesis read as.

use std::sync::Arc;

use widebeam::Error;
use widebeam::scorers::{SpellingLexicon, Vocabulary, Word};

/// Reads tokens as text.
pub(crate) enum Reader {
    /// The labels spell the text.
    Labels(Vocabulary),
    /// The labels spell words of a lexicon, which are the text.
    Words(Arc<SpellingLexicon>),
}

impl Reader {
    pub(crate) fn text(&self, tokens: &[u32]) -> Result<String, Error> {
        match self {
            Reader::Labels(vocabulary) => vocabulary.text(tokens),
            Reader::Words(lexicon) => {
                let words = lexicon.words(tokens)?;
                let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
                Ok(texts.join(" "))
            }
        }
    }

    pub(crate) fn words(&self, tokens: &[u32]) -> Result<Vec<Word>, Error> {
        match self {
            Reader::Labels(vocabulary) => vocabulary.words(tokens),
            Reader::Words(lexicon) => lexicon.words(tokens),
        }
    }
}
