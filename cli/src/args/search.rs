//! The searches that `widebeam decode` offers.

use clap::ValueEnum;

/// The argument of `--search`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Search {
    /// OCR, speech and other CTC models: repeats and blanks of the frames drop out (needs --blank)
    Ctc,
    /// Positions of which each has one distribution, whatever the tokens before it
    Independent,
}
