//! The public functions for rows among the kernels: [`TopK`] into the caller's buffers.

use widebeam::top_k::{Rows, TopK};
use widebeam::{Level, ScoreKind, reference};

use super::row::{MeasuredCase, Row, read};
use crate::clock::{Times, warm_up};
use crate::console::failure::Failure;
use crate::console::progress::Progress;
use crate::synthetic::random_score;
use crate::workload::{Dtype, Shape, Values, wrong};

pub(super) const NAMES: [&str; 2] = ["top-k-f32-50257-50", "log-softmax-top-k-f32-50257-50"];
const COLUMNS: usize = 50_257;
const K: usize = 50;

/// Measures those with a name that is selected, on `bytes` each.
pub(super) fn measure(
    bytes: usize,
    runs: usize,
    selected: impl Fn(&str) -> bool,
    progress: &Progress,
) -> Result<Vec<Row>, Failure> {
    let count = (bytes / (COLUMNS * size_of::<f32>())).max(1);
    let shape = Shape([1, count, COLUMNS]);
    let score = |index: usize| random_score(ScoreKind::Logits, COLUMNS, index as u64);
    let data: Vec<f32> = (0..count * COLUMNS).map(score).collect();
    let values = Values::new(Dtype::F32, shape, |index| data[index])?;
    let scores = values.view(ScoreKind::Logits, 0, shape)?;
    let bytes = scores.bytes();
    let numbers = Rows::new(&data, [count, COLUMNS])?;

    let mut rows = Vec::new();
    for (name, log_softmax) in NAMES.into_iter().zip([false, true]) {
        if !selected(name) {
            continue;
        }
        let mut levels = Vec::new();
        for level in Level::available() {
            levels.push((level, TopK::new(K)?.with_level(level)?, Times::default()));
        }
        let mut indices = vec![0; count * K];
        let (mut found, mut logs) = (vec![0.0; count * K], vec![0.0; count * K]);
        let mut find = |top_k: &mut TopK| match log_softmax {
            false => top_k.find(&numbers, &mut indices, &mut found),
            true => top_k.find_log_softmax(&numbers, &mut indices, &mut logs),
        };
        warm_up(runs, || read(&scores))?;
        let mut roofline = Times::default();
        for _ in 0..runs {
            roofline.measure(bytes, || read(&scores))?;
            for (_, top_k, times) in &mut levels {
                times.measure(bytes, || find(top_k))?;
            }
            progress.advance((1 + levels.len()) * bytes);
        }
        let checked = count.min(64);
        for (number, row) in data.chunks_exact(COLUMNS).enumerate().take(checked) {
            let ranks = reference::row_ranks(row);
            let places = number * K..(number + 1) * K;
            let tokens = indices[places.clone()].iter().map(|&index| index as usize);
            let normaliser = reference::log_sum_exp(row);
            let valued = places
                .zip(tokens.clone())
                .all(|(place, token)| match log_softmax {
                    false => found[place].to_bits() == row[token].to_bits(),
                    true => logs[place] == f64::from(row[token]) - normaliser,
                });
            if !valued || !tokens.map(|token| ranks[token]).eq(0..K) {
                return Err(wrong(format_args!("{name}, row {number}")));
            }
        }
        let measured = MeasuredCase {
            kernel: "public top k",
            name: name.to_owned(),
            pattern: "random",
            scores: "logits",
            dtype: "f32",
            vocab: COLUMNS,
            k: K,
            rows: count,
            bytes,
            roofline,
        };
        rows.push(measured.roofline());
        let levels = levels.iter().rev();
        rows.extend(levels.map(|(level, _, times)| measured.row(level.name(), checked, times)));
    }
    Ok(rows)
}
