//! What the tokens of a CTC hypothesis read as.

use std::sync::Arc;

use widebeam::Error;
use widebeam::ctc::CtcNBest;
use widebeam::scorers::{SpellingLexicon, Vocabulary, Word};

/// Reads tokens as text.
pub(super) enum Reader {
    /// The labels spell the text.
    Labels(Vocabulary),
    /// The labels spell words of a lexicon, which are the text.
    Words(Arc<SpellingLexicon>),
}

impl Reader {
    pub(super) fn text(&self, tokens: &[u32]) -> Result<String, Error> {
        match self {
            Reader::Labels(vocabulary) => vocabulary.text(tokens),
            Reader::Words(lexicon) => {
                let words = lexicon.words(tokens)?;
                let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
                Ok(texts.join(" "))
            }
        }
    }

    pub(super) fn words(&self, tokens: &[u32]) -> Result<Vec<Word>, Error> {
        match self {
            Reader::Labels(vocabulary) => vocabulary.words(tokens),
            Reader::Words(lexicon) => lexicon.words(tokens),
        }
    }

    /// One hypothesis for each text.
    pub(super) fn merged(&self, nbest: &CtcNBest) -> Result<CtcNBest, Error> {
        nbest.merged_by(|tokens| self.text(tokens))
    }
}
