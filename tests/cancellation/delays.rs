//! How long searches take to return once they are cancelled: run it in release,
//! `cargo test --release --test cancellation -- --ignored --nocapture`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use widebeam::ctc::{Blank, CtcNBest, CtcSearch};
use widebeam::{CancellationToken, Error, ErrorKind, IndependentSearch, NBest, ScoresView};

use super::random::Random;
use super::stop_after::StopAfter;
use super::{in_pool, probabilities};

/// The longest that may pass.
const LIMIT: Duration = Duration::from_millis(20);

/// Cancels so many calls, each after a random part of the time that a whole call takes, and
/// returns the longest delay and the median.
pub(crate) fn measure(
    name: &str,
    threads: usize,
    calls: usize,
    mut call: impl FnMut(Option<CancellationToken>) -> Result<(), Error> + Send,
) {
    let begun = Instant::now();
    in_pool(threads, || {
        call(None).unwrap();
        let warm = Instant::now();
        call(None).unwrap();
        let whole = warm.elapsed();
        let mut random = Random::new(77);
        let (mut delays, mut over) = (Vec::new(), 0);
        for _ in 0..calls {
            let token = CancellationToken::new();
            let (other, cancelled_at) = (token.clone(), AtomicU64::new(0));
            let wait = whole.mul_f32(0.02 + 0.9 * random.unit());
            let start = Instant::now();
            let done = thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(wait.saturating_sub(start.elapsed()));
                    cancelled_at.store(start.elapsed().as_nanos() as u64, Relaxed);
                    other.cancel();
                });
                let done = call(Some(token));
                (done, start.elapsed())
            });
            match done {
                (Ok(()), _) => over += 1,
                (Err(error), returned) => {
                    assert_eq!(error.kind(), ErrorKind::Cancelled);
                    let at = Duration::from_nanos(cancelled_at.load(Relaxed));
                    delays.push(returned.saturating_sub(at));
                }
            }
        }
        delays.sort();
        let (longest, median) = (delays[delays.len() - 1], delays[delays.len() / 2]);
        println!(
            "{name}, {threads} threads: whole {whole:.2?}, cancelled {}, over before {over}, \
             median delay {median:.1?}, longest {longest:.2?} ({:.0?} s)",
            delays.len(),
            begun.elapsed().as_secs_f32(),
        );
        assert!(longest <= LIMIT, "{name}: {longest:?}");
    });
}

/// How often each is cancelled; fewer by the environment, where time is short.
pub(crate) fn calls() -> usize {
    let calls = std::env::var("CANCELLED_CALLS").ok();
    calls.map_or(1000, |calls| calls.parse().expect("a number of calls"))
}

#[test]
#[ignore = "a measurement of minutes"]
fn independent() {
    let kept = [
        ("independent 8 x 64 x 32,000, 5 beams", [8, 64, 32_000], 5),
        ("independent 1 x 1 x 10^7, 5 beams", [1, 1, 10_000_000], 5),
        (
            "independent 1 x 1 x 10^7, 10^4 beams",
            [1, 1, 10_000_000],
            10_000,
        ),
        (
            "independent 1 x 2 x 10^6, 10^5 beams",
            [1, 2, 1_000_000],
            100_000,
        ),
        ("independent 1 x 20,000 x 64, 64 beams", [1, 20_000, 64], 64),
    ];
    let new = (
        "independent 1 x 100,000 x 64, 64 beams, new memory",
        [1, 100_000, 64],
        64,
    );
    let cases = kept
        .map(|case| (case, false))
        .into_iter()
        .chain([(new, true)]);
    for ((name, shape, beams), is_new) in cases {
        let data = probabilities(shape.iter().product(), 3);
        let scores = ScoresView::logits(&data, shape).unwrap();
        let (mut search, mut nbest) = (IndependentSearch::new(beams).unwrap(), NBest::new());
        for threads in [1, 2] {
            measure(name, threads, calls(), |token| {
                if is_new {
                    search = IndependentSearch::new(beams).unwrap();
                }
                search.set_cancellation(token);
                search.decode_into(&scores, &mut nbest)
            });
        }
    }
}

#[test]
#[ignore = "a measurement of minutes"]
fn ctc() {
    for (name, shape, beams, scored) in [
        ("ctc 8 x 200 x 5000, 16 beams", [8, 200, 5000], 16, false),
        ("ctc 1 x 1000 x 64, 100 beams", [1, 1000, 64], 100, false),
        (
            "ctc 1 x 1000 x 64, 100 beams, scorer",
            [1, 1000, 64],
            100,
            true,
        ),
        ("ctc 1 x 6 x 64, 65,536 beams", [1, 6, 64], 65_536, false),
        ("ctc 1 x 1 x 10^7, 16 beams", [1, 1, 10_000_000], 16, false),
    ] {
        let data = probabilities(shape.iter().product(), 3);
        let scores = ScoresView::logits(&data, shape).unwrap();
        let search = CtcSearch::new(beams, Blank(0)).unwrap();
        let never = CancellationToken::new();
        let mut with_scorer = search
            .clone()
            .with_scorer(StopAfter::new(usize::MAX, &never));
        let (mut search, mut nbest) = (search, CtcNBest::new());
        for threads in [1, 2] {
            measure(name, threads, calls(), |token| {
                if scored {
                    with_scorer.set_cancellation(token);
                    return with_scorer.decode_into(&scores, &mut nbest);
                }
                search.set_cancellation(token);
                search.decode_into(&scores, &mut nbest)
            });
        }
    }
}
