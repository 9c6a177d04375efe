//! The three searches with something to do: what `bench` and `scaling` measure.

mod autoregressive;
mod ctc;
mod independent;
mod reference;
mod values;

pub(crate) use self::reference::{Comparison, compare};
pub(crate) use self::values::Values;

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;
use widebeam::{Level, ScoreKind};

use self::autoregressive::Autoregressive;
use self::ctc::Ctc;
use self::independent::Independent;
use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Search {
    /// Every position has one distribution, whatever came before it
    Independent,
    /// A request's beams are scored step by step
    Autoregressive,
    /// Prefix search over CTC emissions
    Ctc,
}

impl Search {
    pub(crate) const ALL: [Search; 3] = [Search::Independent, Search::Autoregressive, Search::Ctc];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Search::Independent => "independent",
            Search::Autoregressive => "autoregressive",
            Search::Ctc => "ctc",
        }
    }

    /// What its models give as a rule.
    pub(crate) fn usual_kind(self) -> ScoreKind {
        match self {
            Search::Independent => ScoreKind::Probabilities,
            Search::Autoregressive => ScoreKind::Logits,
            Search::Ctc => ScoreKind::LogProbabilities,
        }
    }

    /// What the scores are, in the column `input` of a record.
    pub(crate) fn input(self) -> &'static str {
        match self {
            Search::Independent | Search::Autoregressive => "random",
            Search::Ctc => "emissions",
        }
    }

    /// Shapes and beam widths that stand for what is done with it.
    pub(crate) fn standard(self) -> &'static [([usize; 3], usize)] {
        match self {
            Search::Independent => &[
                ([32, 20, 1000], 3),
                ([32, 20, 50_000], 5),
                ([8, 64, 128_256], 10),
                ([64, 200, 5000], 16),
                ([1, 20, 50_000], 5),
            ],
            Search::Autoregressive => &[
                ([1, 32, 32_000], 4),
                ([8, 32, 128_256], 4),
                ([32, 16, 50_257], 5),
                ([1, 16, 32_000], 64),
            ],
            Search::Ctc => &[
                ([32, 400, 29], 16),
                ([32, 400, 29], 100),
                ([16, 160, 6625], 16),
                ([8, 400, 5000], 16),
            ],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dtype {
    F32,
    F16,
    Bf16,
}

impl Dtype {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "f32",
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
        }
    }

    pub(crate) fn bytes(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::Bf16 => 2,
        }
    }
}

/// As `--scores` spells it.
pub(crate) fn kind_name(kind: ScoreKind) -> &'static str {
    match kind {
        ScoreKind::Probabilities => "probs",
        ScoreKind::LogProbabilities => "log-probs",
        ScoreKind::Logits => "logits",
    }
}

/// Items, steps and tokens, as in `32x20x1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Shape(pub(crate) [usize; 3]);

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [batch, time, vocab] = self.0;
        write!(f, "{batch}x{time}x{vocab}")
    }
}

impl std::str::FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sizes: Option<Vec<usize>> = text.split('x').map(|size| size.parse().ok()).collect();
        match sizes.as_deref() {
            Some(&[batch, time, vocab]) if batch > 0 && time > 0 && vocab > 0 => {
                Ok(Shape([batch, time, vocab]))
            }
            _ => Err("a shape is three numbers above 0, as in 32x20x1000".to_owned()),
        }
    }
}

/// A search and the size of what it is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) search: Search,
    pub(crate) shape: Shape,
    pub(crate) beams: usize,
    pub(crate) kind: ScoreKind,
    pub(crate) dtype: Dtype,
    /// The environment's or the best, if none is given.
    pub(crate) level: Option<Level>,
}

impl Case {
    /// Makes the scores and the search.
    ///
    /// # Errors
    ///
    /// If the search refuses the beam width or the level, or memory runs out.
    pub(crate) fn prepare(self) -> Result<Box<dyn Workload>, Failure> {
        Ok(match self.search {
            Search::Independent => Box::new(Independent::new(self)?),
            Search::Autoregressive => Box::new(Autoregressive::new(self)?),
            Search::Ctc => Box::new(Ctc::new(self)?),
        })
    }

    /// Bytes of scores that one run reads, not to be trusted beyond a progress
    /// bar: it saturates.
    pub(crate) fn estimated_bytes(&self) -> usize {
        let [batch, time, vocab] = self.shape.0;
        let item = match self.search {
            Search::Independent | Search::Ctc => time.saturating_mul(vocab),
            // It reads every candidate once.
            Search::Autoregressive => reference::candidates(time, vocab, self.beams),
        };
        item.saturating_mul(batch)
            .saturating_mul(self.dtype.bytes())
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

/// Of each item the hypotheses, best first: tokens and the bits of the score.
pub(crate) type Answer = Vec<Vec<(Vec<u32>, u64)>>;

/// A search over scores in memory, to be run again and again on the threads of
/// the pool it is called in.
pub(crate) trait Workload: Send + Sync {
    fn level(&self) -> Level;

    /// Bytes of scores that a run reads.
    fn bytes(&self) -> usize;

    /// Reads them and does nothing else: the roofline.
    fn read(&self) -> Result<(), Failure>;

    /// Runs the search over all of them.
    fn run(&mut self) -> Result<(), Failure>;

    /// What the last run found, once it has passed the checks that need no
    /// second search.
    fn found(&self) -> Result<Answer, Failure>;

    /// What the search finds in the first `steps` steps of the first `items`
    /// items.
    fn part(&mut self, items: usize, steps: usize) -> Result<Answer, Failure>;

    /// What the naive search finds there.
    fn reference(&self, items: usize, steps: usize) -> Result<Answer, Failure>;
}

/// An answer that is not the naive one: a defect of widebeam.
pub(crate) fn wrong(what: impl fmt::Display) -> Failure {
    Failure::Machine(format!("wrong answer, please report it: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_three_positive_numbers() {
        assert_eq!("1x20x50000".parse(), Ok(Shape([1, 20, 50_000])));
        for wrong in ["", "1x2", "1x2x3x4", "1x0x3", "-1x2x3", "1 x2x3", "axbxc"] {
            assert!(wrong.parse::<Shape>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_search_agrees_with_its_reference_in_every_kind_and_type() {
        for search in Search::ALL {
            for kind in [
                ScoreKind::Probabilities,
                ScoreKind::LogProbabilities,
                ScoreKind::Logits,
            ] {
                for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
                    let case = Case {
                        search,
                        shape: Shape([2, 6, 30]),
                        beams: 4,
                        kind,
                        dtype,
                        level: None,
                    };
                    let mut workload = case.prepare().unwrap();
                    workload.run().unwrap();
                    let found = workload.found().unwrap();
                    assert_eq!(found.len(), 2, "{case}");
                    assert_eq!(found[0].len(), 4, "{case}");
                    assert_eq!(workload.bytes(), case.estimated_bytes(), "{case}");
                    assert_eq!(workload.part(1, 6).unwrap()[0], found[0], "{case}");
                    let expected = workload.reference(1, 3).unwrap();
                    assert_eq!(workload.part(1, 3).unwrap(), expected, "{case}");
                }
            }
        }
    }
}
