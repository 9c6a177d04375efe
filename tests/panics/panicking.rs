//! A scorer that panics, and counts its states.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use widebeam::scorers::Scorer;

pub(crate) const MESSAGE: &str = "as it should";

/// Panics at one call of one of its functions, whichever that is, and counts the states that
/// there are.
#[derive(Clone)]
pub(crate) struct Panicking {
    calls: Arc<AtomicUsize>,
    states: Arc<AtomicUsize>,
}

/// A state that is counted.
#[derive(Debug)]
pub(crate) struct Counted {
    value: u32,
    states: Arc<AtomicUsize>,
}

impl Counted {
    fn new(value: u32, states: &Arc<AtomicUsize>) -> Self {
        states.fetch_add(1, Relaxed);
        let states = Arc::clone(states);
        Counted { value, states }
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Counted::new(self.value, &self.states)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.states.fetch_sub(1, Relaxed);
    }
}

impl Panicking {
    /// Panics at the so-many-th call from now on.
    pub(crate) fn at(calls: usize) -> Self {
        Panicking {
            calls: Arc::new(AtomicUsize::new(calls)),
            states: Arc::default(),
        }
    }

    /// How many states there are.
    pub(crate) fn states(&self) -> usize {
        self.states.load(Relaxed)
    }

    /// Panics no more.
    pub(crate) fn calm(&self) {
        self.calls.store(usize::MAX, Relaxed);
    }

    #[track_caller]
    fn call(&self) {
        if self.calls.fetch_sub(1, Relaxed) == 1 {
            std::panic::panic_any(MESSAGE);
        }
    }
}

impl Scorer for Panicking {
    type State = Counted;

    fn start(&self) -> Counted {
        self.call();
        Counted::new(1, &self.states)
    }

    fn score(&self, state: &Counted, token: u32) -> f64 {
        self.call();
        -f64::from((state.value * 31 + token * 7) % 13) / 8.0
    }

    fn advance(&self, state: &Counted, token: u32) -> Counted {
        self.call();
        Counted::new((state.value * 17 + token + 1) % 1009, &self.states)
    }

    fn finish(&self, state: &Counted) -> f64 {
        self.call();
        -f64::from(state.value % 5) / 4.0
    }

    fn max_score(&self, _: &Counted) -> f64 {
        self.call();
        0.0
    }

    fn may_follow(&self, _: &Counted) -> u64 {
        self.call();
        u64::MAX
    }
}
