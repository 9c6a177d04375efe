//! The design's alternative to the kernels: a heap of the best k of each row, with a
//! vectorised test of many scores at once against the worst of them.
//!
//! ```text
//! heap = the first k scores of the row, the worst on top
//! for each 64 scores:
//!     if the largest of them is above the worst of the heap:
//!         for each of them that is: it replaces the worst, and sinks to its place
//! sort the heap
//! ```
//!
//! Of random rows k ln(V / k) scores enter the heap, each for O(log k) comparisons that a
//! processor mispredicts. An ascending row costs V log k.

use rayon::prelude::*;
use widebeam::{Level, ScoreKind, reference};

use super::row::{MeasuredCase, Row, read};
use crate::clock::{Times, warm_up};
use crate::console::failure::Failure;
use crate::console::progress::Progress;
use crate::synthetic::random_score;
use crate::workload::{Dtype, Shape, Values, wrong};

/// Scores that are tested at once.
const TESTED: usize = 64;
const LANES: usize = 16;

/// A score and its token as one integer: of the better one it is the larger.
fn key(score: f32, token: usize) -> u64 {
    let bits = (score + 0.0).to_bits();
    let sign = ((bits as i32) >> 31) as u32;
    let sortable = bits ^ (sign | 0x8000_0000);
    u64::from(sortable) << 32 | u64::from(!(token as u32))
}

fn score_of(key: u64) -> f32 {
    let sortable = (key >> 32) as u32;
    let sign = ((!sortable as i32) >> 31) as u32;
    f32::from_bits(sortable ^ (sign | 0x8000_0000))
}

/// The token of a key.
pub(super) fn token(key: u64) -> usize {
    !(key as u32) as usize
}

/// Writes the keys of all tokens of a row, best first, by a sort.
pub(super) fn sorted(row: &[f32], keys: &mut [u64]) {
    for (token, (key_of, &score)) in keys.iter_mut().zip(row).enumerate() {
        *key_of = key(score, token);
    }
    keys.sort_unstable_by(|a, b| b.cmp(a));
}

/// Writes the best tokens of a row, best first, to `heap`, as keys: as many as it is long.
pub(super) fn best(row: &[f32], heap: &mut [u64]) {
    let (first, rest) = row.split_at(heap.len());
    for (token, (key_of, &score)) in heap.iter_mut().zip(first).enumerate() {
        *key_of = key(score, token);
    }
    for place in (0..heap.len() / 2).rev() {
        sink(heap, place);
    }
    let mut worst = score_of(heap[0]);
    for (block, scores) in rest.chunks(TESTED).enumerate() {
        // A score that equals the worst comes later, and loses the tie.
        if largest(scores) <= worst {
            continue;
        }
        for (i, &score) in scores.iter().enumerate() {
            if score > worst {
                heap[0] = key(score, first.len() + block * TESTED + i);
                sink(heap, 0);
                worst = score_of(heap[0]);
            }
        }
    }
    heap.sort_unstable_by(|a, b| b.cmp(a));
}

/// The largest of some scores, in the lanes of vectors.
fn largest(scores: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (vectors, rest) = scores.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for vector in vectors {
        for (lane, &score) in lanes.iter_mut().zip(vector) {
            *lane = larger(*lane, score);
        }
    }
    lanes
        .into_iter()
        .chain(rest.iter().copied())
        .fold(f32::NEG_INFINITY, larger)
}

/// Moves the key at a place down to where both below it are larger.
fn sink(heap: &mut [u64], mut place: usize) {
    let moved = heap[place];
    loop {
        let left = 2 * place + 1;
        let Some(&of_left) = heap.get(left) else {
            break;
        };
        let (below, smaller) = match heap.get(left + 1) {
            Some(&of_right) if of_right < of_left => (left + 1, of_right),
            _ => (left, of_left),
        };
        if moved <= smaller {
            break;
        }
        heap[place] = smaller;
        place = below;
    }
    heap[place] = moved;
}

/// Rows and k that are measured.
const CASES: [(usize, usize); 3] = [(5000, 16), (50_257, 50), (128_256, 10)];

fn name(vocab: usize, k: usize) -> String {
    format!("heap-probs-f32-{vocab}-{k}")
}

/// The names of its rows.
pub(super) fn names() -> impl Iterator<Item = String> {
    CASES.into_iter().map(|(vocab, k)| name(vocab, k))
}

/// Measures those with a name that is selected, on `bytes` each.
pub(super) fn measure(
    bytes: usize,
    runs: usize,
    selected: impl Fn(&str) -> bool,
    progress: &Progress,
) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for (vocab, k) in CASES {
        let name = name(vocab, k);
        if selected(&name) {
            rows.extend(measure_one(name, vocab, k, bytes, runs, progress)?);
        }
    }
    Ok(rows)
}

fn measure_one(
    name: String,
    vocab: usize,
    k: usize,
    bytes: usize,
    runs: usize,
    progress: &Progress,
) -> Result<Vec<Row>, Failure> {
    let count = (bytes / (vocab * size_of::<f32>())).max(1);
    let shape = Shape([1, count, vocab]);
    let kind = ScoreKind::Probabilities;
    let score = |index: usize| random_score(kind, vocab, index as u64);
    let data: Vec<f32> = (0..count * vocab).map(score).collect();
    let values = Values::new(Dtype::F32, shape, |index| data[index])?;
    let scores = values.view(kind, 0, shape)?;
    let bytes = scores.bytes();

    let mut heaps = vec![0; count * k];
    let mut find = || {
        let rows = data
            .par_chunks_exact(vocab)
            .zip(heaps.par_chunks_exact_mut(k));
        rows.for_each(|(row, heap)| best(row, heap));
    };
    find();
    let (mut roofline, mut times) = (Times::default(), Times::default());
    warm_up(runs, || read(&scores))?;
    for _ in 0..runs {
        roofline.measure(bytes, || read(&scores))?;
        times.measure(bytes, || {
            find();
            Ok::<(), widebeam::Error>(())
        })?;
        progress.advance(2 * bytes);
    }
    let checked = count.min(64);
    for (number, heap) in heaps.chunks_exact(k).enumerate().take(checked) {
        let ranks = reference::row_ranks(&data[number * vocab..(number + 1) * vocab]);
        let tokens = heap.iter().map(|&key| !(key as u32) as usize);
        if !tokens.map(|token| ranks[token]).eq(0..k) {
            return Err(wrong(format_args!("{name}, row {number}")));
        }
    }
    let measured = MeasuredCase {
        kernel: "heap",
        name,
        pattern: "random",
        scores: "probs",
        dtype: "f32",
        vocab,
        k,
        rows: count,
        bytes,
        roofline,
    };
    // It is compiled for what the target always has.
    let level = Level::Baseline.name();
    Ok(vec![
        measured.roofline(),
        measured.row(level, checked, &times),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heap_holds_the_best_in_order() {
        for vocab in [1usize, 5, 64, 65, 300, 1000] {
            for k in [1, 2, 7, vocab.div_ceil(2), vocab] {
                let k = k.min(vocab);
                let rows: [Vec<f32>; 4] = [
                    (0..vocab).map(|i| (i * 37 % 101) as f32 - 50.0).collect(),
                    (0..vocab).map(|i| i as f32).collect(),
                    (0..vocab).map(|i| -(i as f32)).collect(),
                    vec![0.5; vocab],
                ];
                for row in rows {
                    let mut heap = vec![0; k];
                    best(&row, &mut heap);
                    let ranks = reference::row_ranks(&row);
                    let tokens = heap.iter().map(|&key| !(key as u32) as usize);
                    assert!(tokens.map(|token| ranks[token]).eq(0..k), "{k} of {vocab}");
                    assert!(heap.iter().all(|&key| row.contains(&score_of(key))));
                }
            }
        }
    }
}
