//! Back-off n-gram models: from ARPA files, and from KenLM's binary files.

mod arpa;
mod binary;
mod file_kind;
mod hash;
mod search;
mod state;
mod store;

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;
use std::sync::Arc;

pub use state::NgramState;

use crate::error::Error;
use store::Store;

/// The highest order of a model; it fixes the size of a state.
const MAX_ORDER: usize = 10;

/// A back-off n-gram model (Katz 1987), read from an ARPA file or from a binary file of
/// KenLM (Heafield 2011).
///
/// log10 P(w | context) is that of the longest n-gram that ends the context followed by w,
/// plus the back-offs of all longer ends of the context, from the shortest on. It is summed
/// in f32, and the model is read as KenLM reads it, so the scores are equal to KenLM's to the
/// bit.
///
/// Clones share the model.
#[derive(Clone)]
pub struct NgramModel {
    store: Arc<dyn Store>,
    start: NgramState,
}

impl NgramModel {
    /// The highest order, 10.
    pub const MAX_ORDER: usize = MAX_ORDER;

    /// Reads an ARPA file.
    ///
    /// An n-gram may be there without those that it begins or ends with: they get the
    /// probabilities that the model gives them otherwise. A back-off at the highest order is
    /// not used. A log-probability may be -inf. `<UNK>` is `<unk>`; where neither is there,
    /// unknown words have -100.
    ///
    /// # Errors
    ///
    /// If the source cannot be read or is not a whole ARPA file: the error names the line
    /// and what should stand there. If the order is above [`NgramModel::MAX_ORDER`], or a
    /// line longer than 1 MiB.
    pub fn read_arpa(source: impl BufRead) -> Result<Self, Error> {
        let arpa = arpa::read(source)?;
        let mut model = NgramModel {
            store: Arc::new(arpa),
            start: NgramState::EMPTY,
        };
        if let start @ Some(_) = model.word("<s>") {
            model.start = model.advance(&NgramState::EMPTY, start);
        }
        Ok(model)
    }

    /// Whether a file that begins so is a binary file of KenLM, of any version. 64 bytes are
    /// enough.
    pub fn is_binary(start: &[u8]) -> bool {
        start.starts_with(file_kind::KENLM)
    }

    /// Takes the bytes of a binary file of KenLM, of any of its six types: a memory map, so
    /// that its pages are read when they are needed and shared with others; or a vector.
    ///
    /// It looks at a few numbers and reads no table, so it takes the same time for any size.
    /// What lies in the tables is not checked: in a broken file, scores may be wrong.
    ///
    /// # Errors
    ///
    /// If it is not a whole binary file of KenLM: the error names the byte and what should
    /// stand there, or what the file is instead. If the order is above
    /// [`NgramModel::MAX_ORDER`].
    pub fn from_binary(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, Error> {
        let mut model = NgramModel {
            store: binary::read(Box::new(bytes))?,
            start: NgramState::EMPTY,
        };
        // As KenLM: a model that was built without `<s>` starts after an unknown word.
        model.start = model.advance(&NgramState::EMPTY, model.word("<s>"));
        Ok(model)
    }

    /// The order: the length of the longest n-grams.
    pub fn order(&self) -> usize {
        self.store.order()
    }

    /// The number of words, `<unk>` and marks such as `<s>` included. Ids are below it.
    pub fn vocab(&self) -> usize {
        self.store.vocab() as usize
    }

    /// The id of a word, if the model knows it.
    pub fn word(&self, word: &str) -> Option<u32> {
        self.store.word(word)
    }

    /// The state of no context at all.
    pub fn empty_state(&self) -> NgramState {
        NgramState::EMPTY
    }

    /// The state at the beginning of a sentence, after `<s>`. If the model does not know
    /// `<s>`: after an ARPA file that of no context, after a binary file that of an unknown
    /// word.
    pub fn start_state(&self) -> NgramState {
        self.start
    }

    /// log10 P(word | state). `None` is a word that the model does not know: it has the
    /// probability of `<unk>`. So has an id that is no word of the model.
    #[inline]
    pub fn score(&self, state: &NgramState, word: Option<u32>) -> f32 {
        self.store.score(state, word)
    }

    /// The state after a word. `None` is a word that the model does not know.
    #[inline]
    pub fn advance(&self, state: &NgramState, word: Option<u32>) -> NgramState {
        let mut next = NgramState::EMPTY;
        self.store.advance(state, word, &mut next);
        next
    }

    /// [`NgramModel::score`] and [`NgramModel::advance`] in one search.
    #[inline]
    pub fn score_and_advance(&self, state: &NgramState, word: Option<u32>) -> (f32, NgramState) {
        let mut next = NgramState::EMPTY;
        let score = self.score_into(state, word, &mut next);
        (score, next)
    }

    /// [`NgramModel::score_and_advance`] that writes the state after the word to `next`.
    ///
    /// This is the fastest way to score text word by word, with two states in turns: a
    /// copy of a state that was just written waits for memory.
    #[inline]
    pub fn score_into(&self, state: &NgramState, word: Option<u32>, next: &mut NgramState) -> f32 {
        self.store.score_into(state, word, next)
    }

    /// Has fetched from memory what the score of a word needs, which several scores then wait
    /// for together.
    #[inline]
    pub(super) fn prefetch(&self, state: &NgramState, word: Option<u32>) {
        self.store.prefetch(state, word);
    }

    /// The state after some words that follow a state, as for an utterance that goes on from
    /// the one before.
    pub fn state_after<W: AsRef<str>>(
        &self,
        state: &NgramState,
        words: impl IntoIterator<Item = W>,
    ) -> NgramState {
        let words = words.into_iter();
        words.fold(*state, |state, word| {
            self.advance(&state, self.word(word.as_ref()))
        })
    }

    /// Whether the model has its words, and not only their hashes.
    pub fn has_words(&self) -> bool {
        self.store.has_words()
    }

    /// Every word and its log10 P without a context, in order of their ids: `<unk>` first,
    /// even where the model does not have it. In a word that is not UTF-8, U+FFFD stands for
    /// what is not.
    ///
    /// # Errors
    ///
    /// If the file has no words, or not as many as it says.
    pub fn words(&self) -> Result<impl Iterator<Item = (Cow<'_, str>, f32)>, Error> {
        let words = self.store.words()?;
        let scored = move |(id, word)| (word, self.score(&NgramState::EMPTY, Some(id)));
        Ok((0..).zip(words).map(scored))
    }
}

impl fmt::Debug for NgramModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NgramModel")
            .field("order", &self.order())
            .field("vocab", &self.vocab())
            .finish_non_exhaustive()
    }
}

impl AsRef<NgramModel> for NgramModel {
    fn as_ref(&self) -> &NgramModel {
        self
    }
}
