//! Prefetches scores before they are read.

use crate::simd::{CACHE_LINE, prefetch_at};

/// A cursor that prefetches the rest of a row, and then the row after it.
///
/// Memory delivers lines at its own pace, whatever a kernel does meanwhile. So a kernel
/// prefetches a few lines in each of its steps, in those that compute as well as in
/// those that read. Prefetches in the scan alone would leave memory idle between scans;
/// many prefetches at once would stall the core until the first lines arrive.
///
/// Prefetches cost as many instructions as the scan itself has, so they are batched, and
/// only the scan checks where one row ends and the next begins.
pub(crate) struct Prefetcher<E> {
    at: *const E,
    /// Up to here only.
    end: *const E,
    /// Where the row ends and the next one begins, if that is not one place.
    turn: Option<(*const E, *const E)>,
    /// Pairs of lines that each step of the scan prefetches.
    share: usize,
}

/// The most common share, of a row of which nothing has been prefetched: the lines of
/// 128 scores of f32.
const WHOLE: usize = 4;
/// Lines at the front of a row that its own scan reads too soon to prefetch them.
const NEAR: isize = 16;
/// Lines of the next row that have been prefetched when a scan ends: those that the next
/// scan reads before its own prefetches arrive. (With 16 a scan waited at its end; 128
/// were no better.)
pub(crate) const FRONT: isize = 64;
/// The most lines of the next row that are prefetched.
const MOST: usize = 320;

impl<E> Prefetcher<E> {
    /// Scores in a cache line.
    const LINE: usize = CACHE_LINE / size_of::<E>();

    /// For a row whose first `prefetched` lines have been prefetched, and that is scanned
    /// in `steps` steps.
    #[inline(always)]
    pub(crate) fn new(row: &[E], next: &[E], prefetched: isize, steps: usize) -> Self {
        let prefetched = prefetched.max(NEAR);
        let left = row.len().div_ceil(Self::LINE).cast_signed() - prefetched;
        let end = row.as_ptr_range().end;
        let goes_on = next.is_empty() || next.as_ptr() == end;
        let lines = (left + FRONT).max(0).cast_unsigned();
        let mut prefetcher = Prefetcher {
            at: row
                .as_ptr()
                .wrapping_add(prefetched.cast_unsigned() * Self::LINE),
            end: next.as_ptr().wrapping_add(MOST * Self::LINE),
            turn: (!goes_on).then_some((end, next.as_ptr())),
            share: lines.div_ceil(steps.max(1)).div_ceil(2),
        };
        prefetcher.turn();
        prefetcher
    }

    /// Prefetches nothing.
    #[inline(always)]
    pub(crate) fn nothing() -> Self {
        Prefetcher {
            at: std::ptr::null(),
            end: std::ptr::null(),
            turn: None,
            share: 0,
        }
    }

    /// Prefetches the share of a step of the scan.
    #[inline(always)]
    pub(crate) fn step(&mut self) {
        if self.share == WHOLE {
            self.prefetch_lines::<{ 2 * WHOLE }>();
        } else {
            for _ in 0..self.share {
                self.prefetch_lines::<2>();
            }
        }
        self.turn();
    }

    /// Prefetches the next `LINES`, if they are not too far.
    #[inline(always)]
    pub(crate) fn fetch<const LINES: usize>(&mut self) {
        if self.at < self.end {
            self.prefetch_lines::<LINES>();
        }
    }

    #[inline(always)]
    fn prefetch_lines<const LINES: usize>(&mut self) {
        for line in 0..LINES {
            prefetch_at(self.at.wrapping_add(line * Self::LINE));
        }
        self.at = self.at.wrapping_add(LINES * Self::LINE);
    }

    /// Goes on in the next row, where the row has ended.
    #[inline(always)]
    fn turn(&mut self) {
        if let Some((end, next)) = self.turn
            && self.at >= end
        {
            self.at = next.wrapping_byte_add(self.at.addr() - end.addr());
            self.turn = None;
        }
    }

    /// How much of the next row has been prefetched.
    #[inline(always)]
    pub(crate) fn prefetched(&self, next: &[E]) -> Prefetched {
        let start = next.as_ptr().addr();
        Prefetched {
            start,
            lines: (self.at.addr().saturating_sub(start) / CACHE_LINE).cast_signed(),
        }
    }
}

/// How much of a row has been prefetched, and of which.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prefetched {
    /// The address of the row.
    start: usize,
    lines: isize,
}

impl Prefetched {
    /// How many lines of a row; none if it is another row.
    #[inline(always)]
    pub(crate) fn of<E>(self, row: &[E]) -> isize {
        if row.as_ptr().addr() == self.start {
            self.lines
        } else {
            0
        }
    }

    /// Prefetches as many more lines as a core keeps in flight.
    #[inline(always)]
    pub(crate) fn fetch(&mut self) {
        const AT_ONCE: isize = 24;
        if self.start == 0 {
            return;
        }
        for line in self.lines..self.lines + AT_ONCE {
            let at = self.start.wrapping_add(line.cast_unsigned() * CACHE_LINE);
            prefetch_at::<u8>(std::ptr::without_provenance(at));
        }
        self.lines += AT_ONCE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: usize = CACHE_LINE / size_of::<f32>();
    /// Lines in the row of the tests.
    const ROW: usize = 250;

    /// How many lines lie between a place of a row and where the prefetcher is.
    fn lines(from: &[f32], prefetcher: &Prefetcher<f32>) -> usize {
        let bytes = prefetcher.at.addr() - from.as_ptr().addr();
        assert_eq!(bytes % CACHE_LINE, 0);
        bytes / CACHE_LINE
    }

    /// A scan prefetches all of the row and the front of the next, wherever that
    /// is, and for no more than its steps come to.
    #[test]
    fn a_scan_ends_with_the_front_of_the_next_row_prefetched() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let row = &data[..ROW * LINE];
        for next in [
            &data[ROW * LINE..],
            &data[2 * ROW * LINE..],
            &data[row.len()..row.len()],
        ] {
            for prefetched in [0, 5, 16, 17, 64, 249, 250, 251, 313, 314, 315] {
                for steps in [1, 2, 7, 31, 32, 39, 62, 125, 300] {
                    let case = format!("{prefetched} prefetched, {steps} steps");
                    let begin = prefetched.max(16);
                    let mut prefetcher = Prefetcher::new(row, next, prefetched as isize, steps);
                    if begin < ROW {
                        assert_eq!(lines(row, &prefetcher), begin, "{case}");
                    } else {
                        assert_eq!(lines(next, &prefetcher), begin - ROW, "{case}");
                    }
                    for _ in 0..steps {
                        prefetcher.step();
                    }
                    let front = lines(next, &prefetcher);
                    assert!(
                        front >= 64.max(begin.saturating_sub(ROW)),
                        "{case}: {front}"
                    );
                    assert!(front < 64.max(begin - 16) + 2 * steps, "{case}: {front}");
                }
            }
        }
    }

    #[test]
    fn no_more_than_so_much_of_the_next_row_is_prefetched() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let (row, next) = (&data[..ROW * LINE], &data[ROW * LINE..]);
        let mut prefetcher = Prefetcher::new(row, next, 0, 10);
        prefetcher.fetch::<4>();
        assert_eq!(lines(row, &prefetcher), 20);
        (0..1000).for_each(|_| prefetcher.fetch::<4>());
        assert_eq!(lines(next, &prefetcher), 322);
        prefetcher.fetch::<4>();
        assert_eq!(lines(next, &prefetcher), 322);

        let mut nothing = Prefetcher::<f32>::nothing();
        nothing.step();
        nothing.fetch::<4>();
        assert!(nothing.at.is_null());
        assert_eq!(nothing.prefetched(next).of(next), 0);
    }

    #[test]
    fn what_was_prefetched_is_known_of_the_next_row_alone() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let (row, next) = (&data[..ROW * LINE], &data[2 * ROW * LINE..]);
        let mut prefetcher = Prefetcher::new(row, next, 0, 10);
        assert_eq!(prefetcher.prefetched(next).of(next), 0);
        (0..10).for_each(|_| prefetcher.step());
        let mut prefetched = prefetcher.prefetched(next);
        let front = lines(next, &prefetcher) as isize;
        assert_eq!((prefetched.of(next), prefetched.of(row)), (front, 0));
        prefetched.fetch();
        assert_eq!((prefetched.of(next), prefetched.of(row)), (front + 24, 0));
        let mut none = Prefetched::default();
        none.fetch();
        assert_eq!((none.lines, none.of(row)), (0, 0));
    }
}
