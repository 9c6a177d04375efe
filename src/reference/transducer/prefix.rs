//! A prefix with its mass and its best alignment.

use crate::reference::scorers::PrefixScorer;

/// A prefix that some alignments lead to.
#[derive(Clone, Debug)]
pub(super) struct Prefix {
    pub(super) tokens: Vec<u32>,
    /// The log of their summed mass.
    pub(super) mass: f64,
    pub(super) best: Alignment,
    /// The scorer's part.
    pub(super) scored: f64,
}

/// The best of the alignments, and the frame and the duration of each token in it.
#[derive(Clone, Debug)]
pub(super) struct Alignment {
    pub(super) score: f64,
    pub(super) frames: Vec<u32>,
    pub(super) durations: Vec<u32>,
}

impl Prefix {
    pub(super) fn empty() -> Self {
        Prefix {
            tokens: Vec::new(),
            mass: 0.0,
            best: Alignment {
                score: 0.0,
                frames: Vec::new(),
                durations: Vec::new(),
            },
            scored: 0.0,
        }
    }

    /// What prefixes are ranked by.
    pub(super) fn total(&self) -> f64 {
        self.mass + self.scored
    }

    /// The same prefix after the blank, of a duration of some log-probability.
    pub(super) fn after_blank(&self, duration: f64, blank: f64) -> Self {
        let mut next = self.clone();
        next.mass = (next.mass + duration) + blank;
        next.best.score = (next.best.score + duration) + blank;
        next
    }

    /// The prefix with a token behind it, emitted in a frame with a duration, given the
    /// log-probabilities of the duration and of the token.
    pub(super) fn after_token(
        &self,
        token: u32,
        (frame, duration): (u32, u32),
        duration_score: f64,
        token_score: f64,
        scorer: &impl PrefixScorer,
    ) -> Self {
        let mut next = self.after_blank(duration_score, token_score);
        next.tokens.push(token);
        next.best.frames.push(frame);
        next.best.durations.push(duration);
        next.scored = scorer.sum(&next.tokens);
        next
    }
}
