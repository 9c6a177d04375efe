//! A search and the size of what it is given.

use std::fmt;

use widebeam::{Level, ScoreKind};

use super::dtype::Dtype;
use super::search::Search;
use super::shape::Shape;

/// As `--scores` spells it.
pub(crate) fn kind_name(kind: ScoreKind) -> &'static str {
    match kind {
        ScoreKind::Probabilities => "probs",
        ScoreKind::LogProbabilities => "log-probs",
        ScoreKind::Logits => "logits",
    }
}

/// A search and the size of what it is given.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The search.
    pub search: Search,
    /// Items, steps and tokens.
    pub shape: Shape,
    /// Beam width.
    pub beams: usize,
    /// What the scores are.
    pub kind: ScoreKind,
    /// The type of the scores.
    pub dtype: Dtype,
    /// The environment's or the best, if none is given.
    pub level: Option<Level>,
}

impl Case {
    /// Bytes of scores that one run reads, not to be trusted beyond a progress
    /// bar: it saturates.
    pub fn estimated_bytes(&self) -> usize {
        let [batch, time, vocab] = self.shape.0;
        let item = match self.search {
            Search::Independent | Search::Ctc => time.saturating_mul(vocab),
            // They read every candidate once.
            Search::Autoregressive | Search::Transducer => self.candidates(time),
        };
        item.saturating_mul(batch)
            .saturating_mul(self.dtype.bytes())
    }

    /// How many candidates the naive search scores in the first `steps` steps of an item.
    pub(crate) fn candidates(&self, steps: usize) -> usize {
        let [_, _, vocab] = self.shape.0;
        match self.search {
            // The blank changes no prefix, so there are fewer of them at first.
            Search::Transducer => {
                let next = |prefixes: usize| prefixes.saturating_mul(vocab - 1).saturating_add(1);
                candidates(steps, vocab, self.beams, next)
            }
            _ => candidates(steps, vocab, self.beams, |beam| beam.saturating_mul(vocab)),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case {
            search,
            shape,
            beams,
            kind,
            dtype,
            ..
        } = self;
        let (search, kind, dtype) = (search.name(), kind_name(*kind), dtype.name());
        write!(f, "{search} {shape} {beams} {kind} {dtype}")
    }
}

/// How many candidates the naive search of an item scores: beam x vocab a
/// step, and the beam is not full at first. `next` says how many hypotheses follow so many.
fn candidates(steps: usize, vocab: usize, beams: usize, next: impl Fn(usize) -> usize) -> usize {
    let (mut beam, mut sum) = (1usize, 0usize);
    for done in 0..steps {
        let step = beam.saturating_mul(vocab);
        let next = next(beam).min(beams);
        if next == beam {
            // It stays as wide for all steps that are left, which may be millions.
            sum = sum.saturating_add(step.saturating_mul(steps - done));
            break;
        }
        sum = sum.saturating_add(step);
        beam = next;
    }
    sum.max(1)
}

#[cfg(test)]
mod tests {
    fn candidates(steps: usize, vocab: usize, beams: usize) -> usize {
        super::candidates(steps, vocab, beams, |beam| beam.saturating_mul(vocab))
    }

    #[test]
    fn the_beam_fills_before_it_costs_its_width() {
        assert_eq!(candidates(0, 10, 3), 1);
        assert_eq!(candidates(3, 10, 3), 10 + 30 + 30);
        assert_eq!(candidates(3, 2, 100), 2 + 4 + 8);
        assert_eq!(candidates(9, 2, 5), 2 + 4 + 8 + 6 * 10);
        assert_eq!(candidates(7, 1, 5), 7);
        assert_eq!(candidates(usize::MAX, 2, 2), usize::MAX);
    }
}
