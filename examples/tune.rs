//! Scratch.
use half::{bf16, f16};
use std::time::Instant;
use widebeam::measure::{TopTokens, read_all};
use widebeam::*;

fn rng(s: &mut u64) -> f32 {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    (*s >> 40) as f32 / (1u64 << 24) as f32
}

fn run(name: &str, view: &ScoresView, k: usize, level: Level, reps: usize) {
    let mut t = TopTokens::new(level).unwrap();
    let (mut a, mut b) = (vec![], vec![]);
    for _ in 0..reps {
        let s = Instant::now();
        std::hint::black_box(read_all(view, level).unwrap());
        a.push(s.elapsed().as_secs_f64());
        let s = Instant::now();
        t.fill(view, k).unwrap();
        b.push(s.elapsed().as_secs_f64());
    }
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (a, b) = (a[reps / 2], b[reps / 2]);
    let rows = view.batch() * view.time();
    println!(
        "{name:<10} {level:<8} V={:<7} k={k:<5} read {:6.2} GB/s  {:8.1} ns/row | top-k {:6.2} GB/s {:8.1} ns/row  fraction {:.3}",
        view.vocab(),
        view.bytes() as f64 / a / 1e9,
        a * 1e9 / rows as f64,
        view.bytes() as f64 / b / 1e9,
        b * 1e9 / rows as f64,
        a / b
    );
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let what = args.get(1).map(String::as_str).unwrap_or("probs");
    let threads: usize = args.get(2).map_or(2, |s| s.parse().unwrap());
    let level: Level = args.get(3).map_or(Level::best(), |s| s.parse().unwrap());
    let only: Option<usize> = args.get(4).map(|s| s.parse().unwrap());
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .unwrap();
    let n = if what.starts_with("hot") {
        200000
    } else {
        256 << 20 >> 2
    };
    let mut s = 88172645463325252u64;
    let reps = 9;
    let probs: Vec<f32> = (0..n).map(|_| rng(&mut s) * 2e-4).collect();
    let grid: &[(usize, usize)] = match what {
        "logits" => &[
            (32000, 8),
            (128256, 10),
            (5000, 16),
            (1000, 8),
            (32, 8),
            (29, 16),
        ],
        "half" => &[(50000, 5)],
        "big" => &[(128256, 5000), (128256, 500), (32000, 1000)],
        "hard" => &[(50000, 64)],
        _ => &[
            (128256, 10),
            (50000, 5),
            (5000, 16),
            (5000, 64),
            (1000, 8),
            (512, 8),
            (32, 8),
            (29, 16),
        ],
    };
    for &(v, k) in grid {
        if only.is_some_and(|o| o != v) {
            continue;
        }
        let rows = n / v;
        let shape = [1, rows, v];
        let p = &probs[..rows * v];
        if let Some(inner) = what.strip_prefix("hot-") {
            let rows = 64_000_000 / v;
            let l: Vec<f32> = p
                .iter()
                .take(v)
                .map(|&x| (x * 1e4 + 1e-6).ln() * -3.0 + 2.0)
                .collect();
            let lay = Layout::strided([1, rows, v], [0, 0]);
            match inner {
                "probs" => run(
                    "hot probs",
                    &ScoresView::probabilities(&p[..v], lay).unwrap(),
                    k,
                    level,
                    reps,
                ),
                _ => run(
                    "hot logits",
                    &ScoresView::logits(&l, lay).unwrap(),
                    k,
                    level,
                    reps,
                ),
            }
            continue;
        }
        match what {
            "logits" => {
                let l: Vec<f32> = p
                    .iter()
                    .map(|&x| (x * 1e4 + 1e-6).ln() * -3.0 + 2.0)
                    .collect();
                run(
                    "logits",
                    &ScoresView::logits(&l, shape).unwrap(),
                    k,
                    level,
                    reps,
                );
            }
            "half" => {
                let l: Vec<f32> = p
                    .iter()
                    .map(|&x| (x * 1e4 + 1e-6).ln() * -3.0 + 2.0)
                    .collect();
                run(
                    "probs",
                    &ScoresView::probabilities(p, shape).unwrap(),
                    k,
                    level,
                    reps,
                );
                let h: Vec<f16> = p.iter().map(|&x| f16::from_f32(x)).collect();
                run(
                    "probs f16",
                    &ScoresView::probabilities(&h, shape).unwrap(),
                    k,
                    level,
                    reps,
                );
                let h: Vec<bf16> = p.iter().map(|&x| bf16::from_f32(x)).collect();
                run(
                    "probs bf16",
                    &ScoresView::probabilities(&h, shape).unwrap(),
                    k,
                    level,
                    reps,
                );
                run(
                    "logits",
                    &ScoresView::logits(&l, shape).unwrap(),
                    k,
                    level,
                    reps,
                );
                let h: Vec<f16> = l.iter().map(|&x| f16::from_f32(x)).collect();
                run(
                    "logits f16",
                    &ScoresView::logits(&h, shape).unwrap(),
                    k,
                    level,
                    reps,
                );
                let h: Vec<bf16> = l.iter().map(|&x| bf16::from_f32(x)).collect();
                run(
                    "logits bf16",
                    &ScoresView::logits(&h, shape).unwrap(),
                    k,
                    level,
                    reps,
                );
            }
            "hard" => {
                for name in [
                    "ascending",
                    "descending",
                    "constant",
                    "saw128",
                    "saw1000",
                    "allbutk",
                ] {
                    let mut q = vec![0f32; rows * v];
                    for (i, x) in q.iter_mut().enumerate() {
                        let j = i % v;
                        *x = 1e-6
                            * match name {
                                "ascending" => j as f32 + 1.0,
                                "descending" => (v - j) as f32,
                                "constant" => 7.0,
                                "saw128" => (j % 128) as f32,
                                "saw1000" => (j % 1000) as f32,
                                _ => {
                                    if j % 700 == 3 {
                                        9.0
                                    } else {
                                        3.0
                                    }
                                }
                            };
                    }
                    run(
                        name,
                        &ScoresView::probabilities(&q, shape).unwrap(),
                        k,
                        level,
                        reps,
                    );
                }
            }
            _ => run(
                "probs",
                &ScoresView::probabilities(p, shape).unwrap(),
                k,
                level,
                reps,
            ),
        }
    }
}
