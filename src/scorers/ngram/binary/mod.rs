//! KenLM's binary files, read where they lie.
//!
//! ```text
//! header       magic and test values (88 bytes), parameters (20), counts (8 an order), 4 zeros
//! vocabulary   the ids of words by their hashes: probing.rs or sorted
//! n-grams      probing.rs, or trie.rs
//! words        each ended by a zero byte, in order of their ids; where the header says so
//! ```
//!
//! All numbers are little-endian. Nothing has a length of its own: every size follows from
//! the header, from the bits that quantised and array tries store at their start, and from
//! nothing else.
//!
//! Loading works out where each table lies, checks that all of them are within the file, and
//! reads no table, so the pages of a mapped file stay shared and untouched. What lies in
//! the tables is not trusted: a query reads within the table's bounds whatever a key, a
//! pointer or a quantised weight says, and its search ends after as many steps as there
//! are entries. A file with such lies gives wrong scores.

mod header;
mod interpolation;
mod ngrams;
mod packed;
mod pointers;
mod probing;
mod read;
mod table;
mod trie;
mod vocab;
mod weights;

use std::sync::Arc;

use super::hash;
use super::search::step;
use super::state::NgramState;
use super::store::{Store, Words, known};
use crate::error::Error;
use header::{FileType, Header};
use ngrams::Ngrams;
use pointers::{Array, Inline};
use probing::{PLAIN, Probing, WITH_RESTS};
use trie::Trie;
use vocab::Vocab;
use weights::{Exact, Quantised};

/// The bytes of a file: a memory map, for instance.
pub(super) type Bytes = Box<dyn AsRef<[u8]> + Send + Sync>;

/// A file, and where everything in it lies.
struct Binary<N> {
    bytes: Bytes,
    order: usize,
    vocab: Vocab,
    ngrams: N,
    /// Where the words begin.
    words: Option<usize>,
}

/// # Errors
///
/// If it is no whole binary file of KenLM.
pub(super) fn read(bytes: Bytes) -> Result<Arc<dyn Store>, Error> {
    let (header, _) = Header::read((*bytes).as_ref())?;
    match header.kind {
        FileType::Probing { rests: false } => open::<Probing<PLAIN>>(bytes),
        FileType::Probing { rests: true } => open::<Probing<WITH_RESTS>>(bytes),
        FileType::Trie { quantised, array } => match (quantised, array) {
            (false, false) => open::<Trie<Exact, Inline>>(bytes),
            (false, true) => open::<Trie<Exact, Array>>(bytes),
            (true, false) => open::<Trie<Quantised, Inline>>(bytes),
            (true, true) => open::<Trie<Quantised, Array>>(bytes),
        },
    }
}

fn open<N: Ngrams>(bytes: Bytes) -> Result<Arc<dyn Store>, Error> {
    let (header, mut cursor) = Header::read((*bytes).as_ref())?;
    let vocab = N::vocab(&header, &mut cursor)?;
    let ngrams = N::read(&header, &mut cursor)?;
    let words = match header.has_words {
        false => None,
        true => Some(vocab::first_word(&mut cursor)?),
    };
    Ok(Arc::new(Binary {
        bytes,
        order: header.counts.len(),
        vocab,
        ngrams,
        words,
    }))
}

impl<N: Ngrams> Binary<N> {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    #[inline(always)]
    fn step<const SCORED: bool>(
        &self,
        state: &NgramState,
        word: Option<u32>,
        next: &mut NgramState,
    ) -> f32 {
        let word = known(word, self.vocab.words());
        let ngrams = self.ngrams.of(self.bytes());
        step::<_, SCORED>(&ngrams, self.order, state, word, next)
    }
}

impl<N: Ngrams> Store for Binary<N> {
    fn order(&self) -> usize {
        self.order
    }

    fn vocab(&self) -> u32 {
        self.vocab.words()
    }

    fn word(&self, word: &str) -> Option<u32> {
        match word {
            // The vocabulary leaves the unknown word out, under both its names.
            "<unk>" | "<UNK>" => Some(0),
            _ => self
                .vocab
                .find(self.bytes(), hash::of_word(word.as_bytes())),
        }
    }

    fn score(&self, state: &NgramState, word: Option<u32>) -> f32 {
        self.step::<true>(state, word, &mut { NgramState::EMPTY })
    }

    fn advance(&self, state: &NgramState, word: Option<u32>, next: &mut NgramState) {
        self.step::<false>(state, word, next);
    }

    fn score_into(&self, state: &NgramState, word: Option<u32>, next: &mut NgramState) -> f32 {
        self.step::<true>(state, word, next)
    }

    fn has_words(&self) -> bool {
        self.words.is_some()
    }

    fn words(&self) -> Result<Words<'_>, Error> {
        let Some(start) = self.words else {
            let what = "it has no words, only their hashes (it was built with -v)";
            return Err(read::error_at(header::HAS_WORDS, what.to_owned()));
        };
        let words = self.bytes().get(start..).unwrap_or_default();
        let found = words.iter().filter(|&&byte| byte == 0).count();
        let vocab = self.vocab() as usize;
        if found != vocab || words.last() != Some(&0) {
            let what =
                format!("{vocab} words, each with a 0 after it, should stand here, not {found}");
            return Err(read::error_at(start, what));
        }
        let words = words.split(|&byte| byte == 0).take(vocab);
        Ok(Box::new(words.map(String::from_utf8_lossy)))
    }
}
