//! The best candidates of a step, out of live beams x vocabulary.

use std::cmp::Ordering;

use crate::kernels::exp::exp_nonpositive_f64;
use crate::order::descending;
use crate::scores::ScoreKind;
use crate::simd::ScalarF64;

/// One continuation of one beam.
#[derive(Clone, Copy, Debug)]
pub(super) struct Continuation {
    /// The parent's score and the token's.
    pub(super) score: f64,
    /// The token's log-probability, processed.
    pub(super) log_probability: f64,
    /// The rank of the parent among the beams of its group.
    pub(super) parent: u32,
    pub(super) token: u32,
    /// The token's score as it was read.
    pub(super) value: f32,
}

/// What a candidate must reach to be among the best that are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    score: f64,
    /// With that very score, parents up to this one reach it.
    parent: u32,
}

impl Default for Bar {
    fn default() -> Self {
        Bar::NONE
    }
}

impl Bar {
    /// All that is possible reaches it.
    pub(super) const NONE: Bar = Bar::at(f64::NEG_INFINITY);

    /// A score that as many candidates as are wanted have reached.
    pub(super) const fn at(score: f64) -> Self {
        Bar {
            score,
            parent: u32::MAX,
        }
    }

    /// What is not worse than the worst of as many candidates as are wanted.
    /// (Another token of the same parent may be better at the same score.)
    pub(super) fn just_above(worst: &Continuation) -> Self {
        Bar {
            score: worst.score,
            parent: worst.parent,
        }
    }

    /// The harder to reach of the two.
    pub(super) fn raise(&mut self, other: Bar) {
        let harder =
            other.score > self.score || (other.score == self.score && other.parent < self.parent);
        if harder {
            *self = other;
        }
    }

    pub(super) fn is_reached(&self, score: f64, parent: u32) -> bool {
        score > self.score || (score == self.score && parent <= self.parent)
    }

    /// About the score of a token, as it is read, that takes a beam of `score`
    /// to the bar.
    pub(super) fn guess(&self, score: f64, kind: ScoreKind, normaliser: f64) -> f32 {
        let log_probability = self.score - score;
        let value = match kind {
            ScoreKind::Logits => log_probability + normaliser,
            ScoreKind::LogProbabilities => log_probability,
            ScoreKind::Probabilities => exp_nonpositive_f64(ScalarF64(log_probability)).0,
        };
        value as f32
    }
}

/// The total order of candidates: score descending, parent ascending, then
/// the order of the row: log-probability descending, value read descending,
/// token ascending.
///
/// The values decide only where two different f32 round to one log-probability in f64.
pub(super) fn compare(a: &Continuation, b: &Continuation) -> Ordering {
    descending(a.score, b.score)
        .then(a.parent.cmp(&b.parent))
        .then(descending(a.log_probability, b.log_probability))
        .then_with(|| descending(f64::from(a.value), f64::from(b.value)))
        .then(a.token.cmp(&b.token))
}

/// Keeps the best `count`, in no order, and returns the worst of them; `None`
/// if there are fewer.
pub(super) fn keep_best(candidates: &mut Vec<Continuation>, count: usize) -> Option<Continuation> {
    if candidates.len() < count {
        return None;
    }
    let (_, &mut worst, _) = candidates.select_nth_unstable_by(count - 1, compare);
    candidates.truncate(count);
    Some(worst)
}
