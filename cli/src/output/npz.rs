//! NumPy arrays.

use std::io::{self, Seek, Write};

use npyz::npz::NpzWriter;
use npyz::zip::write::FileOptions;
use npyz::zip::{CompressionMethod, DateTime};
use npyz::{AutoSerialize, WriterBuilder};

use crate::answer::{Alignment, Answer};

/// Where an item has no more hypotheses, and behind the last token of one.
const NONE: i32 = -1;

/// Writes `tokens [items, nbest, longest]`, `lengths [items, nbest]` and
/// `scores [items, nbest]`, where `nbest` is the largest number of hypotheses
/// that an item has and `longest` the length of the longest; of a CTC search
/// also (`aligned`) `frames` and `last_frames`, like `tokens`, and `alignment_scores`,
/// `log_masses` and `scorer_scores`, like `scores`.
pub(super) fn write(
    out: &mut (impl Write + Seek),
    answers: &[Answer],
    aligned: bool,
) -> io::Result<()> {
    let all = || answers.iter().flat_map(Answer::hypotheses);
    let nbest = answers.iter().map(|answer| answer.hypotheses().len()).max();
    let nbest = nbest.unwrap_or(0);
    let longest = all().map(|hypothesis| hypothesis.tokens.len()).max();
    let longest = longest.unwrap_or(0);
    // Every slot of the n-best lists, those without a hypothesis included.
    let slots = || {
        answers
            .iter()
            .flat_map(|answer| (0..nbest).map(|rank| answer.hypotheses().get(rank)))
    };

    let mut npz = NpzWriter::new(out);
    let shape = [answers.len(), nbest];
    array(
        &mut npz,
        "tokens",
        &[answers.len(), nbest, longest],
        slots().flat_map(|slot| {
            let tokens = slot.map_or(&[][..], |hypothesis| &hypothesis.tokens);
            // Token ids are below 2^31 (`ScoresView::MAX_VOCAB`).
            let tokens = tokens.iter().map(|&token| token as i32);
            tokens.chain(std::iter::repeat(NONE)).take(longest)
        }),
    )?;
    array(
        &mut npz,
        "lengths",
        &shape,
        slots().map(|slot| slot.map_or(i64::from(NONE), |found| found.tokens.len() as i64)),
    )?;
    array(
        &mut npz,
        "scores",
        &shape,
        slots().map(|slot| slot.map_or(f64::NEG_INFINITY, |found| found.score)),
    )?;
    if aligned {
        let alignments = || slots().map(|slot| slot.and_then(|found| found.alignment.as_ref()));
        type Frames = fn(&Alignment) -> &[u32];
        let frames: [(&str, Frames); 2] = [
            ("frames", |found| &found.frames),
            ("last_frames", |found| &found.last_frames),
        ];
        for (name, of) in frames {
            let rows = alignments().flat_map(|alignment| {
                let frames = alignment.map_or(&[][..], of).iter();
                let frames = frames.map(|&frame| i64::from(frame));
                let nothing = std::iter::repeat(i64::from(NONE));
                frames.chain(nothing).take(longest)
            });
            array(&mut npz, name, &[answers.len(), nbest, longest], rows)?;
        }
        type Score = fn(&Alignment) -> f64;
        let scores: [(&str, Score); 3] = [
            ("alignment_scores", |found| found.score),
            ("log_masses", |found| found.log_mass),
            ("scorer_scores", |found| found.scorer_score),
        ];
        for (name, of) in scores {
            let scores = alignments().map(|alignment| alignment.map_or(f64::NEG_INFINITY, of));
            array(&mut npz, name, &shape, scores)?;
        }
    }
    npz.zip_writer().finish()?;
    Ok(())
}

fn array<T: AutoSerialize>(
    npz: &mut NpzWriter<impl Write + Seek>,
    name: &str,
    shape: &[usize],
    values: impl Iterator<Item = T>,
) -> io::Result<()> {
    let bytes = shape
        .iter()
        .fold(size_of::<T>(), |bytes, &axis| bytes.saturating_mul(axis));
    // The hour of writing is no part of the answer: same input, same bytes.
    let options = FileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(bytes > (u32::MAX / 2) as usize);
    let shape: Vec<_> = shape.iter().map(|&axis| axis as u64).collect();
    let mut writer = npz
        .array::<T>(name, options)?
        .default_dtype()
        .shape(&shape)
        .begin_nd()?;
    writer.extend(values)?;
    writer.finish()
}
