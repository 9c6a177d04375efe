//! Prefetches scores before they are read, for all kernels. (Only `Stripes::new` prefetches
//! lines without it: the end of the next row, which is copied first.)

use crate::simd::{CACHE_LINE, Float32, Simd, prefetch_at, prefetch_to_second_level};

/// A cursor that prefetches the rest of a row, and then the row after it.
///
/// Memory delivers lines at its own pace, whatever a kernel does meanwhile. So a kernel
/// prefetches a few lines in each of its steps, in those that compute as well as in
/// those that read. Prefetches in the scan alone would leave memory idle between scans;
/// many prefetches at once would stall the core until the first lines arrive.
///
/// Prefetches cost as many instructions as the scan itself has, so they are batched, and
/// only the scan checks where one row ends and the next begins.
///
/// It holds addresses, not borrows: a kernel keeps it from row to row, to know what of
/// the next row has been prefetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefetcher {
    /// The address of the line that is prefetched next.
    at: usize,
    /// Where the row ends and `next` takes its place; [`usize::MAX`] once it has.
    row_end: usize,
    /// The address of the row after it.
    next: usize,
    /// The end of that row. To prefetch further than a row ahead evicts what is read
    /// sooner: it took 8 % more time for rows of 5000 scores.
    end: usize,
    /// Lines that each step of the scan prefetches.
    share: usize,
    cache: Cache,
}

/// Which cache lines are prefetched into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    /// For what is read soon, or in loops that compute for as long as memory takes.
    First,
    /// For the rest. It leaves alone what is in the first, and the few lines that may be on
    /// their way to it: rows of 5000 scores took .87 of the time, rows of 1500 .75, but rows
    /// of 1000, which are read as soon as they are there, 1.12 (Zen 4, two threads).
    Second,
}

impl Cache {
    /// For rows of thousands of scores. Where a vector is many registers, the scan takes as
    /// long as memory does.
    pub(crate) const fn of<S: Simd>() -> Self {
        if <S::F32 as Float32>::REGISTERS > 2 {
            Cache::First
        } else {
            Cache::Second
        }
    }
}

/// The most common share: the lines of 128 scores of f32.
const WHOLE: usize = 8;
/// Lines at the front of a row that its own scan reads too soon to prefetch them.
const NEAR: usize = 16;
/// Lines of the next row that have been prefetched when a scan in steps ends: those that
/// the next scan reads before its own prefetches arrive. (With 16 a scan waited at its
/// end; 128 were no better.)
const FRONT: usize = 64;

/// A prefetcher of nothing.
impl Default for Prefetcher {
    fn default() -> Self {
        Prefetcher {
            at: 0,
            row_end: usize::MAX,
            next: 0,
            end: 0,
            share: 0,
            cache: Cache::First,
        }
    }
}

impl Prefetcher {
    /// Makes a prefetcher for a row that is scanned in `steps` steps, and whose first
    /// lines `self` may have prefetched. The steps prefetch the rest of it, and the front
    /// of the next row, which begins where `next` does.
    #[inline(always)]
    pub(crate) fn in_steps<E>(&self, row: &[E], next: &[E], steps: usize, cache: Cache) -> Self {
        let prefetched = self.lines_of(row).max(NEAR);
        let lines = (size_of_val(row).div_ceil(CACHE_LINE) + FRONT).saturating_sub(prefetched);
        // An even number, because lines are prefetched in pairs.
        let share = lines.div_ceil(steps.max(1)).next_multiple_of(2);
        Prefetcher::new(row, next, prefetched * CACHE_LINE, share, cache)
    }

    /// Makes a prefetcher for a row that is scanned in steps of `step_scores`. Each step
    /// prefetches as many lines as it reads, which is an even number, `distance_bytes`
    /// ahead.
    #[inline(always)]
    pub(crate) fn at_distance<E>(
        row: &[E],
        next: &[E],
        distance_bytes: usize,
        step_scores: usize,
        cache: Cache,
    ) -> Self {
        let share = step_scores * size_of::<E>() / CACHE_LINE;
        debug_assert!(share.is_multiple_of(2));
        Prefetcher::new(row, next, distance_bytes, share, cache)
    }

    #[inline(always)]
    fn new<E>(row: &[E], next: &[E], offset: usize, share: usize, cache: Cache) -> Self {
        // A row that nothing follows is followed by itself: the steps of its scan
        // prefetch its first lines once more, which takes no branch.
        let followed = if next.is_empty() { row } else { next };
        let next = &next[..next.len().min(row.len())];
        let mut prefetcher = Prefetcher {
            at: row.as_ptr().addr().wrapping_add(offset),
            row_end: row.as_ptr_range().end.addr(),
            next: followed.as_ptr().addr(),
            end: if next.is_empty() {
                0
            } else {
                next.as_ptr_range().end.addr()
            },
            share,
            cache,
        };
        prefetcher.turn();
        prefetcher
    }

    /// Prefetches the share of a step of the scan.
    #[inline(always)]
    pub(crate) fn step(&mut self) {
        if self.share == WHOLE {
            self.prefetch_lines::<WHOLE>();
        } else {
            for _ in 0..self.share / 2 {
                self.prefetch_lines::<2>();
            }
        }
        self.turn();
    }

    /// Prefetches the line some bytes from the next one, for a step that prefetches
    /// between its other instructions and then [skips](Prefetcher::skip) its lines.
    #[inline(always)]
    pub(crate) fn prefetch_line(&self, offset: usize) {
        prefetch_at(self.at.wrapping_add(offset));
    }

    /// Passes lines that were prefetched one by one.
    #[inline(always)]
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.at = self.at.wrapping_add(bytes);
        self.turn();
    }

    /// Prefetches the next `LINES`, wherever they are.
    #[inline(always)]
    fn prefetch_lines<const LINES: usize>(&mut self) {
        let lines = (0..LINES).map(|line| self.at.wrapping_add(line * CACHE_LINE));
        match self.cache {
            Cache::First => lines.for_each(prefetch_at),
            Cache::Second => lines.for_each(prefetch_to_second_level),
        }
        self.at = self.at.wrapping_add(LINES * CACHE_LINE);
    }

    /// Goes on in the next row, where the row has ended.
    #[inline(always)]
    fn turn(&mut self) {
        if self.at >= self.row_end {
            self.at = self.next.wrapping_add(self.at.wrapping_sub(self.row_end));
            self.row_end = usize::MAX;
        }
    }

    /// Prefetches `LINES` lines of the next row, if the first lies before its end.
    #[inline(always)]
    pub(crate) fn prefetch_next<const LINES: usize>(&mut self) {
        if self.at < self.end {
            self.prefetch_lines::<LINES>();
        }
    }

    /// How many lines at the front of a row have been prefetched: none, if it is not the
    /// one that was said to be next.
    #[inline(always)]
    pub(super) fn lines_of<E>(&self, row: &[E]) -> usize {
        if self.next == row.as_ptr().addr() && self.row_end == usize::MAX {
            self.at.wrapping_sub(self.next) / CACHE_LINE
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: usize = CACHE_LINE / size_of::<f32>();
    /// Lines in the row of the tests.
    const ROW: usize = 250;

    /// How many lines lie between a place of a row and where the prefetcher is.
    fn lines(from: &[f32], prefetcher: &Prefetcher) -> usize {
        let bytes = prefetcher.at - from.as_ptr().addr();
        assert_eq!(bytes % CACHE_LINE, 0);
        bytes / CACHE_LINE
    }

    /// Steps prefetch nothing.
    fn of_next(next: &[f32]) -> Prefetcher {
        let row = vec![0.0f32; next.len()];
        Prefetcher::at_distance(&row, next, size_of_val(next), 0, Cache::First)
    }

    /// One that has prefetched so many lines of a row.
    fn been_in(row: &[f32], prefetched: usize) -> Prefetcher {
        let mut prefetcher = of_next(row);
        (0..prefetched).for_each(|_| prefetcher.prefetch_lines::<1>());
        assert_eq!(prefetcher.lines_of(row), prefetched);
        prefetcher
    }

    /// A scan prefetches all of the row and the front of the next, wherever that
    /// is, and for no more than its steps come to.
    #[test]
    fn a_scan_ends_with_the_front_of_the_next_row_prefetched() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let row = &data[..ROW * LINE];
        for next in [&data[ROW * LINE..], &data[2 * ROW * LINE..]] {
            for prefetched in [0, 5, 16, 17, 64, 249, 250, 251, 313, 314, 315] {
                for steps in [1, 2, 7, 31, 32, 39, 62, 125, 300] {
                    let case = format!("{prefetched} prefetched, {steps} steps");
                    let begin = prefetched.max(16);
                    let mut prefetcher =
                        been_in(row, prefetched).in_steps(row, next, steps, Cache::Second);
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
                    assert_eq!(prefetcher.lines_of(next), front, "{case}");
                }
            }
        }
    }

    #[test]
    fn steps_at_a_distance_prefetch_as_much_as_they_read() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let (row, next) = (&data[..ROW * LINE], &data[2 * ROW * LINE..]);
        for (distance, step) in [(16, 8), (64, 8), (16, 4), (300, 8)] {
            let mut prefetcher = Prefetcher::at_distance(
                row,
                next,
                distance * CACHE_LINE,
                step * LINE,
                Cache::First,
            );
            for read in (0..ROW).step_by(step) {
                let place = read + distance;
                if place < ROW {
                    assert_eq!(lines(row, &prefetcher), place);
                    assert_eq!(prefetcher.lines_of(next), 0);
                } else {
                    assert_eq!(prefetcher.lines_of(next), place - ROW);
                }
                prefetcher.step();
            }
        }
    }

    #[test]
    fn nothing_is_prefetched_once_the_next_row_has_ended() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let next = &data[ROW * LINE..][..10 * LINE];
        // What follows may be more than a row.
        let row = &data[..10 * LINE];
        let mut prefetcher =
            Prefetcher::at_distance(row, &data[ROW * LINE..], size_of_val(row), 0, Cache::First);
        (0..5).for_each(|_| prefetcher.prefetch_next::<4>());
        assert_eq!(prefetcher.lines_of(next), 12);
        let mut prefetcher = of_next(next);
        prefetcher.step();
        assert_eq!(prefetcher.lines_of(next), 0);
        for expected in [4, 8, 12, 12] {
            prefetcher.prefetch_next::<4>();
            assert_eq!(prefetcher.lines_of(next), expected);
        }

        let mut nothing = Prefetcher::default();
        nothing.step();
        nothing.prefetch_next::<4>();
        assert_eq!((nothing.at, nothing.lines_of(next)), (0, 0));
    }

    /// Its scan prefetches its front once more, and what follows the scan nothing.
    #[test]
    fn a_row_that_nothing_follows_is_followed_by_itself() {
        let data = vec![0.0f32; ROW * LINE];
        // Its end, as the tensor has it, and a slice of nowhere.
        let none = [&data[data.len()..], &[]];
        let at_distance = none.map(|none| {
            Prefetcher::at_distance(&data, none, 16 * CACHE_LINE, 8 * LINE, Cache::First)
        });
        let in_steps =
            none.map(|none| Prefetcher::default().in_steps(&data, none, ROW / 8, Cache::Second));
        for mut prefetcher in at_distance.into_iter().chain(in_steps) {
            for _ in 0..ROW.div_ceil(8) {
                assert!(lines(&data, &prefetcher) < ROW);
                prefetcher.step();
            }
            let at = lines(&data, &prefetcher);
            assert!(at < 64 + 2 * ROW.div_ceil(8), "{at}");
            prefetcher.prefetch_next::<4>();
            assert_eq!(lines(&data, &prefetcher), at);
        }
    }

    #[test]
    fn what_was_prefetched_is_known_of_the_next_row_alone() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let row = &data[..ROW * LINE];
        for next in [&data[ROW * LINE..], &data[2 * ROW * LINE..]] {
            let mut prefetcher = Prefetcher::default().in_steps(row, next, 10, Cache::Second);
            assert_eq!(prefetcher.lines_of(next), 0);
            (0..10).for_each(|_| prefetcher.step());
            let front = lines(next, &prefetcher);
            assert_eq!(prefetcher.lines_of(next), front);
            assert_eq!(prefetcher.lines_of(row), 0);
            prefetcher.prefetch_next::<24>();
            assert_eq!(prefetcher.lines_of(next), front + 24);
        }
    }
}
