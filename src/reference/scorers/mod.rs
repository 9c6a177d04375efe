//! Scorers by their definition over a whole prefix. Nothing is remembered from
//! one token to the next: every score is found anew, from the prefix as a text or
//! a list of tokens.

mod allowed;
mod backoff;
mod ngrams;
mod phrases;
mod spellings;
mod text;
mod words;

pub use allowed::Allowed;
pub use backoff::{BackoffModel, Word};
pub use ngrams::Ngrams;
pub use phrases::{Phrase, Phrases};
pub use spellings::{Spelled, Spellings};
pub use words::{WordNgrams, WordScores};

use crate::scorers::Unscored;

/// What a scorer says about a prefix, by looking at all of it.
pub trait PrefixScorer {
    /// The score of a prefix's last token after those before it; one that is not
    /// finite forbids the prefix.
    ///
    /// # Panics
    ///
    /// If the prefix is empty.
    fn last(&self, prefix: &[u32]) -> f64;

    /// The score of the end of input after a prefix; one that is not finite drops
    /// it.
    fn end(&self, prefix: &[u32]) -> f64;

    /// Whether a search tries every token, because no token gains more than some
    /// bound. If not, it tries those alone that are among a frame's best.
    fn tries_all(&self) -> bool {
        false
    }

    /// The sum of the scores of a prefix's tokens, from the first on; negative
    /// infinity for a forbidden prefix.
    fn sum(&self, prefix: &[u32]) -> f64 {
        let score = |length| match self.last(&prefix[..length]) {
            score if score.is_finite() => score,
            _ => f64::NEG_INFINITY,
        };
        (1..=prefix.len()).map(score).fold(0.0, |sum, x| sum + x)
    }
}

/// Says nothing.
impl PrefixScorer for Unscored {
    fn last(&self, _: &[u32]) -> f64 {
        0.0
    }

    fn end(&self, _: &[u32]) -> f64 {
        0.0
    }

    fn tries_all(&self) -> bool {
        true
    }
}

impl<S: PrefixScorer + ?Sized> PrefixScorer for &S {
    fn last(&self, prefix: &[u32]) -> f64 {
        S::last(self, prefix)
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        S::end(self, prefix)
    }

    fn tries_all(&self) -> bool {
        S::tries_all(self)
    }
}

/// Adds two scorers up.
impl<A: PrefixScorer, B: PrefixScorer> PrefixScorer for (A, B) {
    fn last(&self, prefix: &[u32]) -> f64 {
        self.0.last(prefix) + self.1.last(prefix)
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        self.0.end(prefix) + self.1.end(prefix)
    }

    fn tries_all(&self) -> bool {
        self.0.tries_all() && self.1.tries_all()
    }
}

/// Says nothing where there is no scorer.
impl<S: PrefixScorer> PrefixScorer for Option<S> {
    fn last(&self, prefix: &[u32]) -> f64 {
        self.as_ref().map_or(0.0, |scorer| scorer.last(prefix))
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        self.as_ref().map_or(0.0, |scorer| scorer.end(prefix))
    }

    fn tries_all(&self) -> bool {
        self.as_ref().is_none_or(S::tries_all)
    }
}
