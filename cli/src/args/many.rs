//! The arguments of runs over many inputs.

use std::path::PathBuf;

use clap::ValueHint;

use crate::shard::Shard;

/// The arguments of runs over many inputs.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of many inputs")]
pub(crate) struct Many {
    /// A list of more files of scores, one a line; - is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) inputs_from: Option<PathBuf>,

    /// Decode every N-th input alone, beginning with the I-th, which counts from 1
    ///
    /// N jobs that are given the same inputs share them so, each with an I of its own.
    #[arg(long, value_name = "I/N", requires = "source")]
    pub(crate) shard: Option<Shard>,

    /// Leave inputs alone whose answers are in the --output-dir already
    ///
    /// A file of answers appears when it is whole, so what a job that was ended has left
    /// undone is done when it is run again. Whether options have changed is not looked at.
    #[arg(long, requires = "source")]
    pub(crate) resume: bool,

    /// Write what was done as JSON: counts of inputs, items, failures and frames, and the seconds
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath, requires = "source")]
    pub(crate) summary: Option<PathBuf>,
}
