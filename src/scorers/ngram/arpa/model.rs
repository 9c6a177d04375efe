//! A model in memory, and its answers.

use std::borrow::Cow;

use super::super::search::step;
use super::super::state::NgramState;
use super::super::store::{Store, Words, known};
use super::tables::Tables;
use super::vocab::Vocab;
use crate::error::Error;

/// A model in memory.
#[derive(Debug)]
pub(in super::super) struct Arpa {
    pub(super) vocab: Vocab,
    pub(super) tables: Tables,
}

impl Arpa {
    #[inline(always)]
    fn step<const SCORED: bool>(
        &self,
        state: &NgramState,
        word: Option<u32>,
        next: &mut NgramState,
    ) -> f32 {
        let word = known(word, self.vocab.words());
        step::<_, SCORED>(&self.tables, self.tables.order(), state, word, next)
    }
}

impl Store for Arpa {
    fn order(&self) -> usize {
        self.tables.order()
    }

    fn vocab(&self) -> u32 {
        self.vocab.words()
    }

    fn word(&self, word: &str) -> Option<u32> {
        self.vocab.find(word.as_bytes())
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
        true
    }

    fn words(&self) -> Result<Words<'_>, Error> {
        Ok(Box::new(self.vocab.strings().map(Cow::Borrowed)))
    }
}
