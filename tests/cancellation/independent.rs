//! The search over independent positions.

use widebeam::{CancellationToken, ErrorKind, IndependentSearch, NBest, ScoresView};

use super::{cancelled_by_another, check_ended, ended_before, in_pool, probabilities};

const SHAPE: [usize; 3] = [5, 40, 300];

fn search() -> IndependentSearch {
    IndependentSearch::new(50).unwrap()
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
                for (view, first) in [(scores, 0), (scores.items(2..4), 2)] {
                    let error = search.decode_into(&view, &mut nbest).unwrap_err();
                    let says = format!("item {first}, step 0: {why}");
                    check_ended(&error, kind, (Some(first), Some(0)), &says);
                    assert!(nbest.is_empty() && nbest.tokens().is_empty());
                }
                // A clone has the token too.
                assert_eq!(search.clone().decode(&scores).unwrap_err().kind(), kind);
                search.set_cancellation(None);
                search.decode_into(&scores, &mut nbest).unwrap();
                assert_eq!(nbest, expected);
            });
        }
    }
}

#[test]
fn a_call_that_is_cancelled_on_the_way_says_where_and_the_next_one_is_right() {
    // Rows are read for long, or beams merged.
    for (shape, beams) in [
        ([4, 30, 20_000], 5),
        ([40, 2, 20_000], 5),
        ([3, 200, 64], 1000),
    ] {
        let data = probabilities(shape.iter().product(), 5);
        let scores = ScoresView::probabilities(&data, shape).unwrap();
        let expected = widebeam::beam_search(&scores, beams).unwrap();
        for threads in 1..=3 {
            let mut search = IndependentSearch::new(beams).unwrap();
            let mut nbest = NBest::new();
            in_pool(threads, || {
                for _ in 0..5 {
                    let error = cancelled_by_another(|token| {
                        search.set_cancellation(Some(token));
                        search.decode_into(&scores, &mut nbest)
                    });
                    let place @ (item, step) = (error.item().unwrap(), error.step().unwrap());
                    assert!(item < shape[0] && step <= shape[1], "{place:?}");
                    let says = format!("item {item}, step {step}: the search was cancelled");
                    check_ended(
                        &error,
                        ErrorKind::Cancelled,
                        (Some(item), Some(step)),
                        &says,
                    );
                    assert_eq!(nbest, NBest::new());
                    search.set_cancellation(Some(CancellationToken::new()));
                    search.decode_into(&scores, &mut nbest).unwrap();
                    assert_eq!(nbest, expected);
                }
            });
        }
    }
}

/// The same result with a token as without, and with a deadline that is far.
#[test]
fn a_token_changes_no_result() {
    let data = probabilities(SHAPE.iter().product(), 7);
    let scores = ScoresView::probabilities(&data, SHAPE).unwrap();
    let expected = search().decode(&scores).unwrap();
    let far = CancellationToken::new().with_timeout(std::time::Duration::from_secs(3600));
    for token in [CancellationToken::new(), far] {
        let mut search = search().with_cancellation(token);
        assert_eq!(search.decode(&scores).unwrap(), expected);
    }
}
