//! Answers in the format asked for.

mod jsonl;
mod npz;
mod target;
mod text;

pub(crate) use self::target::Target;

use crate::args::Format;
use crate::decode::Answer;
use crate::failure::Failure;
use crate::labels::Labels;

/// Writes all answers, or nothing where they are written to a file and fail.
pub(crate) fn write(
    target: Target,
    format: Format,
    labels: Option<&Labels>,
    answers: &[Answer],
) -> Result<(), Failure> {
    target.write(|out| match format {
        Format::Text => text::write(out, answers, labels),
        Format::Jsonl => jsonl::write(out, answers, labels),
        Format::Npz => npz::write(out, answers),
    })
}
