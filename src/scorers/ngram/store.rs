//! What holds a model, and answers for it.

use std::borrow::Cow;

use super::state::NgramState;
use crate::error::Error;

/// A model in memory or in a file. A call is dispatched once, to code for this kind of store
/// alone.
pub(super) trait Store: Send + Sync {
    fn order(&self) -> usize;

    /// The number of words; ids are below it.
    fn vocab(&self) -> u32;

    fn word(&self, word: &str) -> Option<u32>;

    /// log10 P(word | state).
    fn score(&self, state: &NgramState, word: Option<u32>) -> f32;

    /// Writes the state after the word.
    fn advance(&self, state: &NgramState, word: Option<u32>, next: &mut NgramState);

    /// log10 P(word | state); writes the state after the word.
    fn score_into(&self, state: &NgramState, word: Option<u32>, next: &mut NgramState) -> f32;

    /// Whether the model has its words, and not only their hashes.
    fn has_words(&self) -> bool;

    /// Every word, in order of their ids.
    ///
    /// # Errors
    ///
    /// If the store does not have them, or not as many as it says.
    fn words(&self) -> Result<Words<'_>, Error>;
}

pub(super) type Words<'a> = Box<dyn Iterator<Item = Cow<'a, str>> + 'a>;

/// The id of a word in a model of so many: that of the unknown word, if it is none of them.
#[inline(always)]
pub(super) fn known(word: Option<u32>, vocab: u32) -> u32 {
    word.filter(|&word| word < vocab).unwrap_or(0)
}
