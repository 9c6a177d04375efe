//! How a beam is shared out between the banks of a step.

use super::candidates::Continuation;
use crate::error::Error;
use crate::memory::reserve;
use crate::order::descending;

/// A candidate that may go on.
#[derive(Clone, Copy, Debug)]
struct Rival {
    /// How far it is behind the best of its bank.
    behind: f64,
    /// Its place among all, bank by bank.
    place: u32,
    candidate: Continuation,
}

/// The candidates of a step that may go on, bank by bank. Its memory is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Banks {
    rivals: Vec<Rival>,
    /// The first of the bank that is being filled.
    first: usize,
}

impl Banks {
    /// The bytes that it takes for so many candidates.
    pub(super) fn bytes_needed(candidates: usize) -> usize {
        // Where memory grows, it is doubled.
        candidates.saturating_mul(2 * size_of::<Rival>())
    }

    pub(super) fn clear(&mut self) {
        self.rivals.clear();
        self.first = 0;
    }

    /// Begins a bank, of which there is room for so many candidates.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn begin(&mut self, most: usize) -> Result<(), Error> {
        self.first = self.rivals.len();
        reserve(&mut self.rivals, most, "the banks of a step")
    }

    /// Empties the bank that is being filled.
    pub(super) fn begin_again(&mut self) {
        self.rivals.truncate(self.first);
    }

    /// Adds the next best candidate of a bank.
    pub(super) fn add(&mut self, candidate: Continuation) {
        let best = self.rivals.get(self.first);
        let best = best.map_or(candidate.score, |best| best.candidate.score);
        self.rivals.push(Rival {
            behind: best - candidate.score,
            place: self.rivals.len() as u32,
            candidate,
        });
    }

    /// Shares a beam of `width` out: to the best of each bank, in the order of the banks, and then
    /// to those that are least behind the best of their bank. The next beams, best first.
    pub(super) fn share_out(&mut self, width: usize) -> impl Iterator<Item = Continuation> {
        let ascending = |a: f64, b: f64| descending(b, a);
        self.rivals
            .sort_unstable_by(|a, b| ascending(a.behind, b.behind).then(a.place.cmp(&b.place)));
        self.rivals.truncate(width);
        // Of equal scores the one that was chosen first stays first.
        for (place, rival) in self.rivals.iter_mut().enumerate() {
            rival.place = place as u32;
        }
        self.rivals.sort_unstable_by(|a, b| {
            let scores = descending(a.candidate.score, b.candidate.score);
            scores.then(a.place.cmp(&b.place))
        });
        self.rivals.iter().map(|rival| rival.candidate)
    }
}
