//! Independent positions.

use widebeam::{IndependentSearch, NBest, ScoresView};

use super::cases::Visit;
use crate::probabilities;

pub(super) fn each(visit: &mut Visit<'_>) {
    for (shape, beams, is_new) in [
        ([8, 64, 32_000], 5, false),
        ([1, 1, 10_000_000], 5, false),
        ([1, 1, 10_000_000], 10_000, false),
        ([1, 2, 1_000_000], 100_000, false),
        ([1, 20_000, 64], 64, false),
        ([1, 100_000, 64], 64, true),
    ] {
        let data = probabilities(shape.iter().product(), 3);
        let scores = ScoresView::logits(&data, shape).unwrap();
        let (mut search, mut nbest) = (IndependentSearch::new(beams).unwrap(), NBest::new());
        let memory = if is_new { ", new memory" } else { "" };
        visit(
            &format!("independent {shape:?}, {beams} beams{memory}"),
            &mut |token| {
                if is_new {
                    search = IndependentSearch::new(beams).unwrap();
                }
                search.set_cancellation(token);
                search.decode_into(&scores, &mut nbest)
            },
        );
    }
}
