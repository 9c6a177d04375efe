//! `widebeam bench sweep`.

use rayon::prelude::*;
use serde::Serialize;
use widebeam::measure::TopTokens;
use widebeam::{Error, Level, ScoreKind, reference};

use super::args::Sweep;
use super::heap;
use crate::clock::{Times, warm_up};
use crate::console::failure::Failure;
use crate::console::progress::Progress;
use crate::console::table::Table;
use crate::record::{Entry, Session};
use crate::synthetic::random_score;
use crate::workload::{Dtype, Shape, Values, wrong};

/// Tokens of the rows.
const LENGTHS: [usize; 6] = [512, 1024, 5000, 8192, 32_000, 128_256];
const SMALLEST_K: usize = 8;
const KIND: ScoreKind = ScoreKind::Probabilities;
/// Rows whose answers are compared with a naive sort.
const CHECKED: usize = 8;

/// What one program took.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    program: &'static str,
    level: &'static str,
    vocab: usize,
    k: usize,
    rows: usize,
    nanoseconds_per_row: f64,
    /// Of the row before, of a smaller k.
    growth: Option<f64>,
    spread: f64,
    bytes: usize,
    runs: Times,
}

/// [`SMALLEST_K`] times powers of the step, and the whole row.
fn ks(vocab: usize, step: u16) -> Vec<usize> {
    let mut ks = vec![SMALLEST_K.min(vocab)];
    while let Some(&last) = ks.last()
        && last < vocab
    {
        let next = (last as f64 * f64::from(step) / 100.0) as usize;
        ks.push(next.max(last + 1).min(vocab));
    }
    ks
}

pub(super) fn run(options: &Sweep) -> Result<Vec<Row>, Failure> {
    let bytes = (options.megabytes.get() as usize).saturating_mul(1 << 20);
    let asked: Vec<usize> = options.tokens.iter().map(|n| n.get() as usize).collect();
    let lengths = if asked.is_empty() {
        LENGTHS.to_vec()
    } else {
        asked
    };
    let points = lengths.iter().map(|&vocab| ks(vocab, options.step).len());
    let progress = Progress::new("bench sweep", points.sum::<usize>().saturating_mul(bytes));
    let mut rows = Vec::new();
    for vocab in lengths {
        rows.extend(of_length(vocab, bytes, options, &progress)?);
    }
    Ok(rows)
}

fn of_length(
    vocab: usize,
    bytes: usize,
    options: &Sweep,
    progress: &Progress,
) -> Result<Vec<Row>, Failure> {
    let count = (bytes / (vocab * size_of::<f32>())).max(1);
    let shape = Shape([1, count, vocab]);
    let score = |index: usize| random_score(KIND, vocab, index as u64);
    let data: Vec<f32> = (0..count * vocab).map(score).collect();
    let values = Values::new(Dtype::F32, shape, |index| data[index])?;
    let scores = values.view(KIND, 0, shape)?;
    let size = scores.bytes();
    let checked: Vec<Vec<usize>> = data
        .chunks_exact(vocab)
        .take(CHECKED)
        .map(|row| {
            let mut tokens = vec![0; vocab];
            for (token, rank) in reference::row_ranks(row).into_iter().enumerate() {
                tokens[rank] = token;
            }
            tokens
        })
        .collect();
    let runs = usize::from(options.common.runs.get());
    let level = Level::best();
    let mut top = TopTokens::default();
    let mut keys = vec![0; count * vocab];
    let of_keys = |keys: &mut [u64], k: usize, find: fn(&[f32], &mut [u64])| {
        let rows = data.par_chunks_exact(vocab);
        let keys = keys[..count * k].par_chunks_exact_mut(k);
        rows.zip(keys).for_each(|(row, keys)| find(row, keys));
        Ok::<(), Error>(())
    };

    let mut measured: Vec<Row> = Vec::new();
    let row = |program, level: Level, k, times: Times, last: Option<f64>| {
        let nanoseconds_per_row = 1e9 * times.median() / count as f64;
        Row {
            program,
            level: level.name(),
            vocab,
            k,
            rows: count,
            nanoseconds_per_row,
            growth: last.map(|last| nanoseconds_per_row / last),
            spread: times.spread(),
            bytes: size,
            runs: times,
        }
    };
    let (mut last_ours, mut last_heap) = (None, None);
    for k in ks(vocab, options.step) {
        // Large k take longer than the scores do to read: no need to repeat them.
        let weight = size.saturating_mul(1 + k / 64);
        warm_up(1, || top.fill(&scores, k, level))?;
        let (mut ours, mut heaps) = (Times::default(), Times::default());
        for _ in 0..runs {
            ours.measure(weight, || top.fill(&scores, k, level))?;
            if !options.no_heap {
                heaps.measure(weight, || of_keys(&mut keys, k, heap::best))?;
            }
        }
        for (number, expected) in checked.iter().enumerate() {
            let found = top.get(0, number).map(|found| found.0);
            let same = found.is_some_and(|found| {
                found
                    .iter()
                    .map(|&token| token as usize)
                    .eq(expected[..k].iter().copied())
            });
            let heap = keys[number * k..(number + 1) * k].iter();
            let heap = heap.map(|&key| heap::token(key));
            if !same || !options.no_heap && !heap.eq(expected[..k].iter().copied()) {
                return Err(wrong(format_args!("{k} of {vocab}, row {number}")));
            }
        }
        let found = row("widebeam", level, k, ours, last_ours);
        last_ours = Some(found.nanoseconds_per_row);
        measured.push(found);
        if !options.no_heap {
            let found = row("heap", Level::Baseline, k, heaps, last_heap);
            last_heap = Some(found.nanoseconds_per_row);
            measured.push(found);
        }
        progress.advance(bytes);
    }
    let mut sorts = Times::default();
    for _ in 0..runs {
        sorts.measure(usize::MAX, || of_keys(&mut keys, vocab, heap::sorted))?;
    }
    measured.push(row("sort", Level::Baseline, vocab, sorts, None));
    Ok(measured)
}

/// The rows as a record holds them.
pub(super) fn entries(rows: &[Row], session: &Session) -> Vec<Entry> {
    let entry = |row: &Row| Entry {
        search: "top k".to_owned(),
        input: "random".to_owned(),
        shape: Shape([1, row.rows, row.vocab]).to_string(),
        beams: Some(row.k),
        scores: "probs".to_owned(),
        dtype: "f32".to_owned(),
        version: match row.program {
            "widebeam" => row.level.to_owned(),
            _ => String::new(),
        },
        bytes: Some(row.bytes),
        ..session.entry("sweep", row.program, &row.runs)
    };
    rows.iter().map(entry).collect()
}

pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(
        2,
        &[
            "program", "level", "tokens", "k", "ns/row", "growth", "spread",
        ],
    );
    for row in rows {
        table.push(vec![
            row.program.to_owned(),
            row.level.to_owned(),
            row.vocab.to_string(),
            row.k.to_string(),
            format!("{:.1}", row.nanoseconds_per_row),
            row.growth
                .map_or(String::new(), |growth| format!("{growth:.2}")),
            format!("{:.1} %", 100.0 * row.spread),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ks_grow_by_the_step_up_to_the_whole_row() {
        assert_eq!(ks(8, 110), [8]);
        assert_eq!(ks(5, 110), [5]);
        assert_eq!(ks(20, 125), [8, 10, 12, 15, 18, 20]);
        assert_eq!(ks(12, 101), [8, 9, 10, 11, 12]);
    }
}
