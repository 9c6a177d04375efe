//! NumPy arrays.

use std::io::{self, Seek, Write};

use npyz::npz::NpzWriter;
use npyz::zip::write::FileOptions;
use npyz::zip::{CompressionMethod, DateTime};
use npyz::{AutoSerialize, WriterBuilder};

use crate::answer::Answer;

/// Where an item has no more hypotheses, and behind the last token of one.
const NONE: i32 = -1;

/// Writes `tokens [items, nbest, longest]`, `lengths [items, nbest]` and
/// `scores [items, nbest]`, where `nbest` is the largest number of hypotheses
/// that an item has and `longest` the length of the longest; of a CTC search
/// also (`aligned`) `frames`, like `tokens`, and `alignment_scores`, like `scores`.
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
        array(
            &mut npz,
            "frames",
            &[answers.len(), nbest, longest],
            alignments().flat_map(|alignment| {
                let frames = alignment.map_or(&[][..], |found| &found.frames);
                let frames = frames.iter().map(|&frame| i64::from(frame));
                frames
                    .chain(std::iter::repeat(i64::from(NONE)))
                    .take(longest)
            }),
        )?;
        array(
            &mut npz,
            "alignment_scores",
            &shape,
            alignments().map(|alignment| alignment.map_or(f64::NEG_INFINITY, |found| found.score)),
        )?;
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
