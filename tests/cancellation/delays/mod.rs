//! How long searches take to return once they are cancelled, and what a token costs that is not:
//! `cargo test --release --features unstable --test cancellation -- --ignored --nocapture`.

mod autoregressive;
mod cases;
mod ctc;
mod independent;
mod stream;
mod transducer;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use cases::{Call, each_case};
use widebeam::{CancellationToken, ErrorKind};

use super::in_pool;
use super::random::Random;

/// The longest that may pass.
const LIMIT: Duration = Duration::from_millis(20);

/// How often each case is cancelled; fewer by the environment, where time is short.
fn calls() -> usize {
    let calls = std::env::var("CANCELLED_CALLS").ok();
    calls.map_or(1000, |calls| calls.parse().expect("a number of calls"))
}

/// Cancels calls, each after a random part of the time that a whole call takes, until so many have
/// been cancelled. Prints the longest delay and the median, and returns the longest.
fn cancel(name: &str, threads: usize, call: &mut Call<'_>) -> Duration {
    let begun = Instant::now();
    in_pool(threads, || {
        call(None).unwrap();
        let warm = Instant::now();
        call(None).unwrap();
        let whole = warm.elapsed();
        let mut random = Random::new(77);
        let mut delays = Vec::new();
        while delays.len() < calls() {
            let token = CancellationToken::new();
            let (other, cancelled_at) = (token.clone(), AtomicU64::new(0));
            let wait = whole.mul_f32(0.9 * random.unit());
            let start = Instant::now();
            let (done, returned) = thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(wait.saturating_sub(start.elapsed()));
                    cancelled_at.store(start.elapsed().as_nanos() as u64, Relaxed);
                    other.cancel();
                });
                (call(Some(token)), start.elapsed())
            });
            // Some calls are over before.
            if let Err(error) = done {
                assert_eq!(error.kind(), ErrorKind::Cancelled);
                let at = Duration::from_nanos(cancelled_at.load(Relaxed));
                delays.push(returned.saturating_sub(at));
            }
        }
        delays.sort();
        let (longest, median) = (delays[delays.len() - 1], delays[delays.len() / 2]);
        println!(
            "{name}, {threads} threads: whole {whole:.2?}, cancelled {}, median delay {median:.1?}, \
             longest {longest:.2?} ({:.0?} s)",
            delays.len(),
            begun.elapsed().as_secs_f32(),
        );
        longest
    })
}

/// Calls with and without a token in turn. Prints the median of the ratios of their times, and
/// their middle half.
fn compare(name: &str, threads: usize, call: &mut Call<'_>) {
    in_pool(threads, || {
        call(None).unwrap();
        let begun = Instant::now();
        let mut ratios = Vec::new();
        while ratios.len() < 41 || begun.elapsed() < Duration::from_secs(4) && ratios.len() < 4001 {
            let mut seconds = [0.0; 2];
            let with_first = ratios.len() % 2;
            for with in [with_first, 1 - with_first] {
                let token = (with == 1).then(CancellationToken::new);
                let start = Instant::now();
                call(token).unwrap();
                seconds[with] = start.elapsed().as_secs_f64();
            }
            ratios.push(seconds[1] / seconds[0]);
        }
        ratios.sort_by(f64::total_cmp);
        let [low, median, high] = [1, 2, 3].map(|part| ratios[part * (ratios.len() - 1) / 4]);
        println!(
            "{name}, {threads} threads: with a token {median:.4} of the time ({low:.4} to {high:.4}), \
             {} pairs",
            ratios.len(),
        );
    });
}

#[test]
#[ignore = "a measurement of minutes"]
fn delays() {
    let mut late = Vec::new();
    each_case(|name, call| {
        for threads in [1, 2] {
            let longest = cancel(name, threads, call);
            if longest > LIMIT {
                late.push((name.to_owned(), threads, longest));
            }
        }
    });
    assert!(late.is_empty(), "{late:?}");
}

#[test]
#[ignore = "a measurement of minutes"]
fn what_a_token_costs() {
    each_case(|name, call| {
        for threads in [1, 2] {
            compare(name, threads, call);
        }
    });
}
