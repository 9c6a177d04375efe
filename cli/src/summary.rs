//! What a run has done, in numbers.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use widebeam::ScoresView;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::target::Target;

use crate::answer::Answer;

/// Counts what is done, and writes it in the end.
pub(crate) struct Summary {
    target: Option<Target>,
    begun: Instant,
    counts: Counts,
}

/// The fields of the file.
#[derive(Debug, Default, Serialize)]
struct Counts {
    /// The inputs of this run, those that were left alone included.
    inputs: usize,
    /// The inputs whose answers were there.
    left_alone: usize,
    /// The inputs that could not be decoded.
    failed_inputs: usize,
    /// The items of the others, those that were refused included.
    items: usize,
    /// The items that were refused.
    failures: usize,
    /// The frames in use of all items.
    frames: usize,
    seconds: f64,
}

impl Summary {
    /// # Errors
    ///
    /// If `path` cannot be written, or is one of the files that are read.
    pub(crate) fn prepare<'a>(
        path: Option<&Path>,
        sources: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Result<Self, Failure> {
        let target = path.map(|path| {
            let target = Target::file(path)?;
            target.spare(sources)?;
            Ok::<_, Failure>(target)
        });
        Ok(Summary {
            target: target.transpose()?,
            begun: Instant::now(),
            counts: Counts::default(),
        })
    }

    /// The run has these inputs.
    pub(crate) fn begin(&mut self, inputs: usize, left_alone: usize) {
        self.counts.inputs = inputs;
        self.counts.left_alone = left_alone;
    }

    /// An input was decoded.
    pub(crate) fn add(&mut self, scores: &ScoresView<'_>, answers: &[Answer]) {
        let counts = &mut self.counts;
        counts.items += answers.len();
        counts.failures += answers.iter().filter(|each| each.outcome.is_err()).count();
        let frames = answers.iter().map(|each| scores.length(each.item));
        counts.frames += frames.sum::<usize>();
    }

    /// Writes what was done, if it is to be written.
    pub(crate) fn finish(mut self, failed_inputs: usize) -> Result<(), Failure> {
        let Some(target) = self.target else {
            return Ok(());
        };
        self.counts.failed_inputs = failed_inputs;
        self.counts.seconds = self.begun.elapsed().as_secs_f64();
        let text = serde_json::to_string_pretty(&self.counts).map_err(io::Error::from);
        target.write(|out| writeln!(out, "{}", text?))
    }
}
