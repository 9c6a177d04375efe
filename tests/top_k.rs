//! `top_k` and `log_softmax_top_k` against a stable sort of each row.

#[path = "support/from_f32.rs"]
mod from_f32;
#[path = "support/random.rs"]
mod random;

use from_f32::FromF32;
use half::{bf16, f16};
use random::Random;
use widebeam::top_k::{Rows, TopK, log_softmax_top_k, top_k};
use widebeam::{Element, ErrorKind, Level, reference};

/// A row by a stable sort: value, largest first; equal ones stay in order.
fn sorted(row: &[f32]) -> Vec<(u32, f32)> {
    let mut all: Vec<(u32, f32)> = (0..).zip(row.iter().map(|value| value + 0.0)).collect();
    all.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap());
    all
}

/// Rows of each sort: any numbers, few values, -inf but for some, sorted, equal, zeros of
/// both signs.
fn rows(columns: usize, seed: u32) -> Vec<Vec<f32>> {
    let mut random = Random::new(u64::from(seed) << 20 | 1);
    let lowest = f32::NEG_INFINITY;
    let mut row = |f: &dyn Fn(usize, f32) -> f32| -> Vec<f32> {
        (0..columns).map(|i| f(i, random.unit())).collect()
    };
    vec![
        row(&|_, x| (x - 0.3) * 2e4),
        row(&|_, x| (x * 5.0).floor() - 2.0),
        row(&|i, x| if i % 7 == 3 { x - 0.5 } else { lowest }),
        row(&|_, _| lowest),
        row(&|i, _| i as f32 - columns as f32 / 2.0),
        row(&|i, _| -(i as f32)),
        row(&|_, _| -3.25),
        row(&|i, x| if x < 0.5 { -0.0 } else { (i % 2) as f32 }),
        row(&|_, x| if x < 0.1 { lowest } else { (x * 11.0).exp() }),
        row(&|i, _| if i + 1 == columns { 1.0 } else { lowest }),
    ]
}

struct Found {
    indices: Vec<u32>,
    values: Vec<f32>,
    logs: Vec<f64>,
}

/// What is found at a level on some threads.
fn find(rows: &Rows<'_>, k: usize, level: Level) -> Found {
    let mut top_k = TopK::new(k).unwrap().with_level(level).unwrap();
    assert_eq!((top_k.k(), top_k.level()), (k, level));
    let places = rows.rows() * top_k.found(rows);
    let (mut indices, mut values) = (vec![7; places], vec![7.0; places]);
    top_k.find(rows, &mut indices, &mut values).unwrap();
    let (mut again, mut logs) = (vec![7; places], vec![7.0; places]);
    top_k.find_log_softmax(rows, &mut again, &mut logs).unwrap();
    assert_eq!(indices, again);
    Found {
        indices,
        values,
        logs,
    }
}

fn check<T: Element + FromF32 + Into<f32>>(columns: usize, ks: &[usize], threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.build().unwrap();
    let all: Vec<Vec<f32>> = rows(columns, columns as u32);
    let data: Vec<T> = all.concat().into_iter().map(T::rounded).collect();
    let rounded: Vec<f32> = data.iter().map(|&number| number.into()).collect();
    let view = Rows::new(&data, [all.len(), columns]).unwrap();
    for &k in ks {
        for level in Level::available() {
            let found = pool.install(|| find(&view, k, level));
            let best = k.min(columns);
            for (number, row) in rounded.chunks(columns).enumerate() {
                let case = format!("{level} row {number}, the best {k} of {columns}");
                let places = number * best..(number + 1) * best;
                let expected = &sorted(row)[..best];
                let indices = expected.iter().map(|&(index, _)| index);
                assert!(
                    indices.eq(found.indices[places.clone()].iter().copied()),
                    "{case}"
                );
                let values = found.values[places.clone()].iter().copied();
                let bits = expected.iter().map(|&(_, value)| value.to_bits());
                assert!(bits.eq(values.map(f32::to_bits)), "{case}");
                let normaliser = reference::log_sum_exp(row);
                let logs = expected.iter().map(|&(_, value)| match value {
                    f32::NEG_INFINITY => f64::NEG_INFINITY,
                    value => f64::from(value) - normaliser,
                });
                let bits = logs.map(f64::to_bits);
                let found = found.logs[places].iter().map(|log| log.to_bits());
                assert!(bits.eq(found), "{case}");
            }
        }
    }
}

#[test]
fn every_k_of_short_rows_and_of_rows_in_quads() {
    for columns in [1, 2, 15, 16, 17, 63, 64, 65, 100] {
        let ks: Vec<usize> = (1..=columns + 1).collect();
        check::<f32>(columns, &ks, 1);
    }
}

/// On both sides of the limits of each way to find them, for any number of threads.
#[test]
fn the_best_of_longer_rows_are_those_of_a_sort() {
    for (number, columns) in [129, 512, 1024, 1025, 3000].into_iter().enumerate() {
        let parts = [
            columns / 12,
            columns / 12 + 1,
            columns / 2,
            columns / 16 * 15,
        ];
        let ks = [
            &[1, 8, 16, 17, 64, 65][..],
            &parts,
            &[columns - 1, columns, 9999],
        ]
        .concat();
        check::<f32>(columns, &ks, 1 + number % 3);
        check::<f16>(columns, &ks[3..], 2);
        check::<bf16>(columns, &ks[..7], 3);
    }
    check::<f32>(8191, &[5, 100, 700, 4000, 8191], 2);
    check::<f16>(8192, &[5, 700, 8000], 2);
    check::<f32>(20_001, &[1, 50, 64, 500, 1700, 15_000, 20_001], 2);
}

/// More rows than are put in order together, on one thread and on several, are the same.
#[test]
fn rows_are_shared_out_among_threads() {
    let (count, columns, k) = (1000, 300, 9);
    let mut random = Random::new(3);
    let data: Vec<f32> = (0..count * columns).map(|_| random.unit()).collect();
    let view = Rows::new(&data, [count, columns]).unwrap();
    let find = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let (mut indices, mut values) = (vec![0; count * k], vec![0.0; count * k]);
        let find = || log_softmax_top_k(&view, k, &mut indices, &mut values);
        pool.build().unwrap().install(find).unwrap();
        (indices, values)
    };
    let one = find(1);
    for (row, indices) in data.chunks(columns).zip(one.0.chunks(k)) {
        let expected = sorted(row).into_iter().map(|(index, _)| index);
        assert!(expected.take(k).eq(indices.iter().copied()));
    }
    for threads in [2, 3, 8] {
        assert_eq!(find(threads), one, "{threads}");
    }
}

#[test]
fn rows_may_have_gaps_and_overlap() {
    let data: Vec<f32> = (0..1000).map(|i| (i * 37 % 101) as f32).collect();
    for stride in [0, 1, 70, 90, 200] {
        let view = Rows::strided(&data, [5, 90], stride).unwrap();
        let (mut indices, mut values) = ([0; 15], [0.0; 15]);
        top_k(&view, 3, &mut indices, &mut values).unwrap();
        for (row, found) in indices.chunks(3).enumerate() {
            let row = &data[row * stride..row * stride + 90];
            let expected = sorted(row).into_iter().map(|(index, _)| index);
            assert!(expected.take(3).eq(found.iter().copied()), "{stride}");
        }
    }
}

#[test]
fn nothing_to_find_is_found() {
    let view = Rows::new::<f32>(&[], [0, 5]).unwrap();
    top_k(&view, 3, &mut [], &mut []).unwrap();
    log_softmax_top_k(&view, 3, &mut [], &mut []).unwrap();
}

#[test]
fn numbers_that_cannot_be_ranked_are_named() {
    for columns in [3, 64, 65, 1030, 9000] {
        for (number, text) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
            let mut data = vec![1.0f32; 20 * columns];
            data[11 * columns + columns / 2] = number;
            data[13 * columns] = number;
            let view = Rows::new(&data, [20, columns]).unwrap();
            let (mut indices, mut values) = (vec![0; 40], vec![0.0; 40]);
            let error = top_k(&view, 2, &mut indices, &mut values).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidScore);
            let column = columns / 2;
            assert_eq!(
                error.to_string(),
                format!(
                    "row 11, column {column}: {text} cannot be ranked (it must be below +inf, and a number)"
                )
            );
            let mut logs = vec![0.0; 40];
            let of_logs = log_softmax_top_k(&view, 2, &mut indices, &mut logs).unwrap_err();
            assert_eq!(of_logs.to_string(), error.to_string());
        }
    }
}

#[test]
fn wrong_calls_say_what_is_wrong() {
    let data = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let view = Rows::new(&data, [2, 3]).unwrap();
    assert_eq!((view.rows(), view.columns()), (2, 3));
    let message = |k, indices: usize, values: usize| {
        let (mut indices, mut values) = (vec![0; indices], vec![0.0; values]);
        top_k(&view, k, &mut indices, &mut values)
            .unwrap_err()
            .to_string()
    };
    assert!(message(0, 0, 0).contains("at least 1"));
    assert_eq!(
        message(2, 5, 4),
        "the buffer for indices has 5 places; the best 2 of each of 2 rows need exactly 4"
    );
    // Rows of three have no best nine.
    assert_eq!(
        message(9, 6, 18),
        "the buffer for values has 18 places; the best 3 of each of 2 rows need exactly 6"
    );
    assert!(Rows::new(&data, [2, 4]).is_err());
    assert!(Rows::strided(&data, [2, 3], 4).is_err());
}

/// What is said to be needed is at least the results' share of it.
#[test]
fn bytes_needed_grow_with_k_and_threads() {
    let data = vec![0.5f32; 8 * 5000];
    let view = Rows::new(&data, [8, 5000]).unwrap();
    let bytes = |k, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let top_k = TopK::new(k).unwrap();
        pool.build().unwrap().install(|| top_k.bytes_needed(&view))
    };
    assert!(bytes(5000, 1) > 8 * 5000 * 8);
    assert!(bytes(10, 1) < bytes(1000, 1) && 2 * bytes(10, 1) == bytes(10, 2));
}

#[test]
fn a_clone_finds_the_same() {
    let data = [0.5f32, 2.0, 1.0];
    let view = Rows::new(&data, [1, 3]).unwrap();
    let mut best = TopK::new(2).unwrap();
    for mut best in [best.clone(), {
        best.find(&view, &mut [0; 2], &mut [0.0; 2]).unwrap();
        best
    }] {
        let (mut indices, mut values) = ([0; 2], [0.0; 2]);
        best.find(&view, &mut indices, &mut values).unwrap();
        assert_eq!((indices, values), ([1, 2], [2.0, 1.0]));
    }
}
