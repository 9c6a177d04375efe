//! The best k of rows: widebeam's `top_k`, and what else a user of Rust would take.
//!
//! `top_k SCORES.f32 ROWS COLUMNS K THREADS ROUNDS OUT.u32` reads f32 from a file, measures
//! each program in turn, and prints a line of JSON: medians in seconds, and how many rows of
//! each have the answer of a stable sort. It writes our indices, for other peers to be
//! compared with.

use std::collections::BTreeMap;
use std::time::Instant;

use rayon::prelude::*;
use widebeam::top_k::{Rows, TopK};
use widebeam_peers::Scores;

/// Best first; of equal numbers the one with the lower index.
fn better(a: &(f32, u32), b: &(f32, u32)) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

fn pairs(row: &[f32]) -> Vec<(f32, u32)> {
    row.iter().copied().zip(0..).collect()
}

fn nth(row: &[f32], out: &mut [u32]) {
    let mut pairs = pairs(row);
    if out.len() < pairs.len() {
        pairs.select_nth_unstable_by(out.len() - 1, better);
    }
    pairs.truncate(out.len());
    pairs.sort_unstable_by(better);
    for (out, (_, index)) in out.iter_mut().zip(pairs) {
        *out = index;
    }
}

fn partial(row: &[f32], out: &mut [u32]) {
    use partial_sort::PartialSort;
    let mut pairs = pairs(row);
    pairs.partial_sort(out.len(), better);
    for (out, (_, index)) in out.iter_mut().zip(pairs) {
        *out = index;
    }
}

fn heap(row: &[f32], out: &mut [u32]) {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    let key = |value: f32, index: u32| {
        let bits = value.to_bits();
        let sign = ((bits as i32) >> 31) as u32;
        u64::from(bits ^ (sign | 0x8000_0000)) << 32 | u64::from(!index)
    };
    let mut heap = BinaryHeap::with_capacity(out.len() + 1);
    for (index, &value) in (0..).zip(row) {
        let key = Reverse(key(value, index));
        if heap.len() < out.len() {
            heap.push(key);
        } else if let Some(mut worst) = heap.peek_mut()
            && key < *worst
        {
            *worst = key;
        }
    }
    for (out, Reverse(key)) in out.iter_mut().zip(heap.into_sorted_vec()) {
        *out = !(key as u32);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| -> usize { arguments[at].parse().expect("a number") };
    let (rows, columns, k) = (number(1), number(2), number(3));
    let (threads, rounds) = (number(4), number(5));
    let bytes = std::fs::read(&arguments[0]).expect("a file of scores");
    let scores = bytes
        .as_chunks()
        .0
        .iter()
        .map(|&four| Ok(f32::from_le_bytes(four)));
    let scores = Scores::collect(rows * columns, scores).expect("memory");
    assert_eq!(bytes.len(), size_of_val(&*scores));
    drop(bytes);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().expect("threads").install(|| {
        let view = Rows::new(&scores, [rows, columns]).expect("rows");
        let mut top_k = TopK::new(k).expect("a k");
        let mut values = vec![0.0; rows * k];
        let mut found: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let programs: [(&str, Option<fn(&[f32], &mut [u32])>); 4] = [
            ("widebeam", None),
            ("select_nth_unstable_by", Some(nth)),
            ("partial_sort", Some(partial)),
            ("BinaryHeap", Some(heap)),
        ];
        for round in 0..=rounds {
            for (name, program) in programs {
                let indices = found.entry(name).or_insert_with(|| vec![0; rows * k]);
                let mut run = || match program {
                    None => top_k.find(&view, indices, &mut values).expect("numbers"),
                    Some(program) => {
                        let out = indices.par_chunks_exact_mut(k);
                        out.zip(scores.par_chunks_exact(columns))
                            .for_each(|(out, row)| program(row, out));
                    }
                };
                // Short ones are repeated for 10 ms.
                let start = Instant::now();
                let mut times_run = 0;
                while times_run == 0 || start.elapsed().as_secs_f64() < 0.01 {
                    run();
                    times_run += 1;
                }
                let seconds = start.elapsed().as_secs_f64() / f64::from(times_run);
                if round > 0 {
                    times.entry(name).or_default().push(seconds);
                }
            }
        }
        let results: Vec<_> = programs
            .iter()
            .map(|(name, _)| {
                let times = times.get_mut(name).expect("it was run");
                times.sort_by(f64::total_cmp);
                let same = found[name].chunks(k).zip(found["partial_sort"].chunks(k));
                let same = same.filter(|(a, b)| a == b).count();
                serde_json::json!({"program": name, "seconds": times[times.len() / 2], "rows_alike": same})
            })
            .collect();
        let ours: Vec<u8> = found["widebeam"].iter().flat_map(|i| i.to_le_bytes()).collect();
        std::fs::write(&arguments[6], ours).expect("a place for the answer");
        println!("{}", serde_json::Value::Array(results));
    });
}
