//! Arguments that several commands share.

use std::fmt::Display;
use std::str::FromStr;

use clap::ValueEnum;
use widebeam::{Level, ScoreKind};

/// Reads a number that is not 0; of that `NonZero` itself says "zero for non-zero type".
pub fn at_least_one<N: FromStr<Err: Display>>(text: &str) -> Result<N, String> {
    match text.parse::<u64>() {
        Ok(0) => Err("0 is below the least, 1".to_owned()),
        _ => text.parse().map_err(|error: N::Err| error.to_string()),
    }
}

/// The argument of `--scores`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Scores {
    /// Probabilities
    Probs,
    /// Natural logarithms of probabilities
    LogProbs,
    /// Unnormalised: log-softmax is applied
    Logits,
}

impl Scores {
    /// The kind as the library names it.
    pub fn kind(self) -> ScoreKind {
        match self {
            Scores::Probs => ScoreKind::Probabilities,
            Scores::LogProbs => ScoreKind::LogProbabilities,
            Scores::Logits => ScoreKind::Logits,
        }
    }
}

/// The argument of every command that searches.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Instructions {
    /// Instruction set: baseline, avx2 or avx512; the answer is the same [default: the best there is]
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<Level>,
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    #[test]
    fn a_number_that_must_not_be_0_says_so() {
        let read = at_least_one::<NonZeroU16>;
        assert_eq!(read("7"), Ok(NonZeroU16::new(7).unwrap()));
        assert_eq!(read("65535").map(u16::from), Ok(u16::MAX));
        for text in ["0", "00"] {
            assert_eq!(read(text), Err("0 is below the least, 1".to_owned()));
        }
        for text in ["65536", "-1", "", "two"] {
            assert!(
                !read(text).unwrap_err().contains("below the least, 1"),
                "{text}"
            );
        }
    }
}
