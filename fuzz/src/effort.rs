//! How much of the engine one input is tried with.

use widebeam::Level;

/// The work that the last byte of an input asks for, so that most inputs cost one search:
/// one level and one scorer. Where the byte is a multiple of [`Effort::WHOLE`], all of them.
#[derive(Clone, Copy)]
pub(crate) struct Effort(u8);

impl Effort {
    const WHOLE: u8 = 16;

    /// The effort that an input asks for, and the rest of it.
    pub(crate) fn of(data: &[u8]) -> (Self, &[u8]) {
        match data.split_last() {
            Some((&last, rest)) => (Effort(last), rest),
            None => (Effort(0), data),
        }
    }

    fn is_whole(self) -> bool {
        self.0.is_multiple_of(Self::WHOLE)
    }

    /// The levels to try.
    pub(crate) fn levels(self) -> impl Iterator<Item = Level> {
        let count = Level::available().count();
        let one = usize::from(self.0 / 2) % count;
        let (skipped, taken) = if self.is_whole() {
            (0, count)
        } else {
            (one, 1)
        };
        Level::available().skip(skipped).take(taken)
    }

    /// Whether to search without a scorer.
    pub(crate) fn is_unscored(self) -> bool {
        self.is_whole() || self.0.is_multiple_of(2)
    }

    /// Whether to search with one.
    pub(crate) fn is_scored(self) -> bool {
        self.is_whole() || !self.0.is_multiple_of(2)
    }
}
