//! Toy models.

use crate::reference::toy::mix;
use crate::{ScoreKind, ScoresView};

/// A toy model: any function of the history, from a seed.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Chooses the function.
    pub seed: u64,
    /// Tokens in its vocabulary.
    pub vocab: usize,
    /// How many of the last tokens matter.
    pub memory: usize,
    /// How many values scores are drawn from; 0 for a continuum.
    pub values: u64,
    /// One token in this many is impossible; 0 for none.
    pub impossible: u64,
    /// What it puts out.
    pub kind: ScoreKind,
}

impl Model {
    /// Scores every token after a history.
    pub fn scores(&self, history: &[u32]) -> Vec<f32> {
        let recent = &history[history.len().saturating_sub(self.memory)..];
        let state = recent.iter().fold(mix(self.seed), |state, &token| {
            mix(state.wrapping_add(u64::from(token) + 1))
        });
        let draw = |token: usize| {
            let bits = mix(state.wrapping_add(mix(token as u64 + 77)));
            if self.impossible > 0 && bits.is_multiple_of(self.impossible) {
                return match self.kind {
                    ScoreKind::Probabilities => 0.0,
                    _ => f32::NEG_INFINITY,
                };
            }
            let unit = match self.values {
                0 => (bits >> 40) as f32 / (1u64 << 24) as f32,
                values => ((bits >> 8) % values) as f32 / values as f32,
            };
            match self.kind {
                ScoreKind::Probabilities => (unit + 0.01) / 2.0,
                ScoreKind::LogProbabilities => -4.0 * unit - 0.1,
                ScoreKind::Logits => 8.0 * unit - 4.0,
            }
        };
        (0..self.vocab).map(draw).collect()
    }

    /// Rows of scores, as the search takes them.
    pub fn view<'a>(&self, data: &'a [f32]) -> ScoresView<'a> {
        let rows = data.len() / self.vocab;
        ScoresView::new(self.kind, data, [rows, self.vocab]).unwrap()
    }
}
