//! The searches that `widebeam decode` offers.

use clap::ValueEnum;

/// The argument of `--search`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Search {
    /// Every position has one distribution, whatever came before it
    Independent,
    /// Frames of a CTC model: repeats and blanks drop out, alignments add up
    Ctc,
}
