//! A checked request to decode files.

use std::path::PathBuf;

use widebeam::ScoreKind;

use super::ctc::Ctc;
use super::search::Search;
use crate::format::Format;
use crate::load::{Axes, LengthsFrom};

/// What to decode, once there is a file to decode.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) inputs: &'a [PathBuf],
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
    pub(crate) output: Option<&'a PathBuf>,
    pub(crate) output_dir: Option<&'a PathBuf>,
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
        ];
        self.inputs.iter().chain(beside.into_iter().flatten())
    }
}
