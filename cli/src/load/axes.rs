//! The order in which the axes of a tensor lie in memory.

use std::fmt;

use clap::ValueEnum;
use widebeam::Layout;

/// The order of the axes of scores of rank 3; the argument of `--layout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Axes {
    /// [batch, time, vocab]
    #[default]
    #[value(name = "btv")]
    BatchTimeVocab,
    /// [time, batch, vocab]
    #[value(name = "tbv")]
    TimeBatchVocab,
}

impl Axes {
    /// `[batch, time, vocab]` of an array of rank 2 or 3.
    pub(crate) fn shape(self, stored: &[usize]) -> Option<[usize; 3]> {
        match (self, stored) {
            (_, &[time, vocab]) => Some([1, time, vocab]),
            (Axes::BatchTimeVocab, &[batch, time, vocab])
            | (Axes::TimeBatchVocab, &[time, batch, vocab]) => Some([batch, time, vocab]),
            _ => None,
        }
    }

    /// How values of `[batch, time, vocab]` lie in memory.
    pub(crate) fn layout(self, shape: [usize; 3]) -> Layout {
        match self {
            Axes::BatchTimeVocab => Layout::contiguous(shape),
            Axes::TimeBatchVocab => {
                let [batch, _, vocab] = shape;
                // A product that saturates is of a shape that the library refuses.
                Layout::strided(shape, [vocab, batch.saturating_mul(vocab)])
            }
        }
    }
}

impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Axes::BatchTimeVocab => "[batch, time, vocab]",
            Axes::TimeBatchVocab => "[time, batch, vocab]",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use widebeam::{ScoresView, beam_search};

    #[test]
    fn a_shape_is_read_in_the_order_of_the_axes() {
        let (btv, tbv) = (Axes::BatchTimeVocab, Axes::TimeBatchVocab);
        assert_eq!(btv.shape(&[2, 3, 5]), Some([2, 3, 5]));
        assert_eq!(tbv.shape(&[2, 3, 5]), Some([3, 2, 5]));
        for axes in [btv, tbv] {
            assert_eq!(axes.shape(&[3, 5]), Some([1, 3, 5]));
            for stored in [&[][..], &[3], &[1, 2, 3, 5]] {
                assert_eq!(axes.shape(stored), None);
            }
        }
        assert_eq!(
            (btv, Axes::default().to_string()),
            (Axes::default(), btv.to_string())
        );
    }

    #[test]
    fn both_orders_have_the_same_answers() {
        let (batch, time, vocab) = (3, 2, 4);
        let value = |item: usize, step: usize, token: usize| {
            ((item * 7 + step * 5 + token * 3) % 11) as f32
        };
        let tokens = 0..vocab;
        let btv: Vec<f32> = (0..batch)
            .flat_map(|item| (0..time).map(move |step| (item, step)))
            .flat_map(|(item, step)| tokens.clone().map(move |token| value(item, step, token)))
            .collect();
        let tbv: Vec<f32> = (0..time)
            .flat_map(|step| (0..batch).map(move |item| (item, step)))
            .flat_map(|(item, step)| tokens.clone().map(move |token| value(item, step, token)))
            .collect();
        let shape = [batch, time, vocab];
        let answer = |values: &[f32], axes: Axes| {
            let view = ScoresView::logits(values, axes.layout(shape)).unwrap();
            beam_search(&view, 3).unwrap()
        };
        let right = answer(&btv, Axes::BatchTimeVocab);
        assert_eq!(answer(&tbv, Axes::TimeBatchVocab), right);
        assert_ne!(answer(&tbv, Axes::BatchTimeVocab), right);
    }

    #[test]
    fn shapes_that_no_memory_holds_are_refused() {
        for shape in [[usize::MAX, 2, 2], [2, usize::MAX, 2]] {
            let layout = Axes::TimeBatchVocab.layout(shape);
            assert!(ScoresView::logits::<f32>(&[], layout).is_err(), "{shape:?}");
        }
        let empty = Axes::TimeBatchVocab.layout([0, 3, 2]);
        assert!(ScoresView::logits::<f32>(&[], empty).is_ok());
    }
}
