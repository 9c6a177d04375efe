//! The best tokens of many rows, for a program that counts instructions.

use half::{bf16, f16};
use rayon::ThreadPoolBuilder;
use widebeam::measure::TopTokens;
use widebeam::{Element, Level, ScoreKind, ScoresView};

#[path = "../support/random.rs"]
mod random;

/// Rows of a pass.
const ROWS: usize = 50;

/// Finds the `k` best tokens of the same rows in some passes, as the variable `WIDEBEAM_ROWS` says:
/// type, kind, vocabulary, k, passes, with spaces between. One pass more takes as many instructions
/// more as its rows do.
#[test]
#[ignore = "only its instructions are of interest"]
fn rows() {
    let what = std::env::var("WIDEBEAM_ROWS").expect("the variable is set");
    let [dtype, kind, numbers @ ..] = &what.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{what:?}: five words are needed");
    };
    let numbers: Vec<usize> = numbers.iter().map(|n| n.parse().unwrap()).collect();
    let [vocab, k, passes] = numbers[..] else {
        panic!("{what:?}: five words are needed");
    };
    let kind = match *kind {
        "probs" => ScoreKind::Probabilities,
        "logits" => ScoreKind::Logits,
        _ => panic!("{kind:?} is neither probs nor logits"),
    };
    let mut random = random::Random::new(0x9e37_79b9_7f4a_7c15);
    let values: Vec<f32> = (0..vocab)
        .map(|_| random.bits() as f32 / u32::MAX as f32)
        .collect();
    match *dtype {
        "f32" => fill(&values, kind, k, passes),
        "f16" => fill(&convert(&values, f16::from_f32), kind, k, passes),
        "bf16" => fill(&convert(&values, bf16::from_f32), kind, k, passes),
        _ => panic!("{dtype:?} is not f32, f16 or bf16"),
    }
}

fn convert<T>(values: &[f32], to: impl Fn(f32) -> T) -> Vec<T> {
    values.iter().map(|&value| to(value)).collect()
}

fn fill<T: Element>(row: &[T], kind: ScoreKind, k: usize, passes: usize) {
    let scores = row.repeat(ROWS);
    let view = ScoresView::new(kind, &scores, [1, ROWS, row.len()]).unwrap();
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let level = Level::from_environment().unwrap();
    let mut tokens = TopTokens::default();
    pool.install(|| {
        for _ in 0..passes {
            tokens.fill(&view, k, level).unwrap();
        }
    });
}
