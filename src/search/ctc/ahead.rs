//! Fetching the next row while the beam is worked on.

use crate::scores::{Data, Row};
use crate::simd::prefetch;

const CACHE_LINE: usize = 64;

/// The row that will be read next, asked for a few lines at a time: the search
/// of a frame touches memory little, and would leave it idle.
///
/// Where to ask, and for how many lines, is a matter of time. A core waits for
/// some twenty lines at once and memory answers with one every five
/// nanoseconds or so. Whoever asks for more than that stands still until the
/// first are there, and whoever asks less often leaves memory idle: so all
/// stages of a frame ask, for as much as comes in while they work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead<'a> {
    bytes: &'a [u8],
    /// Where to go on.
    at: usize,
}

impl<'a> Ahead<'a> {
    /// Lines for a stage that takes some hundred cycles.
    pub(super) const STAGE: usize = 16;

    /// Nothing will be read.
    pub(super) const NONE: Ahead<'static> = Ahead { bytes: &[], at: 0 };

    /// The row of `vocab` tokens at the front of `next`.
    pub(super) fn of(next: Row<'a>, vocab: usize) -> Self {
        let vocab = vocab.min(next.len());
        let bytes = match next.slice(0..vocab) {
            Data::F32(row) => bytemuck::cast_slice(row),
            Data::F16(row) => bytemuck::cast_slice(row),
            Data::Bf16(row) => bytemuck::cast_slice(row),
        };
        Ahead { bytes, at: 0 }
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
}
