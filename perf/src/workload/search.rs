//! Which search is measured, and what stands for its usual work.

use clap::ValueEnum;
use serde::Serialize;
use widebeam::ScoreKind;

/// The argument `SEARCH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Search {
    /// Every position has one distribution, whatever came before it
    Independent,
    /// A request's beams are scored step by step
    Autoregressive,
    /// Prefix search over CTC emissions
    Ctc,
    /// Transducers, one symbol a frame: prefixes are scored frame by frame
    Transducer,
}

impl Search {
    /// Its name, as the arguments spell it.
    pub fn name(self) -> &'static str {
        match self {
            Search::Independent => "independent",
            Search::Autoregressive => "autoregressive",
            Search::Ctc => "ctc",
            Search::Transducer => "transducer",
        }
    }

    /// What its models give as a rule.
    pub fn usual_kind(self) -> ScoreKind {
        match self {
            Search::Independent => ScoreKind::Probabilities,
            Search::Autoregressive | Search::Transducer => ScoreKind::Logits,
            Search::Ctc => ScoreKind::LogProbabilities,
        }
    }

    /// What the scores are, in the column `input` of a record.
    pub fn input(self) -> &'static str {
        match self {
            Search::Independent | Search::Autoregressive => "random",
            Search::Ctc | Search::Transducer => "emissions",
        }
    }

    /// Shapes and beam widths that stand for what is done with it.
    pub fn standard(self) -> &'static [([usize; 3], usize)] {
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
            Search::Transducer => &[
                ([1, 200, 500], 4),
                ([1, 200, 1025], 8),
                ([32, 200, 1025], 8),
                ([8, 100, 5000], 16),
            ],
        }
    }
}
