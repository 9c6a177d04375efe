//! From the readings of a prefix to those of one that is a token longer.

use super::readings::{Best, Completion, MAX_READINGS, Origin, Reading, SpellingState};
use super::{SpellingLexicon, bit};
use crate::scorers::ngram::{NgramModel, NgramState};
use crate::scorers::trie::ROOT;
use crate::simd::prefetch;

impl<M: AsRef<NgramModel>> SpellingLexicon<M> {
    /// The score of a word, by its place in the list, and the state after it.
    #[inline]
    fn score_word(&self, ngram: &NgramState, entry: u32) -> (f64, NgramState) {
        match &self.model {
            None => (0.0, NgramState::EMPTY),
            Some(ngrams) => {
                let id = ngrams.ids[entry as usize];
                let (log10, next) = ngrams.model.as_ref().score_and_advance(ngram, id);
                (self.scores.of(log10, id.is_none()), next)
            }
        }
    }

    /// Writes the state after a token, and where its readings come from.
    pub(super) fn read(
        &self,
        state: &SpellingState,
        token: u32,
        next: &mut SpellingState,
        origins: &mut [Origin; MAX_READINGS],
    ) {
        if !self.spell(state, token, next, origins) {
            self.branch(state, token, next, origins);
        }
        self.fetch(next);
        self.complete(next);
        next.follow = self.following(next);
    }

    /// [`SpellingLexicon::read`] where the token goes on with the word of all readings, they
    /// stand at one node, and keep their order: what nearly all tokens do. Else `false`.
    fn spell(
        &self,
        state: &SpellingState,
        token: u32,
        next: &mut SpellingState,
        origins: &mut [Origin; MAX_READINGS],
    ) -> bool {
        let begins = match self.delimiter {
            Some(delimiter) => token == delimiter,
            None => !state.completions().is_empty(),
        };
        let readings = state.readings();
        let Some(first) = readings.first().filter(|_| !begins) else {
            return false;
        };
        let child = self.trie.child(first.node, token);
        let Some(node) = child.filter(|_| readings.iter().all(|other| other.node == first.node))
        else {
            return false;
        };
        let ahead = self.ahead(node);
        let (mut keep, mut least) = (true, f64::INFINITY);
        let places = next.readings.iter_mut().zip(&mut *origins);
        for ((rank, reading), (to, origin)) in (0..).zip(readings).zip(places) {
            let value = reading.base + ahead;
            keep &= value <= least && value.is_finite();
            least = value;
            *to = Reading { node, ..*reading };
            *origin = Origin {
                from: rank,
                entry: None,
            };
        }
        (next.length, next.best) = (state.length, first.base + ahead);
        keep
    }

    /// [`SpellingLexicon::read`] for any token.
    fn branch(
        &self,
        state: &SpellingState,
        token: u32,
        next: &mut SpellingState,
        origins: &mut [Origin; MAX_READINGS],
    ) {
        let is_delimiter = Some(token) == self.delimiter;
        // Where the readings go whose word is complete.
        let begun = match self.delimiter {
            Some(_) => is_delimiter.then_some(ROOT),
            None => self.trie.child(ROOT, token),
        };
        let mut best = Best::new(self.readings, &mut next.readings, origins);
        let mut completions = state.completions().iter().peekable();
        for (rank, reading) in (0..).zip(state.readings()) {
            let from = Origin {
                from: rank,
                entry: None,
            };
            if let Some(node) = self.trie.child(reading.node, token) {
                let value = reading.base + self.ahead(node);
                best.add(value, Reading { node, ..*reading }, from);
            }
            if is_delimiter && reading.node == ROOT {
                best.add(reading.base + self.ahead(ROOT), *reading, from);
            }
            while let Some(completion) = completions.next_if(|next| next.from == rank) {
                if let Some(node) = begun {
                    let Completion { base, ngram, .. } = *completion;
                    let origin = Origin {
                        from: rank,
                        entry: Some(completion.entry),
                    };
                    best.add(
                        base + self.ahead(node),
                        Reading { node, base, ngram },
                        origin,
                    );
                }
            }
        }
        (next.length, next.best) = best.found();
    }

    /// Has what the next tokens lead to fetched: they are asked for a frame later.
    fn fetch(&self, state: &SpellingState) {
        let mut before = ROOT;
        for reading in state.readings() {
            // Most readings stand at one node.
            if reading.node != before {
                let child = self.trie.prefetch_children(reading.node);
                prefetch(&self.ahead, child as usize);
            }
            before = reading.node;
        }
    }

    /// Which tokens may follow, by their bits.
    pub(super) fn following(&self, state: &SpellingState) -> u64 {
        let bits = |node: u32| self.follow[node as usize];
        let readings = state.readings().iter();
        let mut follow = readings.fold(0, |all, reading| all | bits(reading.node));
        let at_root = |reading: &Reading| reading.node == ROOT;
        let completes = !state.completions().is_empty();
        match self.delimiter {
            Some(delimiter) if completes || state.readings().iter().any(at_root) => {
                follow |= bit(delimiter);
            }
            None if completes => follow |= bits(ROOT),
            _ => {}
        }
        follow
    }

    /// Finds the completions of a state's readings.
    fn complete(&self, state: &mut SpellingState) {
        (state.completed, state.best_completion) = (0, f64::NEG_INFINITY);
        let readings = &state.readings[..usize::from(state.length)];
        if readings
            .iter()
            .all(|reading| self.entries(reading.node).is_empty())
        {
            return;
        }
        // All are waited for together.
        if let Some(ngrams) = &self.model {
            for reading in readings {
                for &entry in self.entries(reading.node) {
                    let id = ngrams.ids[entry as usize];
                    ngrams.model.as_ref().prefetch(&reading.ngram, id);
                }
            }
        }
        let mut completed = [Reading::NONE; MAX_READINGS];
        let mut origins = [Origin::default(); MAX_READINGS];
        let mut best = Best::new(self.readings, &mut completed, &mut origins);
        for (rank, reading) in (0..).zip(readings) {
            for &entry in self.entries(reading.node) {
                let (score, ngram) = self.score_word(&reading.ngram, entry);
                let base = reading.base + score;
                let node = ROOT;
                let origin = Origin {
                    from: rank,
                    entry: Some(entry),
                };
                best.add(base, Reading { node, base, ngram }, origin);
            }
        }
        (state.completed, state.best_completion) = best.write_completions(&mut state.completions);
    }

    /// The value of the best reading at the end of input, and what completes it.
    pub(super) fn end(&self, state: &SpellingState) -> Option<(f64, Origin)> {
        let end = |base: f64, ngram: &NgramState| match &self.model {
            Some(ngrams) if ngrams.end.is_some() => {
                let log10 = ngrams.model.as_ref().score(ngram, ngrams.end);
                base + self.scores.weighted(log10)
            }
            _ => base,
        };
        let mut best: Option<(f64, Origin)> = None;
        let mut add = |value: f64, from: u8, entry: Option<u32>| {
            if value.is_finite() && best.is_none_or(|(other, _)| value > other) {
                best = Some((value, Origin { from, entry }));
            }
        };
        for (rank, reading) in (0..).zip(state.readings()) {
            if reading.node == ROOT {
                add(end(reading.base, &reading.ngram), rank, None);
            }
            for &entry in self.entries(reading.node) {
                let (score, ngram) = self.score_word(&reading.ngram, entry);
                add(end(reading.base + score, &ngram), rank, Some(entry));
            }
        }
        best
    }
}
