//! The formats of the answers, and what differs between them.

use std::path::Path;

use clap::ValueEnum;

/// The argument of `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table to read
    #[default]
    Text,
    /// One line of JSON an item, with every bit of the scores
    Jsonl,
    /// A header and a line a hypothesis, for spreadsheets
    Csv,
    /// The same with tabs between the columns
    Tsv,
    /// NumPy arrays: tokens (padded with -1) and lengths (-1: no such hypothesis) and scores (-inf there)
    Npz,
}

impl Format {
    /// What it is called in `--format`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            other => other.extension(),
        }
    }

    /// What the names of its files end in.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Format::Text => "txt",
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Npz => "npz",
        }
    }

    /// Whether it is no text that a terminal can show.
    pub(crate) fn is_binary(self) -> bool {
        match self {
            Format::Text | Format::Jsonl | Format::Csv | Format::Tsv => false,
            Format::Npz => true,
        }
    }

    /// Whether it has room for how sure a hypothesis is.
    pub(crate) fn says_confidence(self) -> bool {
        match self {
            Format::Jsonl | Format::Csv | Format::Tsv => true,
            Format::Text | Format::Npz => false,
        }
    }

    /// Whether one file can hold the answers of several inputs.
    pub(crate) fn holds_several_inputs(self) -> bool {
        match self {
            Format::Text | Format::Jsonl | Format::Csv | Format::Tsv => true,
            Format::Npz => false,
        }
    }

    /// How many hypotheses of an item are written unless a number is given.
    pub(crate) fn default_nbest(self, beams: usize) -> usize {
        match self {
            Format::Text => 1,
            Format::Jsonl | Format::Csv | Format::Tsv | Format::Npz => beams,
        }
    }

    /// The format that the name of a file promises, if it promises one.
    pub(crate) fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Format::value_variants()
            .iter()
            .copied()
            .find(|format| format.extension() == extension)
    }
}
