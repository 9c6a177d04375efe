//! The formats of the answers, and what differs between them.

use clap::ValueEnum;

/// The argument of `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table to read
    #[default]
    Text,
    /// One line of JSON an item, with every bit of the scores
    Jsonl,
    /// NumPy arrays: tokens (padded with -1) and lengths (-1: no such hypothesis) and scores (-inf there)
    Npz,
}

impl Format {
    /// What the names of its files end in.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Format::Text => "txt",
            Format::Jsonl => "jsonl",
            Format::Npz => "npz",
        }
    }

    /// Whether it is no text that a terminal can show.
    pub(crate) fn is_binary(self) -> bool {
        match self {
            Format::Text | Format::Jsonl => false,
            Format::Npz => true,
        }
    }

    /// Whether one file can hold the answers of several inputs.
    pub(crate) fn holds_several_inputs(self) -> bool {
        match self {
            Format::Text | Format::Jsonl => true,
            Format::Npz => false,
        }
    }

    /// How many hypotheses of an item are written unless a number is given.
    pub(crate) fn default_nbest(self, beams: usize) -> usize {
        match self {
            Format::Text => 1,
            Format::Jsonl | Format::Npz => beams,
        }
    }
}
