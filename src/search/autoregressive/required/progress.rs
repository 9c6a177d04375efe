//! What the live hypotheses of a group have of the required words.

use super::{MET, Required};
use crate::error::Error;
use crate::memory::reserve;

/// What the live hypotheses of a group have of the required words, in their order.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Progress {
    /// How many numbers each has.
    numbers: usize,
    live: Vec<u32>,
    /// Those before the last step, and memory for those of the next.
    previous: Vec<u32>,
}

impl Progress {
    /// At most the bytes that it takes for so many hypotheses.
    pub(in super::super) fn bytes_needed(hypotheses: usize, required: &Required) -> usize {
        // Before and after a step. Where memory grows, it is doubled.
        let each = required.numbers().saturating_mul(4 * size_of::<u32>());
        hypotheses.saturating_mul(each)
    }

    /// Starts anew, with the empty hypothesis alone.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(in super::super) fn begin(&mut self, required: &Required) -> Result<(), Error> {
        self.numbers = required.numbers();
        self.live.clear();
        reserve(&mut self.live, self.numbers, "the required words")?;
        self.live.resize(self.numbers, 0);
        Ok(())
    }

    /// Makes room for so many hypotheses after the step.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(in super::super) fn make_room(&mut self, hypotheses: usize) -> Result<(), Error> {
        self.previous.clear();
        let numbers = hypotheses.saturating_mul(self.numbers);
        reserve(&mut self.previous, numbers, "the required words")
    }

    /// Begins the list of hypotheses after a step.
    pub(in super::super) fn begin_step(&mut self) {
        std::mem::swap(&mut self.live, &mut self.previous);
        self.live.clear();
    }

    /// Appends a hypothesis that continues one of before the step with a token.
    pub(in super::super) fn keep(&mut self, required: &Required, parent: usize, token: u32) {
        let start = self.live.len();
        self.live.resize(start + self.numbers, 0);
        let before = &self.previous[parent * self.numbers..][..self.numbers];
        required.advance(before, token, &mut self.live[start..]);
    }

    /// What a live hypothesis has.
    pub(in super::super) fn of(&self, rank: usize) -> &[u32] {
        &self.live[rank * self.numbers..][..self.numbers]
    }

    /// Whether a live hypothesis has all that must occur.
    pub(in super::super) fn is_met(&self, rank: usize) -> bool {
        self.of(rank).iter().all(|&progress| progress == MET)
    }
}
