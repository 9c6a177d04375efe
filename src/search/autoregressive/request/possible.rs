//! Whether a request can end, as far as that follows from its settings, whatever the scores.
//!
//! What constraints with states, functions and processors of the caller permit is known only
//! when a step asks them, and of a trie only the first tokens and the shortest sequence are
//! looked at. A request whose hypotheses die out for such reasons is taken, and finds nothing.

use super::Request;
use crate::error::{Error, Kind};
use crate::memory::{reserve, resize};
use crate::search::autoregressive::processors::Earliest;

/// First tokens that are looked at to begin with; most requests permit one of them.
const FEW: usize = 64;

const WHAT: &str = "the tokens that may be first";

impl Request {
    /// If no hypothesis can finish.
    pub(super) fn check_possible(&self, vocab: usize) -> Result<(), Error> {
        for (constraint, _) in &self.constraints {
            let what = constraint.name();
            if constraint.permits_nothing() {
                return Err(Kind::PermitsNothing { what }.into());
            }
            if self.forces_end() && constraint.permits_none_of(&self.end_tokens) {
                return Err(Kind::PermitsNoEnd { what }.into());
            }
        }
        self.check_required()?;
        self.check_first(vocab)?;
        self.check_end()
    }

    /// How many tokens are generated at least before each of some tokens, which ascend.
    fn find_earliest(&self, tokens: &[u32], earliest: &mut Vec<usize>) -> Result<(), Error> {
        earliest.clear();
        resize(earliest, tokens.len(), WHAT)?;
        let mut earliest = Earliest {
            prompt: &self.prompt,
            end_tokens: &self.end_tokens,
            max_length: self.max_length,
            tokens,
            counts: earliest,
        };
        let processors = self.logits.iter().chain(&self.log_probabilities);
        processors.for_each(|processor| processor.find_earliest(&mut earliest));
        let constraints = self.constraints.iter();
        constraints.for_each(|(constraint, _)| constraint.find_earliest(&mut earliest));
        Ok(())
    }

    /// If no token can be the first.
    fn check_first(&self, vocab: usize) -> Result<(), Error> {
        let processors = self.logits.len() + self.log_probabilities.len();
        let one = processors == 0 && self.constraints.len() < 2;
        let mut constraints = self.constraints.iter();
        let goes_on = constraints.any(|(constraint, _)| constraint.needs_a_token());
        // Where complete sequences finish, the empty one may.
        if one || (self.completes() && !goes_on) {
            return Ok(());
        }
        let mut constraints = self.constraints.iter();
        let known = constraints
            .find_map(|(constraint, _)| constraint.first_tokens(|tokens| self.has_first(tokens)));
        match known.unwrap_or_else(|| self.has_first(&mut (0..vocab as u32)))? {
            true => Ok(()),
            false => Err(Kind::NoFirstToken.into()),
        }
    }

    /// Whether one of some tokens, which ascend, may be the first.
    fn has_first(&self, all: &mut dyn Iterator<Item = u32>) -> Result<bool, Error> {
        let (mut tokens, mut earliest) = (Vec::new(), Vec::new());
        let mut most = FEW;
        loop {
            tokens.clear();
            reserve(&mut tokens, most, WHAT)?;
            tokens.extend((&mut *all).take(most));
            self.find_earliest(&tokens, &mut earliest)?;
            if earliest.contains(&0) {
                return Ok(true);
            }
            if tokens.len() < most {
                return Ok(false);
            }
            // A long list of tokens that never may be is read once for each part.
            most *= FEW;
        }
    }

    /// If the last token must be an end token, and none can be in time.
    fn check_end(&self) -> Result<(), Error> {
        if !self.forces_end() || !self.ends.is_empty() {
            return Ok(());
        }
        let mut earliest = Vec::new();
        self.find_earliest(&self.end_tokens, &mut earliest)?;
        let missing = self.required.missing_at_first();
        let of_words = |token| match self.required.tokens().binary_search(token) {
            // It may be the last one of them.
            Ok(_) => missing.saturating_sub(1),
            Err(_) => missing,
        };
        let ends = self.end_tokens.iter().zip(earliest);
        let before = ends.map(|(token, earliest)| earliest.max(of_words(token)));
        let before = before.min().unwrap_or(0);
        match before < self.max_length {
            true => Ok(()),
            false => Err(Kind::NoEndInTime {
                before: (before < usize::MAX).then_some(before),
                max_length: self.max_length,
            }
            .into()),
        }
    }

    /// If a requirement has no phrase that can occur.
    fn check_required(&self) -> Result<(), Error> {
        let tokens = self.required.tokens();
        let mut earliest = Vec::new();
        self.find_earliest(tokens, &mut earliest)?;
        let never = |token: &u32| match tokens.binary_search(token) {
            Ok(at) => earliest[at] == usize::MAX,
            Err(_) => false,
        };
        let ends_before = |phrase: &[u32]| {
            let before = &phrase[..phrase.len() - 1];
            let is_end = |token: &u32| self.end_tokens.binary_search(token).is_ok();
            let mut stops = self.ends.stops().iter();
            before.iter().any(is_end)
                || stops.any(|stop| before.windows(stop.len()).any(|part| part == stop))
        };
        for (requirement, mut phrases) in self.required.requirements().enumerate() {
            if phrases.all(|phrase| phrase.iter().any(never) || ends_before(phrase)) {
                return Err(Kind::RequiredImpossible { requirement }.into());
            }
        }
        Ok(())
    }
}
