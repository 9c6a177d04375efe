//! The arguments of `--search ctc`.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

/// The arguments of CTC alone.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of --search ctc")]
pub(crate) struct Ctc {
    /// The token id of the blank
    #[arg(
        long,
        value_name = "TOKEN",
        required_if_eq("search", "ctc"),
        requires = "inputs"
    )]
    pub(crate) blank: Option<u32>,

    /// An n-gram model of labels or characters to score with: ARPA, plain or gzip, or a KenLM binary
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires_all = ["blank", "labels"])]
    pub(crate) lm: Option<PathBuf>,

    /// The unit that the model calls a word
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "UNIT",
        requires = "lm"
    )]
    pub(crate) lm_unit: LmUnit,

    /// Factor of the model's log-probability (natural logarithm)
    #[arg(
        long,
        value_name = "A",
        default_value_t = 0.5,
        requires = "lm",
        allow_negative_numbers = true
    )]
    pub(crate) lm_weight: f64,

    /// Added to the score for each token
    #[arg(
        long,
        value_name = "B",
        default_value_t = 0.0,
        requires = "lm",
        allow_negative_numbers = true
    )]
    pub(crate) token_bonus: f64,

    /// Words to favour, one a line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires_all = ["blank", "labels"])]
    pub(crate) hotwords: Option<PathBuf>,

    /// Added to the score for each token of a favoured word
    #[arg(
        long,
        value_name = "W",
        default_value_t = 2.0,
        requires = "hotwords",
        allow_negative_numbers = true
    )]
    pub(crate) hotword_weight: f64,

    /// The only words allowed, one a line; the label of a space separates them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires_all = ["blank", "labels"])]
    pub(crate) lexicon: Option<PathBuf>,

    /// Use only the N best tokens of each frame, beside the blank [default: all]
    ///
    /// With --lm, --hotwords or --lexicon: the beams + 2 best tokens, counting the blank.
    #[arg(long, value_name = "N", requires = "blank")]
    pub(crate) top_tokens: Option<usize>,

    /// Use only tokens of at least this log-probability [default: all]
    #[arg(
        long,
        value_name = "X",
        requires = "blank",
        allow_negative_numbers = true
    )]
    pub(crate) min_token_log_prob: Option<f64>,

    /// Keep only prefixes that score at most this far below the best [default: all]
    #[arg(
        long,
        value_name = "D",
        requires = "blank",
        allow_negative_numbers = true
    )]
    pub(crate) score_threshold: Option<f64>,

    /// Use only the blank in frames where it has at least this log-probability [default: no frames]
    #[arg(
        long,
        value_name = "X",
        requires = "blank",
        allow_negative_numbers = true
    )]
    pub(crate) blank_skip: Option<f64>,
}

/// The unit that an n-gram model calls a word.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum LmUnit {
    /// A token's label
    #[default]
    Token,
    /// A character of it
    Character,
}
