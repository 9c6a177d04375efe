//! The search with an encoder, a predictor and a joiner in the loop.

use widebeam::scorers::Scorer;
use widebeam::transducer::{Blank, RequestId, TransducerSearch};
use widebeam::{CancellationToken, ErrorKind, ScoreKind, ScoresView};

use super::stop_after::StopAfter;
use super::transducer_driver::{Driver, Found, all_found};
use super::{check_ended, ended_before, in_pool, probabilities};

const VOCAB: usize = 12;
const FRAMES: usize = 9;
const COUNT: usize = 5;

fn search() -> TransducerSearch {
    TransducerSearch::new(VOCAB, Blank(0), 3).unwrap()
}

/// The logits of a frame after a prefix.
fn joiner(frame: usize, prefix: &[u32]) -> Vec<f32> {
    let seed = prefix.iter().fold(frame as u64 + 3, |seed, &token| {
        seed * 31 + u64::from(token)
    });
    let mut logits = probabilities(VOCAB, 1 + seed % 1_000_003);
    logits[0] += 0.5;
    logits
}

fn admitted<S: Scorer + Sync>(search: TransducerSearch<S>) -> (Driver<S>, Vec<RequestId>) {
    let mut driver = Driver::new(search);
    let ids = (0..COUNT).map(|_| driver.search.admit(FRAMES).unwrap());
    let ids = ids.collect();
    (driver, ids)
}

fn results<S: Scorer + Sync>(driver: &Driver<S>, ids: &[RequestId]) -> Vec<Vec<Found>> {
    ids.iter().map(|&id| driver.outcome(id)).collect()
}

fn run<S: Scorer + Sync>(driver: &mut Driver<S>) {
    driver.run(ScoreKind::Logits, |_, frame, prefix| joiner(frame, prefix));
}

/// The scores of the step that is under way.
fn scores<S: Scorer + Sync>(driver: &mut Driver<S>) -> Vec<f32> {
    let rows = driver.predict();
    rows.iter()
        .flat_map(|(_, frame, prefix)| joiner(*frame, prefix))
        .collect()
}

#[test]
fn a_step_that_is_cancelled_before_it_starts_changes_nothing() {
    let (mut whole, ids) = admitted(search());
    run(&mut whole);
    let expected = results(&whole, &ids);
    for threads in 1..=3 {
        for (token, kind, why) in ended_before() {
            in_pool(threads, || {
                let (mut driver, ids) = admitted(search().with_cancellation(token));
                let data = scores(&mut driver);
                let view = ScoresView::logits(&data, [data.len() / VOCAB, VOCAB]).unwrap();
                let search = &mut driver.search;
                let says = format!("after 0 of 5 requests of a step: {why}");
                for _ in 0..2 {
                    check_ended(
                        &search.advance(&view).unwrap_err(),
                        kind,
                        (None, None),
                        &says,
                    );
                }
                let ended =
                    search.run(|_, _| -> Result<(), widebeam::Error> { panic!("no model") });
                assert_eq!(ended.unwrap_err().kind(), kind);
                let best = search.current(ids[0]).unwrap().best().unwrap();
                assert!(best.tokens.is_empty());
                search.set_cancellation(None);
                driver.ask_again();
                run(&mut driver);
                assert_eq!(results(&driver, &ids), expected);
            });
        }
    }
}

/// Some requests have taken their scores. The others take them with the next call, or with the
/// next step, where this one is given up.
#[test]
fn a_step_that_is_cancelled_on_the_way_is_gone_on_with() {
    let never = CancellationToken::new();
    let scorer = StopAfter::new(usize::MAX, &never);
    let (mut whole, ids) = admitted(search().with_scorer(scorer));
    run(&mut whole);
    let expected = results(&whole, &ids);
    let all = whole.search.scorer().called();
    for threads in 1..=3 {
        let mut partly = 0;
        for (number, calls) in (1..all * 9 / 10).step_by(all / 20).enumerate() {
            let token = CancellationToken::new();
            let scorer = StopAfter::new(calls, &token);
            let (mut driver, ids) = admitted(search().with_cancellation(token).with_scorer(scorer));
            in_pool(threads, || {
                let error = loop {
                    let data = scores(&mut driver);
                    let view = ScoresView::logits(&data, [data.len() / VOCAB, VOCAB]).unwrap();
                    let Err(error) = driver.search.advance(&view) else {
                        continue;
                    };
                    if number % 2 == 0 {
                        driver.search.set_cancellation(None);
                        driver.search.advance(&view).unwrap();
                    } else {
                        assert_eq!(driver.search.advance(&view).unwrap_err(), error);
                        driver.search.set_cancellation(None);
                        driver.search.abandon_step();
                    }
                    break error;
                };
                assert_eq!(error.kind(), ErrorKind::Cancelled);
                partly += usize::from(!error.to_string().starts_with("after 0"));
                for &id in &ids {
                    let so_far = all_found(driver.search.current(id).unwrap());
                    assert!(!so_far.is_empty());
                }
                // Prefixes are asked for again where the step was given up.
                driver.ask_again();
                run(&mut driver);
                assert_eq!(results(&driver, &ids), expected);
            });
        }
        assert!(partly > 3, "{partly} on {threads} threads");
    }
}
