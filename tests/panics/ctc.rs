//! The CTC search over whole items.

use widebeam::ScoresView;
use widebeam::ctc::{Blank, CtcNBest, CtcSearch};

use super::panicking::Panicking;
use super::{at_many_moments, in_pool, probabilities, unless_panicked};

const SHAPE: [usize; 3] = [9, 12, 30];

#[test]
fn a_search_whose_scorer_panicked_is_usable() {
    let data = probabilities(SHAPE.iter().product(), 3);
    let scores = ScoresView::probabilities(&data, SHAPE).unwrap();
    let search = CtcSearch::new(5, Blank(0)).unwrap();
    let mut whole = search.clone().with_scorer(Panicking::at(usize::MAX));
    let expected = whole.decode(&scores).unwrap();
    at_many_moments(30_000, |threads, scorer| {
        let mut search = search.clone().with_scorer(scorer.clone());
        let mut nbest = expected.clone();
        in_pool(threads, || {
            let done = unless_panicked(|| search.decode_into(&scores, &mut nbest));
            if done.is_none() {
                assert_eq!(nbest, CtcNBest::new());
            }
            scorer.calm();
            search.decode_into(&scores, &mut nbest).unwrap();
            assert_eq!(nbest, expected);
            done.is_none()
        })
    });
}
