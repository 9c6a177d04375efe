//! Hypotheses by their text, and the frames of words.

use std::ops::RangeInclusive;

use super::nbest::{CtcHypothesis, CtcNBest};
use crate::error::Error;
use crate::scorers::{Vocabulary, Word};
use crate::search::aligned;

impl CtcNBest {
    /// The same results with one hypothesis for each text: of those whose tokens spell the
    /// same, the best one stays, with the sum of all their masses. They are ranked by that sum
    /// and the scorer's score of the one that stays.
    ///
    /// Tokens that are segmentations of one text are different labellings, whose masses count
    /// apart otherwise. Only those that the beam held are there: a wider beam finds more of them.
    /// Texts that differ in spaces stay apart; [`CtcNBest::merged_by`] joins them.
    ///
    /// # Errors
    ///
    /// If a token is not in the vocabulary, or memory runs out.
    pub fn merged_by_text(&self, vocabulary: &Vocabulary) -> Result<CtcNBest, Error> {
        self.merged_by(|tokens| vocabulary.text(tokens))
    }

    /// [`NBest::merged_by_text`](crate::NBest::merged_by_text) with the text that `text` makes
    /// of tokens, such as the words of a
    /// [`SpellingLexicon`](crate::scorers::SpellingLexicon).
    ///
    /// # Errors
    ///
    /// The first error of `text`, or if memory runs out.
    pub fn merged_by(
        &self,
        text: impl FnMut(&[u32]) -> Result<String, Error>,
    ) -> Result<CtcNBest, Error> {
        aligned::merged_by(self, text)
    }
}

impl CtcHypothesis<'_> {
    /// The frames of one of its words in the best alignment: from the first frame of the
    /// word's first token to the last frame of its last token. `None` if it has no such tokens.
    pub fn word_frames(&self, word: &Word) -> Option<RangeInclusive<u32>> {
        let first = self.frames.get(word.tokens.start)?;
        let last = word.tokens.end.checked_sub(1)?;
        Some(*first..=*self.last_frames.get(last)?)
    }
}
