//! The CTC search over whole items.

use std::time::Duration;

use widebeam::ctc::{Blank, CtcNBest, CtcSearch};
use widebeam::{CancellationToken, ErrorKind, ScoresView};

use super::stop_after::StopAfter;
use super::{cancelled_by_another, check_ended, ended_before, in_pool, probabilities};

const SHAPE: [usize; 3] = [3, 30, 40];
const BEAMS: usize = 8;

fn search() -> CtcSearch {
    CtcSearch::new(BEAMS, Blank(0)).unwrap()
}

#[test]
fn a_call_that_is_cancelled_before_it_starts_does_nothing() {
    let data = probabilities(SHAPE.iter().product(), 3);
    let scores = ScoresView::probabilities(&data, SHAPE).unwrap();
    let expected = search().decode(&scores).unwrap();
    for threads in 1..=3 {
        for (token, kind, why) in ended_before() {
            let mut search = search().with_cancellation(token);
            let mut nbest = expected.clone();
            in_pool(threads, || {
                for (view, first) in [(scores, 0), (scores.items(1..3), 1)] {
                    let error = search.decode_into(&view, &mut nbest).unwrap_err();
                    let says = format!("item {first}, step 0: {why}");
                    check_ended(&error, kind, (Some(first), Some(0)), &says);
                    assert!(nbest.is_empty() && nbest.tokens().is_empty());
                }
                assert_eq!(search.clone().decode(&scores).unwrap_err().kind(), kind);
                search.set_cancellation(None);
                search.decode_into(&scores, &mut nbest).unwrap();
                assert_eq!(nbest, expected);
            });
        }
    }
}

/// Rows that are read early and late, and wide beams.
#[test]
fn a_call_that_is_cancelled_on_the_way_says_where_and_the_next_one_is_right() {
    for (shape, beams) in [
        ([1, 60, 5000], 16),
        ([4, 60, 5000], 16),
        ([9, 100, 32], 16),
        ([2, 12, 64], 3000),
    ] {
        let data = probabilities(shape.iter().product(), 5);
        let scores = ScoresView::logits(&data, shape).unwrap();
        let search = || CtcSearch::new(beams, Blank(1)).unwrap();
        let expected = search().decode(&scores).unwrap();
        for threads in 1..=3 {
            let (mut search, mut nbest) = (search(), CtcNBest::new());
            in_pool(threads, || {
                for _ in 0..4 {
                    let error = cancelled_by_another(|token| {
                        search.set_cancellation(Some(token));
                        search.decode_into(&scores, &mut nbest)
                    });
                    let (item, step) = (error.item().unwrap(), error.step().unwrap());
                    assert!(item < shape[0] && step <= shape[1], "{error}");
                    let place = (Some(item), Some(step));
                    let says = format!("item {item}, step {step}: the search was cancelled");
                    check_ended(&error, ErrorKind::Cancelled, place, &says);
                    assert_eq!(nbest, CtcNBest::new());
                    search.set_cancellation(Some(CancellationToken::new()));
                    search.decode_into(&scores, &mut nbest).unwrap();
                    assert_eq!(nbest, expected);
                }
            });
        }
    }
}

/// The frame at which a search ends is that of the call, or of the next look.
#[test]
fn a_scorer_may_cancel_its_own_search() {
    let data = probabilities(SHAPE.iter().product(), 9);
    let scores = ScoresView::probabilities(&data, SHAPE).unwrap();
    let never = CancellationToken::new();
    let mut whole = search().with_scorer(StopAfter::new(usize::MAX, &never));
    let expected = whole.decode(&scores).unwrap();
    let all = whole.scorer().called();
    for threads in 1..=3 {
        let mut reached = (0, 0);
        for calls in [
            1,
            2,
            all / 50,
            all / 9,
            all / 5,
            all / 3,
            all / 2,
            all * 9 / 10,
        ] {
            let token = CancellationToken::new();
            let scorer = StopAfter::new(calls, &token);
            let mut search = search().with_cancellation(token).with_scorer(scorer);
            in_pool(threads, || {
                let error = search.decode(&scores).unwrap_err();
                let place = (error.item().unwrap(), error.step().unwrap());
                assert!(threads > 1 || place >= reached, "{error}");
                reached = place;
                search.set_cancellation(None);
                assert_eq!(search.decode(&scores).unwrap(), expected);
            });
        }
        assert!(threads > 1 || reached > (0, 20), "{reached:?}");
    }
}

/// Frames that take long, so that the clock is read at each.
#[test]
fn a_deadline_that_passes_on_the_way_is_seen() {
    let shape = [1, 4000, 40];
    let data = probabilities(shape.iter().product(), 11);
    let scores = ScoresView::probabilities(&data, shape).unwrap();
    let mut search = CtcSearch::new(200, Blank(0)).unwrap();
    let expected = search.decode(&scores).unwrap();
    let mut timeout = Duration::from_micros(500);
    let error = loop {
        let token = CancellationToken::new().with_timeout(timeout);
        search.set_cancellation(Some(token));
        match search.decode(&scores) {
            Err(error) if error.step() > Some(0) => break error,
            // Too early, because the machine is busy.
            Err(_) => timeout *= 2,
            Ok(_) => timeout /= 3,
        }
    };
    let step = error.step().unwrap();
    let says = format!("item 0, step {step}: the deadline passed");
    check_ended(
        &error,
        ErrorKind::DeadlinePassed,
        (Some(0), Some(step)),
        &says,
    );
    search.set_cancellation(None);
    assert_eq!(search.decode(&scores).unwrap(), expected);
}
