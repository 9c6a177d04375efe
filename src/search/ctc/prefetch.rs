//! Prefetches the next row while the beam is worked on.

use crate::kernels::threshold::{FILLED_UP, PREFETCHED_BYTES};
use crate::scores::{Data, Row};
use crate::simd::{CACHE_LINE, prefetch};

/// Prefetches the row that is read next, a few cache lines at a time. The search of a
/// frame reads little memory, so without it memory would be idle meanwhile.
///
/// A core keeps about twenty cache misses in flight, and memory delivers a line about
/// every five nanoseconds. More prefetches at once stall the core; fewer leave memory
/// idle. So each stage of a frame prefetches about as many lines as arrive while it
/// works, and the scan of the row prefetches the rest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RowPrefetcher<'a> {
    bytes: &'a [u8],
    /// The offset of the next line to prefetch.
    at: usize,
}

impl<'a> RowPrefetcher<'a> {
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
        let mut end = RowPrefetcher { bytes, at };
        end.fetch(FILLED_UP / CACHE_LINE);
        RowPrefetcher {
            bytes,
            at: PREFETCHED_BYTES,
        }
    }

    /// Prefetches the next `lines`, as far as the row has them.
    #[inline(always)]
    pub(super) fn fetch(&mut self, lines: usize) {
        let end = self.bytes.len().min(self.at + lines * CACHE_LINE);
        while self.at < end {
            prefetch(self.bytes, self.at);
            self.at += CACHE_LINE;
        }
    }

    /// How many bytes at the front of the row have been prefetched.
    pub(super) fn prefetched(&self) -> usize {
        self.at
    }
}
