//! The arguments of `--search ctc`.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

/// What belongs to CTC alone.
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

    /// An n-gram model of labels or characters to score with, an ARPA file, plain or gzip
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires_all = ["blank", "labels"])]
    pub(crate) lm: Option<PathBuf>,

    /// What a word of the model is
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "UNIT",
        requires = "lm"
    )]
    pub(crate) lm_unit: LmUnit,

    /// What the model's log-probability is multiplied by
    #[arg(
        long,
        value_name = "A",
        default_value_t = 0.5,
        requires = "lm",
        allow_negative_numbers = true
    )]
    pub(crate) lm_weight: f64,

    /// What each token is given beside it
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

    /// What each token of a favoured word is given
    #[arg(
        long,
        value_name = "W",
        default_value_t = 2.0,
        requires = "hotwords",
        allow_negative_numbers = true
    )]
    pub(crate) hotword_weight: f64,

    /// The only words allowed, one a line; the label of a space parts them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires_all = ["blank", "labels"])]
    pub(crate) lexicon: Option<PathBuf>,

    /// Of each frame, only the N best tokens beside the blank [default: all]
    ///
    /// With --lm, --hotwords or --lexicon: the beams + 2 best tokens, counting the blank.
    #[arg(long, value_name = "N", requires = "blank")]
    pub(crate) top_tokens: Option<usize>,

    /// Of each frame, only tokens of at least this log-probability [default: all]
    #[arg(
        long,
        value_name = "X",
        requires = "blank",
        allow_negative_numbers = true
    )]
    pub(crate) min_token_log_prob: Option<f64>,

    /// After each frame, only prefixes at most this far below the best [default: all]
    #[arg(
        long,
        value_name = "D",
        requires = "blank",
        allow_negative_numbers = true
    )]
    pub(crate) score_threshold: Option<f64>,

    /// Of frames whose blank has at least this log-probability, only the blank [default: no frames]
    #[arg(
        long,
        value_name = "X",
        requires = "blank",
        allow_negative_numbers = true
    )]
    pub(crate) blank_skip: Option<f64>,
}

/// What a word of an n-gram model is.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum LmUnit {
    /// A token's label
    #[default]
    Token,
    /// A character of it
    Character,
}
