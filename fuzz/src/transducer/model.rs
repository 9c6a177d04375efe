//! A toy predictor and joiner in one.

use arbitrary::{Result, Unstructured};
use widebeam::ScoreKind;
use widebeam::reference::toy::mix;
use widebeam::reference::transducer::{Settings, Topology};
use widebeam_toy::any_tensor;

/// Any function of an utterance, a frame and the last tokens of a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub(super) vocab: usize,
    pub(super) kind: ScoreKind,
    columns: usize,
    /// How many of the last tokens count.
    memory: usize,
}

impl Model {
    pub(super) fn new(u: &mut Unstructured<'_>, settings: &Settings) -> Result<Self> {
        let vocab = u.int_in_range(1..=6)?;
        let durations = match &settings.topology {
            Topology::Tdt { durations, .. } => durations.len(),
            Topology::Standard { .. } | Topology::OneSymbol => 0,
        };
        Ok(Model {
            vocab,
            kind: any_tensor::kind(u)?,
            columns: vocab + durations,
            memory: u.int_in_range(0..=3)?,
        })
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn row(&self, utterance: u16, frame: usize, prefix: &[u32]) -> Vec<f32> {
        let recent = &prefix[prefix.len().saturating_sub(self.memory)..];
        let start = mix(u64::from(utterance) ^ mix(frame as u64 + 1));
        let seed = recent.iter().fold(start, |seed, &token| {
            mix(seed.wrapping_add(u64::from(token) + 1))
        });
        let column = |column| mix(seed ^ column as u64) as usize;
        (0..self.columns)
            .map(column)
            .map(|at| self.value(at))
            .collect()
    }

    /// One of few values, so that there are ties and impossible symbols.
    fn value(&self, at: usize) -> f32 {
        let values: [f32; 6] = match self.kind {
            ScoreKind::Probabilities => [0.0, 0.125, 0.25, 0.25, 0.5, 1.0],
            ScoreKind::LogProbabilities => [f32::NEG_INFINITY, -0.25, -0.5, -0.5, -2.0, -40.0],
            ScoreKind::Logits => [f32::NEG_INFINITY, 0.0, 1.0, 1.0, -3.0, 9.5],
        };
        values[at % values.len()]
    }

    /// A score that is not valid.
    pub(super) fn invalid(&self, u: &mut Unstructured<'_>) -> Result<f32> {
        Ok(match self.kind {
            ScoreKind::Probabilities => *u.choose(&[f32::NAN, 1.5, -0.5])?,
            ScoreKind::LogProbabilities => *u.choose(&[f32::NAN, 0.5])?,
            ScoreKind::Logits => *u.choose(&[f32::NAN, f32::INFINITY])?,
        })
    }
}
