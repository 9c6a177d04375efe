//! Asking for scores before they are read.

use crate::simd::{CACHE_LINE, prefetch_at};

/// What lies ahead in memory: the rest of a row, and the row after it.
///
/// Memory answers at its own pace, whatever a kernel does meanwhile. So a kernel
/// asks for a few lines in each of its steps, those that only compute as well as
/// those that read: whoever asks only while it reads leaves memory idle in
/// between, and whoever asks for many lines at once stands still until the first
/// are there.
pub(crate) struct Ahead<E> {
    at: *const E,
    /// Lines up to the end of the row; below 0, those of the next row that have
    /// been asked for.
    left: isize,
    /// The next row, unless it begins where this one ends.
    next: Option<*const E>,
    /// Lines that each step of the scan asks for.
    share: isize,
}

/// The share that most often is asked for: as much as 128 scores of f32 take.
const WHOLE: isize = 8;
/// Lines of a row that it is too late to ask for when its scan begins.
const NEAR: isize = 16;
/// Lines of the next row that have been asked for when a scan ends: those that it
/// would read until memory answers. (With 16 it waited for each at its end; 128
/// were no better.)
pub(crate) const FRONT: isize = 64;
/// Lines of the next row that are asked for at most.
const MOST: isize = 320;

impl<E> Ahead<E> {
    /// Scores in a cache line.
    const LINE: usize = CACHE_LINE / size_of::<E>();

    /// For a row of which the first `asked` lines have been asked for, and that is
    /// scanned in so many steps. (The first few are read at once.)
    #[inline(always)]
    pub(crate) fn new(row: &[E], next: &[E], asked: isize, steps: usize) -> Self {
        let asked = asked.max(NEAR);
        let left = row.len().div_ceil(Self::LINE).cast_signed() - asked;
        let goes_on = next.is_empty() || next.as_ptr() == row.as_ptr_range().end;
        let lines = (left + FRONT).max(0).cast_unsigned();
        Ahead {
            at: row
                .as_ptr()
                .wrapping_add(asked.cast_unsigned() * Self::LINE),
            left,
            next: (!goes_on).then_some(next.as_ptr()),
            share: lines.div_ceil(steps.max(1)).cast_signed(),
        }
    }

    /// Nothing, for whoever asks elsewhere.
    #[inline(always)]
    pub(crate) fn nothing() -> Self {
        Ahead {
            at: std::ptr::null(),
            left: -MOST,
            next: None,
            share: 0,
        }
    }

    /// Asks for what each step of a scan asks for.
    #[inline(always)]
    pub(crate) fn step(&mut self) {
        if self.share == WHOLE {
            for _ in 0..WHOLE {
                self.ask();
            }
        } else {
            for _ in 0..self.share {
                self.ask();
            }
        }
        self.left -= self.share;
        self.turn();
    }

    /// Asks for the next `LINES`, if they are not too far.
    #[inline(always)]
    pub(crate) fn fetch<const LINES: isize>(&mut self) {
        if self.left > -MOST {
            for _ in 0..LINES {
                self.ask();
            }
            self.left -= LINES;
            self.turn();
        }
    }

    #[inline(always)]
    fn ask(&mut self) {
        prefetch_at(self.at);
        self.at = self.at.wrapping_add(Self::LINE);
    }

    /// Goes on in the next row, where the row has ended.
    #[inline(always)]
    fn turn(&mut self) {
        if self.left <= 0
            && let Some(next) = self.next.take()
        {
            self.at = next.wrapping_add(self.left.unsigned_abs() * Self::LINE);
        }
    }

    /// What has been asked for of the next row.
    #[inline(always)]
    pub(crate) fn asked(&self, next: &[E]) -> Asked {
        Asked {
            start: next.as_ptr().addr(),
            lines: -self.left.min(0),
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
