//! What the tokens of a hypothesis read as.

use std::sync::Arc;

use widebeam::Error;
use widebeam::ctc::CtcHypothesis;
use widebeam::scorers::{SpellingLexicon, Vocabulary, Word};

/// Reads the tokens of a hypothesis as text.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    /// The labels spell the text.
    Labels(Vocabulary),
    /// The labels spell words of a lexicon, which are the text.
    Words(Arc<SpellingLexicon>),
}

/// The text of a hypothesis.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) text: String,
    /// The words, of a search that says in which frames they are.
    pub(crate) words: Option<Vec<WordFrames>>,
}

/// A word, its first and its last frame.
#[derive(Debug)]
pub(crate) struct WordFrames {
    pub(crate) word: String,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Reader {
    /// The text of some tokens. A token without a label, or tokens that are no words, are an
    /// error.
    pub(crate) fn text(&self, tokens: &[u32]) -> Result<String, Error> {
        match self {
            Reader::Labels(vocabulary) => vocabulary.text(tokens),
            Reader::Words(lexicon) => lexicon.words(tokens).map(|words| join(&words)),
        }
    }

    /// The text of a hypothesis, and the frames of its words.
    pub(crate) fn read(&self, hypothesis: &CtcHypothesis<'_>) -> Result<Transcript, Error> {
        let (text, words) = match self {
            Reader::Labels(vocabulary) => {
                let words = vocabulary.words(hypothesis.tokens)?;
                (vocabulary.text(hypothesis.tokens)?, words)
            }
            Reader::Words(lexicon) => {
                let words = lexicon.words(hypothesis.tokens)?;
                (join(&words), words)
            }
        };
        let in_frames = |word: Word| {
            let frames = hypothesis.word_frames(&word)?;
            Some(WordFrames {
                word: word.text,
                start: *frames.start(),
                end: *frames.end(),
            })
        };
        Ok(Transcript {
            text,
            words: Some(words.into_iter().filter_map(in_frames).collect()),
        })
    }
}

fn join(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
    texts.join(" ")
}
