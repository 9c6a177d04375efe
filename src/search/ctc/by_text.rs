//! Hypotheses by their text, and the frames of words.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use super::nbest::{CtcHypothesis, CtcNBest, Scores};
use crate::error::Error;
use crate::kernels::log_add::log_add_scalar;
use crate::order::descending;
use crate::scorers::{Vocabulary, Word};

impl CtcNBest {
    /// The same results with one hypothesis for each text: of those whose tokens spell the
    /// same, the best one stays, with the sum of all their masses. They are ranked by that sum
    /// and the scorer's score of the one that stays.
    ///
    /// Tokens that are segmentations of one text are different labellings, whose masses count
    /// apart otherwise.
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
        mut text: impl FnMut(&[u32]) -> Result<String, Error>,
    ) -> Result<CtcNBest, Error> {
        let mut merged = CtcNBest::new();
        merged.first_item = self.first_item;
        for item in self.iter() {
            match item {
                Err(error) => merged.fail_item(error)?,
                Ok(hypotheses) => {
                    merged.push_merged(hypotheses, &mut text)?;
                    merged.end_item()?;
                }
            }
        }
        Ok(merged)
    }

    fn push_merged<'a>(
        &mut self,
        hypotheses: impl Iterator<Item = CtcHypothesis<'a>>,
        text: &mut impl FnMut(&[u32]) -> Result<String, Error>,
    ) -> Result<(), Error> {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut texts: Vec<CtcHypothesis<'a>> = Vec::new();
        for hypothesis in hypotheses {
            let place = *places
                .entry(text(hypothesis.tokens)?)
                .or_insert(texts.len());
            match texts.get_mut(place) {
                None => texts.push(hypothesis),
                Some(best) => best.log_mass = log_add_scalar(best.log_mass, hypothesis.log_mass),
            }
        }
        for text in &mut texts {
            text.score = text.log_mass + text.scorer_score;
        }
        texts.sort_by(|a, b| descending(a.score, b.score));
        for text in texts {
            let scores = Scores {
                score: text.score,
                log_mass: text.log_mass,
                alignment: text.alignment_score,
                scorer: text.scorer_score,
            };
            let [frames, last_frames] = self.push([text.tokens, &[]], scores)?;
            frames.copy_from_slice(text.frames);
            last_frames.copy_from_slice(text.last_frames);
        }
        Ok(())
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
