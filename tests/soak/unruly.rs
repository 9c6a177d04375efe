//! A scorer that now and then cancels its search or panics.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use widebeam::CancellationToken;
use widebeam::scorers::Scorer;

/// What the panics say.
pub(crate) const MESSAGE: &str = "as it should";

/// Prefers tokens by the prefix they follow.
#[derive(Clone, Default)]
pub(crate) struct Unruly(Arc<Plan>);

#[derive(Default)]
struct Plan {
    /// Calls up to the one that is different; 0 if none is.
    calls: AtomicUsize,
    /// What that one cancels; it panics if there is nothing.
    token: Mutex<Option<CancellationToken>>,
}

impl Unruly {
    /// Cancels the token at the so-many-th call.
    pub(crate) fn cancel_at(&self, calls: usize, token: CancellationToken) {
        *self.0.token.lock().unwrap() = Some(token);
        self.0.calls.store(calls, Relaxed);
    }

    /// Panics at the so-many-th call.
    pub(crate) fn panic_at(&self, calls: usize) {
        self.calm();
        self.0.calls.store(calls, Relaxed);
    }

    /// Does neither.
    pub(crate) fn calm(&self) {
        self.0.calls.store(0, Relaxed);
        *self.0.token.lock().unwrap() = None;
    }

    fn call(&self) {
        let Plan { calls, token } = &*self.0;
        match calls.load(Relaxed) {
            0 => {}
            1 => {
                calls.store(0, Relaxed);
                // The lock is let go before a panic.
                let token = token.lock().unwrap().take();
                match token {
                    Some(token) => token.cancel(),
                    None => std::panic::panic_any(MESSAGE),
                }
            }
            left => calls.store(left - 1, Relaxed),
        }
    }
}

impl Scorer for Unruly {
    type State = u32;

    fn start(&self) -> u32 {
        1
    }

    fn score(&self, &state: &u32, token: u32) -> f64 {
        self.call();
        -f64::from((state * 31 + token * 7) % 13) / 8.0
    }

    fn advance(&self, &state: &u32, token: u32) -> u32 {
        self.call();
        (state * 17 + token + 1) % 1009
    }

    fn finish(&self, &state: &u32) -> f64 {
        -f64::from(state % 5) / 4.0
    }

    fn max_score(&self, _: &u32) -> f64 {
        0.0
    }
}
