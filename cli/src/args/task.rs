//! A checked request to decode files.

use std::path::{Path, PathBuf};

use widebeam::ScoreKind;

use super::ctc::Ctc;
use super::search::Search;
use crate::format::Format;
use crate::load::{Axes, LengthsFrom};
use crate::shard::Shard;

/// What to decode, once there is a file to decode.
#[derive(Clone, Debug)]
pub(crate) struct Task<'a> {
    pub(crate) inputs: &'a [PathBuf],
    /// A list of more of them.
    pub(crate) inputs_from: Option<&'a PathBuf>,
    /// Which of them are decoded, if not all.
    pub(crate) shard: Option<Shard>,
    /// Whether those are left alone whose answers are there.
    pub(crate) resume: bool,
    pub(crate) search: Search,
    pub(crate) ctc: &'a Ctc,
    pub(crate) kind: ScoreKind,
    pub(crate) beams: usize,
    pub(crate) nbest: usize,
    pub(crate) array: Option<&'a str>,
    pub(crate) axes: Axes,
    /// The file of the lengths.
    pub(crate) lengths: Option<&'a PathBuf>,
    pub(crate) lengths_from: LengthsFrom<'a>,
    pub(crate) labels: Option<&'a PathBuf>,
    /// The label between words.
    pub(crate) word_delimiter: Option<&'a str>,
    pub(crate) format: Format,
    /// Whether `--format` is given.
    pub(crate) format_is_named: bool,
    pub(crate) output: Option<&'a PathBuf>,
    pub(crate) output_dir: Option<&'a PathBuf>,
    /// Where to write what was done.
    pub(crate) summary: Option<&'a Path>,
    pub(crate) create_dirs: bool,
    pub(crate) keep_going: bool,
    pub(crate) map: bool,
}

impl<'a> Task<'a> {
    /// Every file that is read.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &'a PathBuf> + use<'a> {
        let beside = [
            self.lengths,
            self.labels,
            self.ctc.lm.as_ref(),
            self.ctc.hotwords.as_ref(),
            self.ctc.lexicon.as_ref(),
            self.inputs_from,
        ];
        self.inputs.iter().chain(beside.into_iter().flatten())
    }
}
