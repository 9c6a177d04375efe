//! The slots in which the caller keeps the predictor's states.

use crate::error::Error;
use crate::memory::reserve_in_all;

/// Hands slots out and takes them back. The lowest numbers that were ever needed are in use.
#[derive(Debug, Default)]
pub(super) struct Slots {
    free: Vec<u32>,
    /// How many there are.
    count: u32,
}

impl Slots {
    /// Makes room for taking back all slots and `more` of them.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), Error> {
        let wanted = (self.count as usize).saturating_add(more);
        reserve_in_all(&mut self.free, wanted, "the slots of the predictor")
    }

    pub(super) fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        })
    }

    pub(super) fn give_back(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// How many there are: every slot that was ever handed out is below.
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_again_and_are_no_more_than_were_in_use_at_once() {
        let mut slots = Slots::default();
        slots.reserve(3).unwrap();
        let taken = [slots.take(), slots.take(), slots.take()];
        assert_eq!((taken, slots.count()), ([0, 1, 2], 3));
        slots.give_back(1);
        assert_eq!((slots.take(), slots.count()), (1, 3));
        taken.iter().for_each(|&slot| slots.give_back(slot));
        let mut again = taken.map(|_| slots.take());
        again.sort();
        assert_eq!((again, slots.count()), (taken, 3));
    }
}
