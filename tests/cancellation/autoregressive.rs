//! The search with a model in the loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use widebeam::autoregressive::{
    AutoregressiveSearch, LogitsProcessor, MaximumLength, Request, RequestId, RowScores,
};
use widebeam::{CancellationToken, Error, ErrorKind, ScoresView};

use super::{check_ended, ended_before, in_pool, probabilities};

const VOCAB: usize = 3000;
const STEPS: usize = 6;

/// The logits of each row of a step, by the step alone.
fn logits(step: usize, rows: usize) -> Vec<f32> {
    probabilities(rows * VOCAB, 3 + step as u64)
}

type Found = Vec<(Vec<u32>, f64)>;

fn found(search: &AutoregressiveSearch, id: RequestId) -> Result<Found, Error> {
    let outcome = search.outcome(id)?.expect("it is done");
    let hypotheses = outcome.hypotheses();
    Ok(hypotheses.map(|h| (h.tokens.to_vec(), h.score)).collect())
}

/// Requests of which each asks `processor`, if there is one, before it takes its scores.
fn admitted(
    count: usize,
    processor: Option<&CancelAfter>,
) -> (AutoregressiveSearch, Vec<RequestId>) {
    let mut search = AutoregressiveSearch::new(VOCAB).unwrap();
    let ids = (0..count).map(|number| {
        let request = Request::new(2 + number % 3, MaximumLength(STEPS));
        let request = match processor {
            Some(processor) => request.process_logits(processor.clone()),
            None => request,
        };
        search.admit(request).unwrap()
    });
    let ids = ids.collect();
    (search, ids)
}

/// Takes the steps from one on to the end.
fn run_from(search: &mut AutoregressiveSearch, first: usize) {
    for step in first.. {
        let rows = search.feed().rows();
        if rows == 0 {
            return;
        }
        let logits = logits(step, rows);
        let scores = ScoresView::logits(&logits, [rows, VOCAB]).unwrap();
        search.advance(&scores).unwrap();
    }
}

/// Changes nothing, and cancels its token the so-many-th time that it is asked.
#[derive(Clone, Debug)]
struct CancelAfter {
    calls: Arc<AtomicUsize>,
    token: CancellationToken,
}

impl CancelAfter {
    fn new(calls: usize, token: &CancellationToken) -> Self {
        CancelAfter {
            calls: Arc::new(AtomicUsize::new(calls)),
            token: token.clone(),
        }
    }
}

impl LogitsProcessor for CancelAfter {
    fn process(&self, _row: &mut RowScores<'_>) {
        if self.calls.fetch_sub(1, Relaxed) == 1 {
            self.token.cancel();
        }
    }
}

#[test]
fn a_step_that_is_cancelled_before_it_starts_changes_nothing() {
    let (mut whole, ids) = admitted(3, None);
    run_from(&mut whole, 0);
    let expected: Vec<_> = ids.iter().map(|&id| found(&whole, id).unwrap()).collect();
    for threads in 1..=3 {
        for at in [0, 1, 4] {
            for (token, kind, why) in ended_before() {
                in_pool(threads, || {
                    let (mut search, ids) = admitted(3, None);
                    for step in 0..at {
                        let rows = search.feed().rows();
                        let logits = logits(step, rows);
                        let scores = ScoresView::logits(&logits, [rows, VOCAB]).unwrap();
                        search.advance(&scores).unwrap();
                    }
                    search.set_cancellation(Some(token));
                    let rows = search.feed().rows();
                    let step = logits(at, rows);
                    let scores = ScoresView::logits(&step, [rows, VOCAB]).unwrap();
                    let mut clone = search.clone();
                    for search in [&mut search, &mut clone] {
                        let error = search.advance(&scores).unwrap_err();
                        let says = format!("after 0 of 3 requests of a step: {why}");
                        check_ended(&error, kind, (None, None), &says);
                    }
                    let said = search.run(|_, _| -> () { panic!("no model is asked") });
                    let said = said.unwrap_err();
                    assert_eq!(said.kind(), kind);
                    search.set_cancellation(None);
                    run_from(&mut search, at);
                    for (&id, expected) in ids.iter().zip(&expected) {
                        assert_eq!(found(&search, id).unwrap(), *expected);
                    }
                    // The best so far of those that go on no more.
                    assert!(clone.finish(ids[1]));
                    let so_far = found(&clone, ids[1]).unwrap();
                    assert_eq!(so_far.is_empty(), at == 0);
                    assert!(so_far.iter().all(|(tokens, _)| tokens.len() == at));
                });
            }
        }
    }
}

/// Some requests have taken their scores, the others take them with the next call; or they are
/// refused, where the step is given up.
#[test]
fn a_step_that_is_cancelled_on_the_way_is_gone_on_with() {
    const COUNT: usize = 5;
    let never = CancellationToken::new();
    let whole = CancelAfter::new(usize::MAX, &never);
    let (mut whole, ids) = admitted(COUNT, Some(&whole));
    run_from(&mut whole, 0);
    let expected: Vec<_> = ids.iter().map(|&id| found(&whole, id).unwrap()).collect();
    for threads in 1..=3 {
        let mut seen = [0; COUNT + 1];
        for calls in 1..70 {
            let token = CancellationToken::new();
            let processor = CancelAfter::new(calls, &token);
            in_pool(threads, || {
                let (mut search, ids) = admitted(COUNT, Some(&processor));
                search.set_cancellation(Some(token));
                let mut step = 0;
                let error = loop {
                    let rows = search.feed().rows();
                    let logits = logits(step, rows);
                    let scores = ScoresView::logits(&logits, [rows, VOCAB]).unwrap();
                    match search.advance(&scores) {
                        Ok(()) => step += 1,
                        Err(error) => break error,
                    }
                    assert!(step < STEPS, "it is cancelled before");
                };
                assert_eq!(error.kind(), ErrorKind::Cancelled);
                let says = error.to_string();
                let taken = says.as_bytes()["after ".len()] - b'0';
                let expected_says =
                    format!("after {taken} of 5 requests of a step: the search was cancelled");
                check_ended(&error, ErrorKind::Cancelled, (None, None), &expected_says);
                seen[taken as usize] += 1;

                let mut given_up = search.clone();
                assert_eq!(search.advance_again(step).unwrap_err(), error);
                search.set_cancellation(None);
                run_from(&mut search, step);
                for (&id, expected) in ids.iter().zip(&expected) {
                    assert_eq!(found(&search, id).unwrap(), *expected);
                }

                given_up.set_cancellation(None);
                given_up.abandon_step();
                let refused = |id: &&RequestId| {
                    let error = given_up.outcome(**id).err();
                    let kind = error.as_ref().map(Error::kind);
                    assert!(kind.is_none_or(|kind| kind == ErrorKind::Cancelled));
                    error.is_some_and(|error| error.request() == Some(**id))
                };
                let count = ids.iter().filter(refused).count();
                let left = COUNT - usize::from(taken);
                assert_eq!(count, if taken == 0 { 0 } else { left });
            });
        }
        assert!(seen[..COUNT].iter().all(|&seen| seen > 0), "{seen:?}");
    }
}

trait Again {
    fn advance_again(&mut self, step: usize) -> Result<(), Error>;
}

impl Again for AutoregressiveSearch {
    /// The step that is under way, with its scores.
    fn advance_again(&mut self, step: usize) -> Result<(), Error> {
        let rows = self.feed().rows();
        let logits = logits(step, rows);
        self.advance(&ScoresView::logits(&logits, [rows, VOCAB]).unwrap())
    }
}

/// The model cancels the run that calls it.
#[test]
fn a_run_ends_where_its_model_cancels_it_and_goes_on() {
    let (mut whole, ids) = admitted(3, None);
    run_from(&mut whole, 0);
    for at in 0..STEPS {
        let (mut search, own) = admitted(3, None);
        let token = CancellationToken::new();
        search.set_cancellation(Some(token.clone()));
        let mut step = 0;
        let mut model = |feed: &widebeam::autoregressive::Feed<'_>, out: &mut [f32]| {
            out.copy_from_slice(&logits(step, feed.rows()));
            if step == at && !token.is_cancelled() {
                token.cancel();
            } else {
                step += 1;
            }
        };
        let error = search.run(&mut model).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        search.set_cancellation(None);
        search.run(&mut model).unwrap();
        for (&own, &id) in own.iter().zip(&ids) {
            assert_eq!(found(&search, own).unwrap(), found(&whole, id).unwrap());
        }
    }
}
