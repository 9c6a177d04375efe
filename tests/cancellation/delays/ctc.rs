//! CTC.

use widebeam::ctc::{Blank, CtcNBest, CtcSearch};
use widebeam::{CancellationToken, ScoresView};

use super::cases::Visit;
use crate::probabilities;
use crate::stop_after::StopAfter;

pub(super) fn each(visit: &mut Visit<'_>) {
    for (shape, beams) in [
        ([8, 200, 5000], 16),
        ([1, 1000, 64], 100),
        ([1, 6, 64], 65_536),
        ([1, 1, 10_000_000], 16),
    ] {
        let data = probabilities(shape.iter().product(), 3);
        let scores = ScoresView::logits(&data, shape).unwrap();
        let mut search = CtcSearch::new(beams, Blank(0)).unwrap();
        let mut nbest = CtcNBest::new();
        visit(&format!("ctc {shape:?}, {beams} beams"), &mut |token| {
            search.set_cancellation(token);
            search.decode_into(&scores, &mut nbest)
        });
    }
    let shape = [1, 1000, 64];
    let data = probabilities(shape.iter().product(), 3);
    let scores = ScoresView::logits(&data, shape).unwrap();
    let scorer = StopAfter::new(usize::MAX, &CancellationToken::new());
    let search = CtcSearch::new(100, Blank(0)).unwrap();
    let mut search = search.with_scorer(scorer);
    let mut nbest = CtcNBest::new();
    visit(
        &format!("ctc {shape:?}, 100 beams, a scorer"),
        &mut |token| {
            search.set_cancellation(token);
            search.decode_into(&scores, &mut nbest)
        },
    );
}
