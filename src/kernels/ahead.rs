//! Asking for scores before they are read.

use crate::simd::{CACHE_LINE, prefetch_at};

/// What lies ahead in memory: the rest of a row, and the row after it.
///
/// Memory answers at its own pace, whatever a kernel does meanwhile. So a kernel
/// asks for a few lines in each of its steps, those that only compute as well as
/// those that read: whoever asks only while it reads leaves memory idle in
/// between, and whoever asks for many lines at once stands still until the first
/// are there.
///
/// An ask is paid for in instructions, as many as the scan itself has: so several
/// lines are asked for together, and where one row ends and the next begins
/// elsewhere is looked at only while the row is scanned.
pub(crate) struct Ahead<E> {
    at: *const E,
    /// Up to here only.
    end: *const E,
    /// Where the row ends and the next one begins, if that is not one place.
    turn: Option<(*const E, *const E)>,
    /// Pairs of lines that each step of the scan asks for.
    share: usize,
}

/// The share that most often is asked for of a row that is not yet: as much as 128
/// scores of f32 take.
const WHOLE: usize = 4;
/// Lines of a row that it is too late to ask for when its scan begins.
const NEAR: isize = 16;
/// Lines of the next row that have been asked for when a scan ends: those that it
/// would read until memory answers. (With 16 it waited for each at its end; 128
/// were no better.)
pub(crate) const FRONT: isize = 64;
/// Lines of the next row that are asked for at most.
const MOST: usize = 320;

impl<E> Ahead<E> {
    /// Scores in a cache line.
    const LINE: usize = CACHE_LINE / size_of::<E>();

    /// For a row of which the first `asked` lines have been asked for, and that is
    /// scanned in so many steps. (The first few are read at once.)
    #[inline(always)]
    pub(crate) fn new(row: &[E], next: &[E], asked: isize, steps: usize) -> Self {
        let asked = asked.max(NEAR);
        let left = row.len().div_ceil(Self::LINE).cast_signed() - asked;
        let end = row.as_ptr_range().end;
        let goes_on = next.is_empty() || next.as_ptr() == end;
        let lines = (left + FRONT).max(0).cast_unsigned();
        let mut ahead = Ahead {
            at: row
                .as_ptr()
                .wrapping_add(asked.cast_unsigned() * Self::LINE),
            end: next.as_ptr().wrapping_add(MOST * Self::LINE),
            turn: (!goes_on).then_some((end, next.as_ptr())),
            share: lines.div_ceil(steps.max(1)).div_ceil(2),
        };
        ahead.turn();
        ahead
    }

    /// Nothing, for whoever asks elsewhere.
    #[inline(always)]
    pub(crate) fn nothing() -> Self {
        Ahead {
            at: std::ptr::null(),
            end: std::ptr::null(),
            turn: None,
            share: 0,
        }
    }

    /// Asks for what each step of a scan asks for.
    #[inline(always)]
    pub(crate) fn step(&mut self) {
        if self.share == WHOLE {
            self.ask::<{ 2 * WHOLE }>();
        } else {
            for _ in 0..self.share {
                self.ask::<2>();
            }
        }
        self.turn();
    }

    /// Asks for the next `LINES`, if they are not too far.
    #[inline(always)]
    pub(crate) fn fetch<const LINES: usize>(&mut self) {
        if self.at < self.end {
            self.ask::<LINES>();
        }
    }

    #[inline(always)]
    fn ask<const LINES: usize>(&mut self) {
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

    /// What has been asked for of the next row.
    #[inline(always)]
    pub(crate) fn asked(&self, next: &[E]) -> Asked {
        let start = next.as_ptr().addr();
        Asked {
            start,
            lines: (self.at.addr().saturating_sub(start) / CACHE_LINE).cast_signed(),
        }
    }
}

/// How much of a row has been asked for, if of any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// The address of the row.
    start: usize,
    lines: isize,
}

impl Asked {
    /// How many lines of a row, none if it is another.
    #[inline(always)]
    pub(crate) fn of<E>(self, row: &[E]) -> isize {
        if row.as_ptr().addr() == self.start {
            self.lines
        } else {
            0
        }
    }

    /// Asks for as many more lines as a core waits for at once.
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

    /// How many lines lie between a place of a row and where `ahead` is.
    fn lines(from: &[f32], ahead: &Ahead<f32>) -> usize {
        let bytes = ahead.at.addr() - from.as_ptr().addr();
        assert_eq!(bytes % CACHE_LINE, 0);
        bytes / CACHE_LINE
    }

    /// A scan asks for all of the row and for the front of the next, wherever that
    /// is, and for no more than its steps come to.
    #[test]
    fn a_scan_ends_with_the_front_of_the_next_row_asked_for() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let row = &data[..ROW * LINE];
        for next in [
            &data[ROW * LINE..],
            &data[2 * ROW * LINE..],
            &data[row.len()..row.len()],
        ] {
            for asked in [0, 5, 16, 17, 64, 249, 250, 251, 313, 314, 315] {
                for steps in [1, 2, 7, 31, 32, 39, 62, 125, 300] {
                    let case = format!("{asked} asked, {steps} steps");
                    let begin = asked.max(16);
                    let mut ahead = Ahead::new(row, next, asked as isize, steps);
                    if begin < ROW {
                        assert_eq!(lines(row, &ahead), begin, "{case}");
                    } else {
                        assert_eq!(lines(next, &ahead), begin - ROW, "{case}");
                    }
                    for _ in 0..steps {
                        ahead.step();
                    }
                    let front = lines(next, &ahead);
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
    fn no_more_than_so_much_of_the_next_row_is_asked_for() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let (row, next) = (&data[..ROW * LINE], &data[ROW * LINE..]);
        let mut ahead = Ahead::new(row, next, 0, 10);
        ahead.fetch::<4>();
        assert_eq!(lines(row, &ahead), 20);
        (0..1000).for_each(|_| ahead.fetch::<4>());
        assert_eq!(lines(next, &ahead), 322);
        ahead.fetch::<4>();
        assert_eq!(lines(next, &ahead), 322);

        let mut nothing = Ahead::<f32>::nothing();
        nothing.step();
        nothing.fetch::<4>();
        assert!(nothing.at.is_null());
        assert_eq!(nothing.asked(next).of(next), 0);
    }

    #[test]
    fn what_was_asked_for_is_known_of_the_next_row_alone() {
        let data = vec![0.0f32; 3 * ROW * LINE];
        let (row, next) = (&data[..ROW * LINE], &data[2 * ROW * LINE..]);
        let mut ahead = Ahead::new(row, next, 0, 10);
        assert_eq!(ahead.asked(next).of(next), 0);
        (0..10).for_each(|_| ahead.step());
        let mut asked = ahead.asked(next);
        let front = lines(next, &ahead) as isize;
        assert_eq!((asked.of(next), asked.of(row)), (front, 0));
        asked.fetch();
        assert_eq!((asked.of(next), asked.of(row)), (front + 24, 0));
        let mut none = Asked::default();
        none.fetch();
        assert_eq!((none.lines, none.of(row)), (0, 0));
    }
}
