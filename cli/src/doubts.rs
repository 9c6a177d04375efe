//! Doubts about what was said of the scores: those of another kind, or whose axes lie in
//! another order, decode to wrong answers in silence.
//!
//! Nothing is guessed: a doubt is a note, and the scores are decoded as was said.

use std::ops::RangeInclusive;

use widebeam::{Error, ScoreKind};

use crate::load::{Axes, Tensor};

/// How many rows are looked at, and how many scores of them, but a row at least.
const MOST_ROWS: usize = 32;
const MOST_SCORES: usize = 1 << 20;

/// Fewer rows say nothing of the others.
const LEAST_ROWS: usize = 4;

/// What the probabilities of a row sum to, give or take what formats of 16 bits round.
const ONE: RangeInclusive<f64> = 0.98..=1.02;

/// What they sum to in percent.
const PERCENT: RangeInclusive<f64> = 98.0..=102.0;

/// What they sum to if some tokens were left out.
const MOST_OF_ONE: RangeInclusive<f64> = 0.5..=1.02;

/// What rows have in common.
struct Rows {
    /// How many were looked at.
    count: usize,
    /// How many of them hold nothing but probabilities, and how many log-probabilities.
    probabilities: usize,
    log_probabilities: usize,
    least: f64,
    most: f64,
    /// The least sum of a row's scores, and the greatest.
    sums: [f64; 2],
    /// Those of the exponentials of its scores.
    exponentials: [f64; 2],
}

impl Rows {
    /// Looks at rows from all over the tensor, but not at those with a NaN.
    fn of(tensor: &Tensor) -> Option<Rows> {
        let [batch, time, vocab] = tensor.shape();
        let all = batch.saturating_mul(time);
        if all == 0 || vocab < 2 {
            return None;
        }
        let count = (MOST_SCORES / vocab).clamp(1, MOST_ROWS).min(all);
        let (mut rows, mut probabilities, mut log_probabilities) = (0, 0, 0);
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        let [mut sums, mut exponentials] = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
        for number in 0..count {
            let at = (number as u128 * all as u128 / count as u128) as usize;
            let (mut sum, mut exponential) = (0.0, 0.0);
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for score in tensor.row(at / time, at % time).map(f64::from) {
                (low, high) = (low.min(score), high.max(score));
                sum += score;
                exponential += score.exp();
            }
            if sum.is_nan() {
                continue;
            }
            rows += 1;
            probabilities += usize::from(low >= 0.0 && high <= 1.0);
            log_probabilities += usize::from(high <= 0.0);
            (least, most) = (least.min(low), most.max(high));
            sums = [sums[0].min(sum), sums[1].max(sum)];
            exponentials = [
                exponentials[0].min(exponential),
                exponentials[1].max(exponential),
            ];
        }
        (rows > 0).then_some(Rows {
            count: rows,
            probabilities,
            log_probabilities,
            least,
            most,
            sums,
            exponentials,
        })
    }

    fn look_like_probabilities(&self) -> bool {
        self.least >= 0.0 && self.most <= 1.0 && within(self.sums, ONE)
    }

    fn look_like_log_probabilities(&self) -> bool {
        self.most <= 0.0 && within(self.exponentials, ONE)
    }
}

fn within([least, most]: [f64; 2], range: RangeInclusive<f64>) -> bool {
    range.contains(&least) && range.contains(&most)
}

/// Why scores are probably of another kind than `kind`.
pub(crate) fn about_kind(tensor: &Tensor, kind: ScoreKind) -> Option<String> {
    let rows = Rows::of(tensor)?;
    let [least, most] = match kind {
        ScoreKind::Logits if rows.look_like_probabilities() => {
            return Some(
                "the scores of a row lie within 0 and 1 and sum to 1, as probabilities do; \
                 as logits they decode to other answers; for probabilities: --scores probs"
                    .into(),
            );
        }
        ScoreKind::Logits if rows.look_like_log_probabilities() => {
            return Some(
                "the scores of a row are log-probabilities: their exponentials sum to 1; \
                 they need not be normalised: --scores log-probs"
                    .into(),
            );
        }
        ScoreKind::Logits => return None,
        // The refusal reports scores out of range.
        ScoreKind::LogProbabilities if rows.most <= 0.0 => rows.exponentials,
        ScoreKind::Probabilities if rows.least >= 0.0 && rows.most <= 1.0 => rows.sums,
        ScoreKind::LogProbabilities | ScoreKind::Probabilities => return None,
    };
    // One row that is odd, such as one of zeros at the end, is no reason.
    let (low, high) = (MOST_OF_ONE.start(), MOST_OF_ONE.end());
    let odd = most < *low || least > *high;
    odd.then(|| "the probabilities of the rows do not sum to 1; for logits: --scores logits".into())
}

/// What was probably meant, where items are refused for scores that their kind cannot have,
/// and most rows hold such scores.
pub(crate) fn about_refusals<'e>(
    tensor: &Tensor,
    kind: ScoreKind,
    mut errors: impl Iterator<Item = &'e Error>,
) -> Option<String> {
    let is_out_of_range = |error: &Error| {
        let score = error.token().zip(error.item()).zip(error.step());
        let score =
            score.and_then(|((token, item), step)| tensor.row(item, step).nth(token as usize));
        score.is_some_and(|score| match kind {
            _ if !score.is_finite() => false,
            ScoreKind::Probabilities => !(0.0..=1.0).contains(&score),
            ScoreKind::LogProbabilities => score > 0.0,
            ScoreKind::Logits => false,
        })
    };
    if !errors.any(is_out_of_range) {
        return None;
    }
    let rows = Rows::of(tensor)?;
    let right = match kind {
        ScoreKind::Probabilities => rows.probabilities,
        ScoreKind::LogProbabilities => rows.log_probabilities,
        ScoreKind::Logits => rows.count,
    };
    if rows.count < LEAST_ROWS || right * 2 >= rows.count {
        return None;
    }
    if kind == ScoreKind::Probabilities && rows.least >= 0.0 && within(rows.sums, PERCENT) {
        return Some(
            "the scores of a row sum to 100, as percentages do: divide them by 100".into(),
        );
    }
    let (what, option) = match kind {
        ScoreKind::LogProbabilities if rows.look_like_probabilities() => ("probabilities", "probs"),
        ScoreKind::Probabilities if rows.look_like_log_probabilities() => {
            ("log-probabilities", "log-probs")
        }
        _ => ("logits", "logits"),
    };
    Some(format!("the scores look like {what}: --scores {option}"))
}

/// Why time is probably the first axis of scores of CTC, of which an item has many frames.
pub(crate) fn about_axes(tensor: &Tensor) -> Option<String> {
    let [batch, time, _] = tensor.shape();
    let doubtful = batch >= 32 && (1..=16).contains(&time) && batch >= 4 * time;
    (tensor.axes() == Axes::BatchTimeVocab && doubtful).then(|| {
        "the items are many and have few frames each; if time is the first axis: --layout tbv"
            .into()
    })
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    fn tensor(rows: &[[f32; 3]]) -> Tensor {
        let values = rows.as_flattened().iter().map(|&x| f16::from_f32(x));
        Tensor::from_f16(values.collect(), [1, rows.len(), 3])
    }

    /// What is said of rows as each kind, and what as whose.
    #[test]
    fn scores_of_another_kind_are_noticed() {
        let probabilities = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]];
        let logs = probabilities.map(|row| row.map(f32::ln));
        let logits = [[0.2, -3.0, 4.0], [1.0, 0.5, -0.5]];
        let negative = [[-0.2, -0.1, -0.3], [-1.0, -0.5, -0.1]];
        let sigmoid = [[0.9, 0.8, 0.1], [0.7, 0.9, 0.2]];
        // Tokens that hardly matter may have been left out.
        let pruned = [[0.6, 0.0, 0.2], [0.0, 0.0, 0.9]];
        // Far less than tokens that were left out explain.
        let small = [[0.1, 0.1, 0.1], [0.2, 0.1, 0.1]];
        let above = [[2.0, 0.0, 0.0], [0.5, 0.25, 0.25]];
        // Behind the end of an item.
        let padded = [[0.2, 0.3, 0.5], [0.0, 0.0, 0.0]];
        let [probs, log_probs, as_logits] = [
            ScoreKind::Probabilities,
            ScoreKind::LogProbabilities,
            ScoreKind::Logits,
        ];
        for (rows, kind, said) in [
            (&probabilities, probs, None),
            (&probabilities, as_logits, Some("--scores probs")),
            (&logs, log_probs, None),
            (&logs, as_logits, Some("--scores log-probs")),
            (&logits, as_logits, None),
            (&negative, as_logits, None),
            (&negative, log_probs, Some("--scores logits")),
            (&sigmoid, probs, Some("--scores logits")),
            (&sigmoid, as_logits, None),
            (&pruned, probs, None),
            (&small, probs, Some("--scores logits")),
            // The refusal reports these.
            (&logits, log_probs, None),
            (&logits, probs, None),
            (&above, probs, None),
            (&padded, probs, None),
        ] {
            let doubt = about_kind(&tensor(rows), kind);
            match said {
                None => assert_eq!(doubt, None, "{rows:?} {kind:?}"),
                Some(option) => assert!(doubt.unwrap().ends_with(option), "{rows:?} {kind:?}"),
            }
        }
        assert_eq!(
            about_kind(&Tensor::from_f16(vec![], [0, 5, 3]), probs),
            None
        );
        let one = Tensor::from_f16(vec![f16::ONE], [1, 1, 1]);
        assert_eq!(about_kind(&one, as_logits), None);
    }

    /// Of 80 rows every second or third is looked at, the first among them.
    #[test]
    fn rows_are_looked_at_from_all_over_the_tensor() {
        let [batch, time, vocab] = [4, 20, 2];
        let rows = |at: &[usize]| {
            let mut values = vec![f16::ZERO; batch * time * vocab];
            for &row in at {
                values[row * vocab + 1] = f16::from_f32(row as f32);
            }
            Rows::of(&Tensor::from_f16(values, [batch, time, vocab])).unwrap()
        };
        let looked_at: Vec<usize> = (1..80).filter(|&row| rows(&[row]).most > 0.0).collect();
        let expected: Vec<usize> = (1..32).map(|number| number * 80 / 32).collect();
        assert_eq!(looked_at, expected);
        let all = rows(&[5, 77]);
        assert_eq!((all.count, all.most, all.sums), (32, 77.0, [0.0, 77.0]));
        assert_eq!((all.probabilities, all.log_probabilities), (30, 30));

        let long = Tensor::from_f16(vec![f16::ZERO; 3 << 20], [1, 3, 1 << 20]);
        assert_eq!(Rows::of(&long).unwrap().count, 1);
        let shorter = Tensor::from_f16(vec![f16::ZERO; 3 << 19], [1, 3, 1 << 19]);
        assert_eq!(Rows::of(&shorter).unwrap().count, 2);
    }

    #[test]
    fn an_item_that_is_refused_says_what_was_meant() {
        let refusal = |rows: &[[f32; 3]], kind| {
            let tensor = tensor(&rows.repeat(4));
            let found = widebeam::beam_search(&tensor.view(kind).unwrap(), 2).unwrap();
            let error = found.best(0).err()?;
            about_refusals(&tensor, kind, [&error].into_iter())
        };
        let said = |rows: &[[f32; 3]], kind, option: &str| {
            let refusal = refusal(rows, kind).unwrap();
            assert!(refusal.ends_with(option), "{refusal}");
        };
        let said_percent = refusal(&[[20.0, 30.0, 50.0]], ScoreKind::Probabilities);
        assert!(said_percent.unwrap().ends_with("divide them by 100"));
        said(&[[1.5, 0.0, -2.0]], ScoreKind::Probabilities, "logits");
        said(&[[0.5, 0.25, 0.25]], ScoreKind::LogProbabilities, "probs");
        let logs = [0.5f32.ln(), 0.25f32.ln(), 0.25f32.ln()];
        said(&[logs], ScoreKind::Probabilities, "log-probs");
        said(&[[3.0, 0.25, 0.25]], ScoreKind::LogProbabilities, "logits");
        assert_eq!(
            refusal(&[[f32::NAN, 0.0, 1.0]], ScoreKind::Probabilities),
            None
        );
        assert_eq!(refusal(&[[0.0, 0.0, 1.0]], ScoreKind::Probabilities), None);
    }

    #[test]
    fn many_items_of_few_frames_are_doubted() {
        let about = |batch, time| {
            let values = vec![f16::ZERO; batch * time * 2];
            about_axes(&Tensor::from_f16(values, [batch, time, 2]))
        };
        for (batch, time) in [(500, 8), (32, 8), (64, 16), (32, 1)] {
            assert!(about(batch, time).unwrap().ends_with("--layout tbv"));
        }
        for (batch, time) in [(8, 500), (31, 1), (68, 17), (63, 16), (32, 0)] {
            assert_eq!(about(batch, time), None, "{batch} {time}");
        }
    }
}
