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
mod packed;
mod pointers;
mod probing;
mod read;
mod trie;
mod vocab;
mod weights;

use super::hash;
use super::search::step;
use super::state::NgramState;
use crate::error::Error;
use header::{FileType, Header};
use probing::{PLAIN, Probing, WITH_RESTS};
use trie::Trie;
use vocab::Vocab;

/// Where everything in a file lies.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    order: usize,
    vocab: Vocab,
    ngrams: Ngrams,
    /// Where the words begin.
    words: Option<usize>,
}

#[derive(Clone, Debug)]
enum Ngrams {
    Probing(Probing<PLAIN>),
    WithRests(Probing<WITH_RESTS>),
    Trie(Trie),
}

impl Layout {
    /// # Errors
    ///
    /// If it is no whole binary file of KenLM.
    pub(super) fn read(bytes: &[u8]) -> Result<Layout, Error> {
        let (header, mut cursor) = Header::read(bytes)?;
        let (vocab, ngrams) = match header.kind {
            FileType::Probing { rests } => {
                let vocab = Vocab::hashed(&header, &mut cursor)?;
                let ngrams = match rests {
                    false => Ngrams::Probing(Probing::read(&header, &mut cursor)?),
                    true => Ngrams::WithRests(Probing::read(&header, &mut cursor)?),
                };
                (vocab, ngrams)
            }
            FileType::Trie { quantised, array } => {
                let vocab = Vocab::sorted(&header, &mut cursor)?;
                let trie = Trie::read(&header, quantised, array, &mut cursor)?;
                (vocab, Ngrams::Trie(trie))
            }
        };
        let words = match header.has_words {
            false => None,
            true => Some(vocab::first_word(&mut cursor)?),
        };
        Ok(Layout {
            order: header.counts.len(),
            vocab,
            ngrams,
            words,
        })
    }

    pub(super) fn order(&self) -> usize {
        self.order
    }

    /// The number of words; ids are below it.
    pub(super) fn vocab(&self) -> u32 {
        self.vocab.words()
    }

    pub(super) fn word(&self, bytes: &[u8], word: &str) -> Option<u32> {
        match word {
            // The vocabulary leaves the unknown word out, under both its names.
            "<unk>" | "<UNK>" => Some(0),
            _ => self.vocab.find(bytes, hash::of_word(word.as_bytes())),
        }
    }

    /// log10 P(word | state), and the state after it.
    #[inline]
    pub(super) fn step<const SCORED: bool>(
        &self,
        bytes: &[u8],
        state: &NgramState,
        word: u32,
        next: &mut NgramState,
    ) -> f32 {
        let order = self.order;
        match &self.ngrams {
            Ngrams::Probing(probing) => {
                step::<_, SCORED>(&probing.of(bytes), order, state, word, next)
            }
            Ngrams::WithRests(probing) => {
                step::<_, SCORED>(&probing.of(bytes), order, state, word, next)
            }
            Ngrams::Trie(trie) => step::<_, SCORED>(&trie.of(bytes), order, state, word, next),
        }
    }

    /// Has fetched what [`Layout::step`] needs, as far as its places are known.
    pub(super) fn prefetch(&self, bytes: &[u8], state: &NgramState, word: u32) {
        match &self.ngrams {
            Ngrams::Probing(probing) => probing.prefetch(bytes, state.words(), word),
            Ngrams::WithRests(probing) => probing.prefetch(bytes, state.words(), word),
            Ngrams::Trie(_) => {}
        }
    }

    pub(super) fn has_words(&self) -> bool {
        self.words.is_some()
    }

    /// The bytes of every word, in order of their ids.
    ///
    /// # Errors
    ///
    /// If the file does not have them, or not as many as it says.
    pub(super) fn words<'a>(
        &self,
        bytes: &'a [u8],
    ) -> Result<impl Iterator<Item = &'a [u8]> + use<'a>, Error> {
        let Some(start) = self.words else {
            let what = "it has no words, only their hashes (it was built with -v)";
            return Err(read::error_at(header::HAS_WORDS, what.to_owned()));
        };
        let words = bytes.get(start..).unwrap_or_default();
        let found = words.iter().filter(|&&byte| byte == 0).count();
        let vocab = self.vocab() as usize;
        if found != vocab || words.last() != Some(&0) {
            let what =
                format!("{vocab} words, each with a 0 after it, should stand here, not {found}");
            return Err(read::error_at(start, what));
        }
        Ok(words.split(|&byte| byte == 0).take(vocab))
    }
}
