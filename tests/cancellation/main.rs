//! Searches that are cancelled, or whose deadline passes: before they start, on the way, from
//! another thread and from their own callbacks. What they say, how soon they return, and that
//! the next call is right.

#[path = "../support/random.rs"]
mod random;
#[path = "../support/transducer.rs"]
mod transducer_driver;

mod autoregressive;
mod ctc;
mod delays;
mod independent;
mod stop_after;
mod stream;
mod transducer;

use std::thread;
use std::time::Duration;

use random::Random;
use widebeam::{CancellationToken, Error, ErrorKind};

/// Runs `f` in a pool of so many threads.
fn in_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(f)
}

/// Numbers from 0 to 1 that do not repeat.
fn probabilities(count: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..count).map(|_| random.unit()).collect()
}

/// A token that was cancelled, and one whose deadline has passed, with what searches say.
fn ended_before() -> [(CancellationToken, ErrorKind, &'static str); 2] {
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let late = CancellationToken::new().with_timeout(Duration::ZERO);
    [
        (cancelled, ErrorKind::Cancelled, "the search was cancelled"),
        (late, ErrorKind::DeadlinePassed, "the deadline passed"),
    ]
}

/// Checks that an error is that of a search which ended at a place.
#[track_caller]
fn check_ended(error: &Error, kind: ErrorKind, place: (Option<usize>, Option<usize>), says: &str) {
    assert_eq!(error.kind(), kind);
    assert_eq!((error.item(), error.step()), place, "{error}");
    assert_eq!(error.to_string(), says);
    assert!(!error.is_out_of_memory() && error.token().is_none());
    assert!(error.request().is_none());
}

/// Calls `call` until another thread, which cancels its token after a while, has ended it; the
/// while grows where the call was over before. Returns its error.
fn cancelled_by_another(mut call: impl FnMut(CancellationToken) -> Result<(), Error>) -> Error {
    let mut repeats = 0;
    for micros in (0..).map(|n| 37 * (n % 40)) {
        let token = CancellationToken::new();
        let other = token.clone();
        let done = thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(Duration::from_micros(micros));
                other.cancel();
            });
            call(token)
        });
        match done {
            // Not before it has started, if that can be had.
            Err(error) if error.step() == Some(0) && repeats < 10 => repeats += 1,
            Err(error) => return error,
            Ok(()) => {}
        }
    }
    unreachable!("some call takes longer than the sleep")
}
