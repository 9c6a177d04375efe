//! A scorer that cancels its own search.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use widebeam::CancellationToken;
use widebeam::scorers::Scorer;

/// Prefers tokens by the prefix they follow. The `calls`-th time that it is asked for a score it
/// cancels its token.
#[derive(Clone)]
pub(crate) struct StopAfter {
    token: CancellationToken,
    calls: Arc<AtomicUsize>,
}

impl StopAfter {
    pub(crate) fn new(calls: usize, token: &CancellationToken) -> Self {
        StopAfter {
            token: token.clone(),
            calls: Arc::new(AtomicUsize::new(calls)),
        }
    }
}

impl StopAfter {
    /// How often it was asked for a score, if it began with [`usize::MAX`].
    pub(crate) fn called(&self) -> usize {
        usize::MAX - self.calls.load(Relaxed)
    }
}

impl Scorer for StopAfter {
    type State = u32;

    fn start(&self) -> u32 {
        1
    }

    fn score(&self, &state: &u32, token: u32) -> f64 {
        if self.calls.fetch_sub(1, Relaxed) == 1 {
            self.token.cancel();
        }
        -f64::from((state * 31 + token * 7) % 13) / 8.0
    }

    fn advance(&self, &state: &u32, token: u32) -> u32 {
        (state * 17 + token + 1) % 1009
    }

    fn finish(&self, &state: &u32) -> f64 {
        -f64::from(state % 5) / 4.0
    }

    fn max_score(&self, _: &u32) -> f64 {
        0.0
    }
}
