//! Arguments that several commands share.

use std::str::FromStr;

use clap::ValueEnum;
use widebeam::{Level, ScoreKind};

/// Reads a whole number of an unsigned type, or says in plain words why a text is none of
/// them: std's "invalid digit found in string" is no help to who typed it.
pub fn whole<N: FromStr>(text: &str) -> Result<N, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("it is no whole number".to_owned());
    }
    let least = u8::from("0".parse::<N>().is_err());
    let most = u64::MAX >> (u64::BITS as usize - 8 * size_of::<N>());
    text.parse().map_err(|_| {
        let is_below = text.starts_with('-') || digits.bytes().all(|digit| digit == b'0');
        match is_below {
            true => format!("the least is {least}"),
            false => format!("the most is {most}"),
        }
    })
}

/// Reads a number, or says in plain words that a text is none.
pub fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "it is no number".to_owned())
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
    fn what_is_no_number_is_told_in_plain_words() {
        let read = whole::<NonZeroU16>;
        assert_eq!(read("7"), Ok(NonZeroU16::new(7).unwrap()));
        assert_eq!(read("65535").map(u16::from), Ok(u16::MAX));
        for text in ["0", "00", "-1"] {
            assert_eq!(read(text), Err("the least is 1".to_owned()));
        }
        for (text, said) in [
            ("65536", "the most is 65535"),
            ("99999999999999999999999", "the most is 65535"),
            ("", "it is no whole number"),
            ("-", "it is no whole number"),
            ("two", "it is no whole number"),
            ("2.5", "it is no whole number"),
        ] {
            assert_eq!(read(text), Err(said.to_owned()), "{text}");
        }
        assert_eq!(whole::<usize>("0"), Ok(0));
        assert_eq!(whole::<usize>("-3"), Err("the least is 0".to_owned()));
        let most = "the most is 18446744073709551615".to_owned();
        assert_eq!(whole::<u64>("18446744073709551616"), Err(most));
        assert_eq!(number("-1.5e3"), Ok(-1500.0));
        assert_eq!(number("1,5"), Err("it is no number".to_owned()));
    }
}
