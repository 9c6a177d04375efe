//! The toy transducer of `perf/peers/toy_transducer.py`.

use serde::Deserialize;
use widebeam::reference::toy::mix;

/// A model: the joiner adds a part of the encoder and a part of the predictor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    seed: u64,
    pub(super) vocab: usize,
    /// How many labels the predictor remembers.
    pub(super) context: usize,
    pub(super) blank: u32,
    blank_bonus: f32,
    /// How far the number of tokens moves the predictor.
    #[serde(default)]
    count_span: f32,
    /// How far apart frames are that follow each other.
    #[serde(default = "three")]
    frame_span: f32,
    /// How many durations there are behind the labels.
    #[serde(default)]
    pub(super) durations: usize,
    /// What all logits are multiplied by.
    #[serde(default = "one")]
    scale: f32,
}

fn one() -> f32 {
    1.0
}

fn three() -> f32 {
    3.0
}

impl Model {
    /// The logits of a frame after a prefix: of the labels, then of the durations.
    pub(super) fn logits(&self, frame: usize, prefix: &[u32]) -> Vec<f32> {
        // Before the first token there is a blank, and before that nothing.
        let (before, last) = match prefix {
            [] => (None, self.blank),
            [last] => (Some(self.blank), *last),
            [.., before, last] => (Some(*before), *last),
        };
        let before = before.filter(|_| self.context == 2);
        let logit = |label: u64| {
            let slow = 6.0 * self.unit(&[0, frame as u64 / 3, label]);
            let fast = self.frame_span * self.unit(&[1, frame as u64, label]);
            let mut encoder = slow + fast;
            if label == u64::from(self.blank) {
                encoder += self.blank_bonus;
            }
            let mut predictor = 4.0 * self.unit(&[2, u64::from(last), label]);
            if let Some(before) = before {
                predictor += 2.0 * self.unit(&[3, u64::from(before), label]);
            }
            predictor += self.count_span * self.unit(&[4, prefix.len() as u64, label]);
            self.scale * (encoder + predictor)
        };
        (0..(self.vocab + self.durations) as u64)
            .map(logit)
            .collect()
    }

    /// The logarithms of the probabilities of the labels, where there are no durations.
    pub(super) fn log_probabilities(&self, frame: usize, prefix: &[u32]) -> Vec<f64> {
        let logits = self.logits(frame, prefix).into_iter().map(f64::from);
        let logits: Vec<f64> = logits.collect();
        let sum = logits.iter().copied().map(f64::exp).sum::<f64>().ln();
        logits.into_iter().map(|logit| logit - sum).collect()
    }

    fn unit(&self, place: &[u64]) -> f32 {
        let state = place.iter().fold(mix(self.seed), |state, &part| {
            mix(state.wrapping_add(part + 1))
        });
        (state >> 40) as f32 / (1u64 << 24) as f32
    }
}
