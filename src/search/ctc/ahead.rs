//! Fetching the next row while the beam is worked on.

use crate::scores::{Data, Row};
use crate::simd::prefetch;

const CACHE_LINE: usize = 64;

/// The row that will be read next, asked for a few lines at a time: the search
/// of a frame touches memory little, and would leave it idle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead<'a> {
    bytes: &'a [u8],
    /// Where to go on.
    at: usize,
    /// Cache lines at a time.
    share: usize,
}

impl<'a> Ahead<'a> {
    /// Nothing will be read.
    pub(super) const NONE: Ahead<'static> = Ahead {
        bytes: &[],
        at: 0,
        share: 0,
    };

    /// The row of `vocab` tokens at the front of `next`.
    pub(super) fn of(next: Row<'a>, vocab: usize) -> Self {
        let vocab = vocab.min(next.len());
        let bytes = match next.slice(0..vocab) {
            Data::F32(row) => bytemuck::cast_slice(row),
            Data::F16(row) => bytemuck::cast_slice(row),
            Data::Bf16(row) => bytemuck::cast_slice(row),
        };
        Ahead {
            bytes,
            at: 0,
            share: 0,
        }
    }

    /// From here on asks for one part in `parts` of what is left, in `times`
    /// shares.
    pub(super) fn share_out(&mut self, parts: usize, times: usize) {
        let lines = self.bytes.len().saturating_sub(self.at) / CACHE_LINE / parts;
        self.share = lines.div_ceil(times.max(1));
    }

    /// Asks for a share.
    #[inline(always)]
    pub(super) fn fetch(&mut self) {
        for _ in 0..self.share {
            prefetch(self.bytes, self.at);
            self.at += CACHE_LINE;
        }
    }
}
