//! What a run has done, in numbers.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use widebeam::ScoresView;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable::count;
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
    /// Their names.
    failed: Vec<String>,
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
            target.spare("the summary", sources)?;
            Ok::<_, Failure>(target)
        });
        Ok(Summary {
            target: target.transpose()?,
            begun: Instant::now(),
            counts: Counts::default(),
        })
    }

    /// The file that it is written to.
    pub(crate) fn place(&self) -> Option<&Path> {
        self.target.as_ref().and_then(Target::place)
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

    /// Writes what was done, if it is to be written, and says it to a person.
    pub(crate) fn finish(mut self, failed: Vec<String>) -> Result<(), Failure> {
        self.counts.failed_inputs = failed.len();
        self.counts.failed = failed;
        self.counts.seconds = self.begun.elapsed().as_secs_f64();
        if io::stderr().is_terminal() {
            // As a note, it is no reason to fail.
            let _ = writeln!(io::stderr(), "{}", self.counts);
        }
        let Some(target) = self.target else {
            return Ok(());
        };
        let text = serde_json::to_string_pretty(&self.counts).map_err(io::Error::from);
        target.write(|out| writeln!(out, "{}", text?))
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decoded = self.inputs - self.left_alone - self.failed_inputs;
        let inputs = count(decoded, "input");
        let frames = thousands(self.frames);
        write!(f, "{inputs}, {frames} frames in {:.2} s", self.seconds)?;
        let rate = self.frames as f64 / self.seconds;
        match rate {
            1e6..1e15 => write!(f, " ({:.1} M frames/s)", rate / 1e6),
            0.0..1e6 => write!(f, " ({} frames/s)", thousands(rate as usize)),
            _ => Ok(()),
        }
    }
}

/// A number in groups of three digits.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_how_much_was_done_and_how_fast() {
        let mut counts = Counts {
            inputs: 203,
            left_alone: 2,
            failed_inputs: 1,
            frames: 80_000,
            seconds: 0.07,
            ..Counts::default()
        };
        assert_eq!(
            counts.to_string(),
            "200 inputs, 80,000 frames in 0.07 s (1.1 M frames/s)"
        );
        (counts.inputs, counts.frames) = (4, 123);
        assert_eq!(
            counts.to_string(),
            "1 input, 123 frames in 0.07 s (1,757 frames/s)"
        );
        counts.seconds = 0.0;
        assert_eq!(counts.to_string(), "1 input, 123 frames in 0.00 s");
    }
}
