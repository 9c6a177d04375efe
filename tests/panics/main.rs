//! What a panic of the caller's code (a scorer) leaves behind, on any number of threads: it
//! comes out of the call, the search is usable afterwards, and no state is leaked.

#[path = "../support/random.rs"]
mod random;
#[path = "../support/transducer.rs"]
mod transducer_driver;

mod ctc;
mod panicking;
mod stream;
mod transducer;

use std::panic::{AssertUnwindSafe, catch_unwind};

use panicking::{MESSAGE, Panicking};
use random::Random;

/// Numbers of threads that a pool has.
const THREADS: [usize; 4] = [1, 2, 3, 8];

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

/// The value of a call, or nothing if the scorer panicked in it.
fn unless_panicked<R>(call: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => Some(value),
        Err(payload) => {
            let message = payload.downcast_ref::<&str>();
            assert_eq!(message, Some(&MESSAGE), "the panic is the scorer's");
            None
        }
    }
}

/// For each number of threads and each of many moments at which a scorer panics. `each` says
/// whether it did. At the end of each no state is left.
fn at_many_moments(most: usize, each: impl Fn(usize, &Panicking) -> bool) {
    // The panics are meant: no messages, and of this test's threads alone.
    std::panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref::<&str>() != Some(&MESSAGE) {
            eprintln!("{info}");
        }
    }));
    for threads in THREADS {
        let mut panicked = 0;
        let mut step = 1;
        let mut calls = 1;
        while calls < most {
            let scorer = Panicking::at(calls);
            panicked += usize::from(each(threads, &scorer));
            assert_eq!(scorer.states(), 0, "states are left, {calls} calls");
            calls += step;
            step = (step * 5).div_ceil(4);
        }
        assert!(panicked > 10, "{panicked} of {threads} threads");
    }
}
