//! Fixed scores, and a hash of results.

use half::{bf16, f16};
use widebeam::reference::toy::mix;
use widebeam::{Element, ScoreKind};

pub(crate) const KINDS: [(&str, ScoreKind); 3] = [
    ("probabilities", ScoreKind::Probabilities),
    ("log-probabilities", ScoreKind::LogProbabilities),
    ("logits", ScoreKind::Logits),
];

/// A type of score.
pub(crate) trait Number: Element + Copy {
    const NAME: &'static str;
    fn of(value: f32) -> Self;
}

macro_rules! number {
    ($type:ty, $of:expr) => {
        impl Number for $type {
            const NAME: &'static str = stringify!($type);
            fn of(value: f32) -> Self {
                $of(value)
            }
        }
    };
}
number!(f32, std::convert::identity);
number!(f16, f16::from_f32);
number!(bf16, bf16::from_f32);

/// The score number `index` of a tensor: one in eleven is impossible, and in
/// half precision many are tied.
pub(crate) fn value(kind: ScoreKind, seed: u64, index: usize) -> f32 {
    let bits = mix(seed ^ mix(index as u64));
    let unit = (bits >> 40) as f32 / (1u64 << 24) as f32;
    match kind {
        ScoreKind::Probabilities if bits.is_multiple_of(11) => 0.0,
        _ if bits.is_multiple_of(11) => f32::NEG_INFINITY,
        ScoreKind::Probabilities => unit,
        ScoreKind::LogProbabilities => -8.0 * unit,
        ScoreKind::Logits => 24.0 * unit - 12.0,
    }
}

/// Everything that came out, in order, as one number.
#[derive(Default)]
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn number(&mut self, number: u64) {
        self.0 = mix(self
            .0
            .rotate_left(7)
            .wrapping_add(number)
            .wrapping_add(0x9e37_79b9));
    }

    /// A sequence and its length.
    pub(crate) fn tokens(&mut self, tokens: &[u32]) {
        self.number(tokens.len() as u64);
        tokens
            .iter()
            .for_each(|&token| self.number(u64::from(token)));
    }

    /// A score, to the bit.
    pub(crate) fn score(&mut self, score: f64) {
        self.number(score.to_bits());
    }

    pub(crate) fn get(&self) -> u64 {
        self.0
    }
}

/// The hash of a case from those of its items.
pub(crate) fn hex(items: &[u64]) -> String {
    let mut hash = Hash::default();
    items.iter().for_each(|&item| hash.number(item));
    format!("{:016x}", hash.get())
}
