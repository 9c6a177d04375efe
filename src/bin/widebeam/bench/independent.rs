//! `widebeam bench independent`.

use std::hint::black_box;

use serde::Serialize;
use widebeam::measure::{random_score, read_all};
use widebeam::{IndependentSearch, Level, NBest, ScoreKind, ScoresView, reference};

use super::args::Independent;
use super::clock::Times;
use super::table::Table;
use super::values::Values;
use super::wrong;
use crate::failure::Failure;
use crate::progress::Progress;

/// What is measured where no shape is asked for: shape and beam width.
const SHAPES: [([usize; 3], usize); 5] = [
    ([32, 20, 1000], 3),
    ([32, 20, 50_000], 5),
    ([8, 64, 128_256], 10),
    ([64, 200, 5000], 16),
    ([1, 20, 50_000], 5),
];

/// What was measured of one shape.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    shape: [usize; 3],
    beams: usize,
    scores: &'static str,
    dtype: &'static str,
    level: &'static str,
    bytes: usize,
    roofline: Measured,
    engine: Measured,
    roofline_fraction: f64,
    reference: Option<Reference>,
}

#[derive(Debug, Serialize)]
struct Measured {
    seconds: f64,
    spread: f64,
    gigabytes_per_second: f64,
    runs: Times,
}

/// The naive search, and how much of the whole it was given: all, or where
/// that takes long, as many positions from the first as its time allows.
#[derive(Debug, Serialize)]
struct Reference {
    items: usize,
    steps: usize,
    /// Candidates it scored, of those it would score in all.
    candidates: usize,
    all_candidates: usize,
    runs: Times,
    /// For the whole, in proportion to the candidates.
    seconds: f64,
    times_slower: f64,
}

pub(super) fn run(options: &Independent) -> Result<Vec<Row>, Failure> {
    let cases: Vec<_> = match options.shape.zip(options.beams) {
        Some(case) => vec![case],
        None => SHAPES.into(),
    };
    let bytes = |shape: [usize; 3]| {
        let sizes = shape.iter().map(|&size| size as f64);
        sizes.product::<f64>() * options.dtype.bytes() as f64
    };
    let scans = 2 * (1 + u32::from(options.common.runs.get()));
    let total: f64 = cases.iter().map(|&(shape, _)| bytes(shape)).sum();
    let progress = Progress::new("bench independent", (total * f64::from(scans)) as usize);
    let measure = |(shape, beams)| measure(options, shape, beams, &progress);
    cases.into_iter().map(measure).collect()
}

fn measure(
    options: &Independent,
    shape: [usize; 3],
    beams: usize,
    progress: &Progress,
) -> Result<Row, Failure> {
    let kind = options.scores.kind();
    let search = IndependentSearch::new(beams)?;
    let mut search = match options.level {
        Some(level) => search.with_level(level)?,
        None => search,
    };
    let values = Values::new(options.dtype, shape, |index| {
        random_score(kind, shape[2], index as u64)
    })?;
    let scores = values.view(kind, shape)?;
    let bytes = scores.bytes();
    let mut nbest = NBest::new();
    let (mut roofline, mut engine) = (Times::default(), Times::default());
    let mut round = |roofline: &mut Times, engine: &mut Times| -> Result<(), Failure> {
        roofline.measure(bytes, || {
            read_all(&scores, Level::best()).map(|largest| _ = black_box(largest))
        })?;
        engine.measure(bytes, || search.decode_into(&scores, &mut nbest))?;
        progress.advance(2 * bytes);
        Ok(())
    };
    round(&mut Times::default(), &mut Times::default())?;
    for _ in 0..options.common.runs.get() {
        round(&mut roofline, &mut engine)?;
    }
    check_best(&scores, &nbest)?;
    let reference = match options.no_reference {
        true => None,
        false => Some(against_reference(
            &scores,
            &mut search,
            engine.median(),
            options.common.runs.get().into(),
        )?),
    };
    let measured = |times: Times| Measured {
        seconds: times.median(),
        spread: times.spread(),
        gigabytes_per_second: bytes as f64 / times.median() / 1e9,
        runs: times,
    };
    Ok(Row {
        shape,
        beams,
        scores: match kind {
            ScoreKind::Probabilities => "probs",
            ScoreKind::LogProbabilities => "log-probs",
            ScoreKind::Logits => "logits",
        },
        dtype: options.dtype.name(),
        level: search.level().name(),
        bytes,
        roofline_fraction: roofline.median() / engine.median(),
        roofline: measured(roofline),
        engine: measured(engine),
        reference,
    })
}

/// Of independent positions, the best sequence is the best token of each: the
/// first where some tie.
fn check_best(scores: &ScoresView<'_>, nbest: &NBest) -> Result<(), Failure> {
    for item in 0..scores.batch() {
        let best = nbest.best(item).map_or(&[][..], |best| best.tokens);
        if best.len() != scores.length(item) {
            return Err(wrong(format_args!("item {item} has no best sequence")));
        }
        for (step, &token) in best.iter().enumerate() {
            let values = reference::values(scores, item, step);
            let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            if values.iter().position(|&value| value == largest) != Some(token as usize) {
                return Err(wrong(format_args!("item {item}, step {step} of the best")));
            }
        }
    }
    Ok(())
}

/// Candidates that the reference may score in one run: about a second's worth.
const CANDIDATES: usize = 8_000_000;
/// Seconds after which the reference is not run again.
const ENOUGH: f64 = 1.0;

/// Times the reference on as much of the scores as it can do in a while, and
/// compares its answer with the engine's, bit by bit.
fn against_reference(
    scores: &ScoresView<'_>,
    search: &mut IndependentSearch,
    engine_seconds: f64,
    runs: usize,
) -> Result<Reference, Failure> {
    let (batch, time, beams) = (scores.batch(), scores.time(), search.beams());
    let candidates = |steps| candidates(steps, scores.vocab(), beams);
    let items = (CANDIDATES / candidates(time)).clamp(1, batch);
    let fits = |&steps: &usize| items.saturating_mul(candidates(steps)) <= CANDIDATES;
    let steps = (1..=time).rev().find(fits).unwrap_or(1);
    let lengths = vec![steps; items];
    let slice = scores.items(0..items);
    let slice = slice.with_lengths(&lengths)?;

    let mut times = Times::default();
    let mut expected = Vec::new();
    while times.len() < runs && times.total() < ENOUGH {
        // One go a run: it never is short work.
        times.measure(usize::MAX, || {
            expected = reference::independent(&slice, beams);
            Ok::<(), Failure>(())
        })?;
    }
    let found = search.decode(&slice)?;
    for (item, expected) in expected.iter().enumerate() {
        let same = found.item(item).len() == expected.len()
            && found.item(item).zip(expected).all(|(found, expected)| {
                found.tokens == expected.0 && found.score.to_bits() == expected.1.to_bits()
            });
        if !same {
            return Err(wrong(format_args!("item {item} is not the reference's")));
        }
    }
    let (done, all) = (
        items.saturating_mul(candidates(steps)),
        batch.saturating_mul(candidates(time)),
    );
    let seconds = times.median() * all as f64 / done as f64;
    Ok(Reference {
        items,
        steps,
        candidates: done,
        all_candidates: all,
        runs: times,
        seconds,
        times_slower: seconds / engine_seconds,
    })
}

/// How many candidates the naive search of an item scores: beam x vocab a
/// step, and the beam is not full at first.
fn candidates(steps: usize, vocab: usize, beams: usize) -> usize {
    let (mut beam, mut sum) = (1usize, 0usize);
    for _ in 0..steps {
        let step = beam.saturating_mul(vocab);
        sum = sum.saturating_add(step);
        beam = step.min(beams);
    }
    sum.max(1)
}

pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(
        5,
        &[
            "shape",
            "beams",
            "scores",
            "dtype",
            "level",
            "ms",
            "spread",
            "GB/s",
            "roofline ms",
            "of roofline",
            "reference ms",
            "times slower",
            "reference did",
        ],
    );
    for row in rows {
        let [batch, time, vocab] = row.shape;
        let mut cells = vec![
            format!("{batch}x{time}x{vocab}"),
            row.beams.to_string(),
            row.scores.to_owned(),
            row.dtype.to_owned(),
            row.level.to_owned(),
            format!("{:.3}", 1e3 * row.engine.seconds),
            format!("{:.1} %", 100.0 * row.engine.spread),
            format!("{:.2}", row.engine.gigabytes_per_second),
            format!("{:.3}", 1e3 * row.roofline.seconds),
            format!("{:.3}", row.roofline_fraction),
        ];
        if let Some(reference) = &row.reference {
            let share = reference.candidates as f64 / reference.all_candidates as f64;
            cells.extend([
                format!("{:.1}", 1e3 * reference.seconds),
                format!("{:.0}", reference.times_slower),
                match reference.candidates == reference.all_candidates {
                    true => "all".to_owned(),
                    false => format!("{:.2} %, scaled up", 100.0 * share),
                },
            ]);
        }
        table.push(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn the_beam_fills_before_it_costs_its_width() {
        assert_eq!(candidates(0, 10, 3), 1);
        assert_eq!(candidates(3, 10, 3), 10 + 30 + 30);
        assert_eq!(candidates(3, 2, 100), 2 + 4 + 8);
    }
}
