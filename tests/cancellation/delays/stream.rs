//! Frames that are pushed into a CTC stream at once.

use widebeam::ScoresView;
use widebeam::ctc::{Blank, CtcSearch};

use super::cases::Visit;
use crate::probabilities;

pub(super) fn each(visit: &mut Visit<'_>) {
    for (shape, beams) in [
        ([1000, 64], 100),
        ([200, 5000], 16),
        ([6, 64], 65_536),
        ([1, 10_000_000], 16),
    ] {
        let data = probabilities(shape.iter().product(), 3);
        let scores = ScoresView::logits(&data, shape).unwrap();
        let search = CtcSearch::new(beams, Blank(0)).unwrap();
        let mut stream = search.stream();
        visit(&format!("stream {shape:?}, {beams} beams"), &mut |token| {
            stream.reset();
            stream.set_cancellation(token);
            stream.push(&scores)
        });
    }
}
