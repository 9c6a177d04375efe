//! What the kernels are measured on, and what is aimed at.

use serde::Serialize;
use widebeam::ScoreKind;

use crate::synthetic::random_score;
use crate::workload::{Dtype, kind_name};

/// One input: a tensor and a number of tokens to find in each row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) pattern: Pattern,
    pub(super) kind: ScoreKind,
    pub(super) dtype: Dtype,
    pub(super) vocab: usize,
    pub(super) k: usize,
    pub(super) aim: Aim,
}

/// How fast it should be, at the best level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Aim {
    /// At least this fraction of the roofline, on all processors.
    RooflineFraction(f64),
    /// At most this many nanoseconds a row, on one thread.
    RowNanoseconds(f64),
    /// At most this fraction of the time a row of f32 takes, measured in turn
    /// with it, on all processors.
    F32TimeFraction(f64),
}

/// How the scores of a row are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Random,
    Ascending,
    Descending,
    Constant,
    /// Ascending over and over, this many tokens a tooth.
    Sawtooth(usize),
    /// One in so many tokens is better than all others, which tie; that is
    /// about k of a row.
    AllButKEqual(usize),
}

impl Pattern {
    pub(super) fn name(self) -> &'static str {
        match self {
            Pattern::Random => "random",
            Pattern::Ascending => "ascending",
            Pattern::Descending => "descending",
            Pattern::Constant => "constant",
            Pattern::Sawtooth(128) => "sawtooth",
            Pattern::Sawtooth(_) => "long-sawtooth",
            Pattern::AllButKEqual(_) => "all-but-k-equal",
        }
    }
}

impl Case {
    /// As in `ascending-probs-f32-50000-64`; what is random does not say so.
    pub(super) fn name(&self) -> String {
        let pattern = match self.pattern {
            Pattern::Random => String::new(),
            pattern => format!("{}-", pattern.name()),
        };
        let (kind, dtype) = (kind_name(self.kind), self.dtype.name());
        format!("{pattern}{kind}-{dtype}-{}-{}", self.vocab, self.k)
    }

    /// The score at `index` of the tensor.
    pub(super) fn score(&self, index: usize) -> f32 {
        let (token, vocab) = (index % self.vocab, self.vocab);
        // Steps of 1e-6 keep rows of patterns within probability 1.
        let step = match self.pattern {
            Pattern::Random => return random_score(self.kind, vocab, index as u64),
            Pattern::Ascending => token + 1,
            Pattern::Descending => vocab - token,
            Pattern::Constant => 7,
            Pattern::Sawtooth(tooth) => token % tooth,
            Pattern::AllButKEqual(period) => 3 + usize::from(token % period == 3),
        };
        1e-6 * step as f32
    }
}

/// The table of aims. What stands in one group is measured in turn.
pub(super) fn groups() -> Vec<Vec<Case>> {
    use Aim::{F32TimeFraction, RooflineFraction, RowNanoseconds};
    use ScoreKind::{Logits, Probabilities};

    let random = |kind, dtype, vocab, k, aim| Case {
        pattern: Pattern::Random,
        kind,
        dtype,
        vocab,
        k,
        aim,
    };
    let f32 = |kind, vocab, k, aim| vec![random(kind, Dtype::F32, vocab, k, aim)];
    let three = |kind, aim, of_f32| {
        let narrow = |dtype| random(kind, dtype, 50_000, 5, F32TimeFraction(of_f32));
        let wide = random(kind, Dtype::F32, 50_000, 5, aim);
        vec![wide, narrow(Dtype::F16), narrow(Dtype::Bf16)]
    };
    let hard = |pattern| {
        vec![Case {
            pattern,
            ..random(
                Probabilities,
                Dtype::F32,
                50_000,
                64,
                RooflineFraction(0.50),
            )
        }]
    };
    vec![
        f32(Probabilities, 128_256, 10, RooflineFraction(0.95)),
        three(Probabilities, RooflineFraction(0.95), 0.65),
        f32(Probabilities, 5000, 16, RooflineFraction(0.90)),
        f32(Probabilities, 5000, 64, RooflineFraction(0.78)),
        f32(Probabilities, 1000, 8, RooflineFraction(0.75)),
        f32(Probabilities, 512, 8, RooflineFraction(0.80)),
        f32(Probabilities, 32, 8, RowNanoseconds(40.0)),
        f32(Probabilities, 29, 16, RowNanoseconds(35.0)),
        f32(Probabilities, 128_256, 5000, RooflineFraction(0.42)),
        f32(Logits, 128_256, 10, RooflineFraction(0.92)),
        f32(Logits, 32_000, 8, RooflineFraction(0.92)),
        three(Logits, RooflineFraction(0.92), 0.70),
        hard(Pattern::Ascending),
        hard(Pattern::Descending),
        hard(Pattern::Constant),
        hard(Pattern::Sawtooth(128)),
        hard(Pattern::Sawtooth(1000)),
        hard(Pattern::AllButKEqual(782)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_score_is_valid() {
        let cases = groups().concat();
        let mut names: Vec<_> = cases.iter().map(Case::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), cases.len());
        for case in cases {
            let row = 0..2 * case.vocab;
            assert!(row.into_iter().all(|i| case.kind.accepts(case.score(i))));
        }
    }

    #[test]
    fn all_but_k_are_equal() {
        let case = groups().concat().pop().unwrap();
        let best = case.score(3);
        let row: Vec<f32> = (0..case.vocab).map(|token| case.score(token)).collect();
        assert_eq!(row.iter().filter(|&&score| score == best).count(), case.k);
        assert!(row.iter().all(|&score| score == best || score == row[0]));
    }
}
