//! Log-add among the kernels: sums of two slices of f64 into a third.

use widebeam::measure::log_add_all;
use widebeam::{Level, ScoreKind, reference};

use super::row::{MeasuredCase, Row, read};
use crate::clock::{Times, warm_up};
use crate::console::failure::Failure;
use crate::console::progress::Progress;
use crate::synthetic::random_score;
use crate::workload::{Dtype, Shape, Values, wrong};

pub(super) const NAME: &str = "log-add-f64";

/// A sum reads two numbers and writes a third.
const SUM_BYTES: usize = 3 * size_of::<f64>();
/// The rows of the roofline: sums are counted so that there are whole ones.
const ROW: usize = 4096;

/// Measures it on `bytes` in all. Its roofline reads as many bytes; a row of the
/// table is one sum.
pub(super) fn measure(bytes: usize, runs: usize, progress: &Progress) -> Result<Vec<Row>, Failure> {
    let count = (bytes / SUM_BYTES).next_multiple_of(ROW).max(ROW);
    let bytes = count * SUM_BYTES;
    let numbers = |first: usize| -> Vec<f64> {
        let log = |i| random_score(ScoreKind::LogProbabilities, 1000, (first + i) as u64);
        (0..count).map(|i| f64::from(log(i))).collect()
    };
    let (a, b, mut sums) = (numbers(0), numbers(count), vec![0.0; count]);
    let shape = Shape([1, bytes / (ROW * size_of::<f32>()), ROW]);
    let values = Values::new(Dtype::F32, shape, |index| index as f32)?;
    let scores = values.view(ScoreKind::Logits, 0, shape)?;

    let mut levels: Vec<_> = Level::available()
        .map(|level| (level, Times::default()))
        .collect();
    for (level, _) in &levels {
        log_add_all(&a, &b, &mut sums, *level)?;
        check(*level, &a, &b, &sums)?;
    }
    progress.advance((1 + levels.len()) * bytes);
    // The sums were checked on one thread: the others were idle.
    warm_up(runs, || read(&scores))?;
    let mut roofline = Times::default();
    for _ in 0..runs {
        roofline.measure(bytes, || read(&scores))?;
        for (level, times) in &mut levels {
            times.measure(bytes, || log_add_all(&a, &b, &mut sums, *level))?;
        }
        progress.advance((1 + levels.len()) * bytes);
    }

    let measured = MeasuredCase {
        kernel: "log add",
        name: NAME.to_owned(),
        pattern: "random",
        scores: "log-probs",
        dtype: "f64",
        vocab: 1,
        k: 1,
        rows: count,
        bytes,
        roofline,
    };
    let mut rows = vec![measured.roofline()];
    let levels = levels.iter().rev();
    rows.extend(levels.map(|(level, times)| measured.row(level.name(), count, times)));
    Ok(rows)
}

/// Compares every sum with one taken by itself, to the bit, and with what the
/// platform's functions make of it.
fn check(level: Level, a: &[f64], b: &[f64], sums: &[f64]) -> Result<(), Failure> {
    for ((&a, &b), &sum) in a.iter().zip(b).zip(sums) {
        let platform = a.max(b) + (-(a - b).abs()).exp().ln_1p();
        let near = (sum - platform).abs() <= 4.0 * f64::EPSILON * platform.abs().max(1.0);
        if sum.to_bits() != reference::log_add(a, b).to_bits() || !near {
            return Err(wrong(format_args!(
                "{NAME} at {level}: {a} and {b} make {sum}"
            )));
        }
    }
    Ok(())
}
