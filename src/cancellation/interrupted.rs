//! How far the threads of a call have come when it is cancelled.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::token::Interrupt;
use crate::error::{Error, InterruptedAt};

/// Whether a call ends early, which its threads tell each other here, and the first place where
/// one of them saw it.
#[derive(Debug, Default)]
pub(crate) struct Interrupted {
    is_set: AtomicBool,
    first: Mutex<Option<(usize, usize, Interrupt)>>,
}

impl Interrupted {
    /// Whether a thread has seen that the call ends early.
    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Relaxed)
    }

    /// Notes that a thread ends at a step of an item.
    #[cold]
    pub(crate) fn note(&self, item: usize, step: usize, interrupt: Interrupt) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = first.is_none_or(|(i, s, _)| (item, step) < (i, s));
        if earlier {
            *first = Some((item, step, interrupt));
        }
        self.is_set.store(true, Relaxed);
    }

    /// Ends the call; items are counted from `first_item` on.
    ///
    /// # Errors
    ///
    /// If a thread ended early, with the first place that was noted.
    pub(crate) fn check(self, first_item: usize) -> Result<(), Error> {
        let first = self.first.into_inner();
        match first.unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some((item, step, interrupt)) => {
                let item = first_item + item;
                Err(interrupt.error(InterruptedAt::Item { item, step }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The threads of a call come in any order.
    #[test]
    fn the_first_place_is_the_same_in_every_order_of_notes() {
        let notes = [(0, 7), (1, 0), (1, 3), (4, 0)];
        let mut orders = 0;
        for order in 0..4usize.pow(4) {
            let order = [0, 1, 2, 3].map(|digit| order / 4usize.pow(digit) % 4);
            if (0..4).any(|note| !order.contains(&note)) {
                continue;
            }
            orders += 1;
            let interrupted = Interrupted::default();
            for note in order {
                let (item, step) = notes[note];
                interrupted.note(item, step, Interrupt::Cancelled);
                assert!(interrupted.is_set());
            }
            let error = interrupted.check(0).unwrap_err();
            assert_eq!((error.item(), error.step()), (Some(0), Some(7)));
        }
        assert_eq!(orders, 24);
    }

    #[test]
    fn the_first_place_in_order_is_kept() {
        let interrupted = Interrupted::default();
        assert!(!interrupted.is_set());
        for (item, step) in [(3, 1), (2, 9), (2, 8), (2, 9), (7, 0)] {
            interrupted.note(item, step, Interrupt::Cancelled);
            assert!(interrupted.is_set());
        }
        let error = interrupted.check(10).unwrap_err();
        assert_eq!((error.item(), error.step()), (Some(12), Some(8)));
        assert!(Interrupted::default().check(0).is_ok());
    }
}
