//! Fetching the next row while the beam is worked on.

use crate::kernels::reach::{ASKED, FILLED_UP};
use crate::scores::{Data, Row};
use crate::simd::{CACHE_LINE, prefetch};

/// The row that will be read next, asked for a few lines at a time: the search
/// of a frame touches memory little, and would leave it idle.
///
/// Where to ask, and for how many lines, is a matter of time. A core waits for
/// some twenty lines at once, and memory answers with one about every five
/// nanoseconds. Whoever asks for more than that stands still until the first
/// are there, and whoever asks for less leaves memory idle. So every stage of
/// a frame asks for about what comes in while it works, and the scan of the
/// row for what is left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead<'a> {
    bytes: &'a [u8],
    /// Where to go on.
    at: usize,
}

impl<'a> Ahead<'a> {
    /// Lines for a stage of some hundred cycles.
    pub(super) const STAGE: usize = 16;
    /// Lines for a vector of masses.
    pub(super) const VECTOR: usize = 6;
    /// Lines for a prefix that stays where it is.
    pub(super) const KEPT: usize = 1;
    /// Lines for a prefix that moves, or is new.
    pub(super) const MOVED: usize = 2;

    /// The row of `vocab` tokens at the front of `next`, which follows one that
    /// was scanned.
    pub(super) fn of(next: Row<'a>, vocab: usize) -> Self {
        let vocab = vocab.min(next.len());
        let bytes = match next.slice(0..vocab) {
            Data::F32(row) => bytemuck::cast_slice(row),
            Data::F16(row) => bytemuck::cast_slice(row),
            Data::Bf16(row) => bytemuck::cast_slice(row),
        };
        // A scan in stripes begins with the end of the row, which it fills up, and
        // would wait for it.
        let at = bytes.len().saturating_sub(FILLED_UP);
        let mut end = Ahead { bytes, at };
        end.fetch(FILLED_UP / CACHE_LINE);
        Ahead { bytes, at: ASKED }
    }

    /// Asks for the next `lines` that there are.
    #[inline(always)]
    pub(super) fn fetch(&mut self, lines: usize) {
        let end = self.bytes.len().min(self.at + lines * CACHE_LINE);
        while self.at < end {
            prefetch(self.bytes, self.at);
            self.at += CACHE_LINE;
        }
    }

    /// The bytes at the front of the row that were asked for.
    pub(super) fn asked(&self) -> usize {
        self.at
    }
}
