//! Toy models with state: a predictor and a joiner in one, by a hash of frame and prefix.

// Each user draws rows in some ways.
#![allow(dead_code)]

use widebeam::ScoreKind;
use widebeam::reference::toy::mix;

/// A model: any function of the frame and the last tokens of the prefix, from a seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    /// Chooses the function.
    pub(crate) seed: u64,
    /// Tokens, the blank counted.
    pub(crate) vocab: usize,
    /// Durations; 0 if not TDT.
    pub(crate) durations: usize,
    /// How many of the last tokens matter.
    pub(crate) memory: usize,
    /// How many values scores are drawn from, so that there are ties; 0 for a continuum.
    pub(crate) values: u64,
    /// One score in this many is impossible; 0 for none.
    pub(crate) impossible: u64,
    /// How far the scores of a row lie apart at most, as logits.
    pub(crate) spread: f32,
    /// What it puts out. Log-probabilities and probabilities are normalised.
    pub(crate) kind: ScoreKind,
}

impl Model {
    /// The row of a frame and a prefix: `vocab` + `durations` scores.
    pub(crate) fn row(&self, frame: usize, prefix: &[u32]) -> Vec<f32> {
        let recent = &prefix[prefix.len().saturating_sub(self.memory)..];
        let start = mix(self.seed ^ mix(frame as u64 + 1));
        let state = recent.iter().fold(start, |state, &token| {
            mix(state.wrapping_add(u64::from(token) + 1))
        });
        let draw = |place: usize| {
            let bits = mix(state.wrapping_add(mix(place as u64 + 77)));
            if self.impossible > 0 && bits.is_multiple_of(self.impossible) {
                return f32::NEG_INFINITY;
            }
            let unit = match self.values {
                0 => (bits >> 40) as f32 / (1u64 << 24) as f32,
                values => ((bits >> 8) % values) as f32 / values as f32,
            };
            self.spread * unit
        };
        let mut row: Vec<f32> = (0..self.vocab + self.durations).map(draw).collect();
        let (tokens, durations) = row.split_at_mut(self.vocab);
        for scores in [tokens, durations] {
            self.as_kind(scores);
        }
        row
    }

    /// Turns logits into scores of the kind.
    fn as_kind(&self, scores: &mut [f32]) {
        let exp = |score: f32| f64::from(score).exp();
        let sum: f64 = scores.iter().copied().map(exp).sum();
        for score in scores {
            *score = match self.kind {
                ScoreKind::Logits => *score,
                ScoreKind::LogProbabilities => (f64::from(*score) - sum.ln()) as f32,
                ScoreKind::Probabilities => (exp(*score) / sum.max(f64::MIN_POSITIVE)) as f32,
            };
            // Where all are impossible.
            if score.is_nan() {
                *score = f32::NEG_INFINITY;
            }
        }
    }
}
