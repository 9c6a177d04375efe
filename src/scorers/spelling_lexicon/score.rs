//! What a token adds to the score of a prefix.

use super::SpellingLexicon;
use super::readings::{MAX_READINGS, Origin, Reading, SpellingState};
use crate::scorers::Scorer;
use crate::scorers::ngram::{NgramModel, NgramState};
use crate::scorers::trie::ROOT;

impl<M: AsRef<NgramModel>> Scorer for SpellingLexicon<M> {
    type State = SpellingState;

    fn start(&self) -> SpellingState {
        let ngram = self
            .model
            .as_ref()
            .map_or(NgramState::EMPTY, |ngrams| ngrams.start);
        let mut state = SpellingState::EMPTY;
        state.readings[0].ngram = ngram;
        (state.length, state.best) = (1, 0.0);
        state.follow = self.following(&state);
        state
    }

    fn score(&self, state: &SpellingState, token: u32) -> f64 {
        let is_delimiter = Some(token) == self.delimiter;
        let mut best = f64::NEG_INFINITY;
        for reading in state.readings() {
            if let Some(node) = self.trie.child(reading.node, token) {
                best = best.max(reading.base + self.ahead(node));
            }
            if is_delimiter && reading.node == ROOT {
                best = best.max(reading.base + self.ahead(ROOT));
            }
        }
        if !state.completions().is_empty() {
            let begun = match self.delimiter {
                Some(_) => is_delimiter.then_some(ROOT),
                None => self.trie.child(ROOT, token),
            };
            if let Some(node) = begun {
                best = best.max(state.best_completion + self.ahead(node));
            }
        }
        best - state.best
    }

    fn advance(&self, state: &SpellingState, token: u32) -> SpellingState {
        let mut next = SpellingState::EMPTY;
        self.advance_into(state, token, &mut next);
        next
    }

    fn advance_into(&self, state: &SpellingState, token: u32, next: &mut SpellingState) {
        self.read(state, token, next, &mut [Origin::default(); MAX_READINGS]);
    }

    fn finish(&self, state: &SpellingState) -> f64 {
        let end = self.end(state);
        end.map_or(f64::NEG_INFINITY, |(value, _)| value - state.best)
    }

    fn may_follow(&self, state: &SpellingState) -> u64 {
        state.follow
    }

    fn max_score(&self, state: &SpellingState) -> f64 {
        let most = self.most_ahead;
        let begins = |reading: &&Reading| reading.node == ROOT;
        let begun = state.readings().iter().find(begins);
        let begun = begun.map_or(f64::NEG_INFINITY, |reading| reading.base);
        let begun = begun.max(state.best_completion) + most;
        begun.max(state.best) - state.best
    }
}
