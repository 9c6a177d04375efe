//! Looks at a token that cost next to nothing.

use std::time::{Duration, Instant};

use super::token::{Cancellation, Interrupt, Look};

/// The most looks between two that read the clock, less one. A look is far apart from the next
/// by a tenth of a microsecond at least, the clock takes some 25 nanoseconds to read.
const MOST_SKIPPED: u32 = 63;

/// Looks at the token of a search, for one thread: a relaxed load, and now and then the clock.
/// How often depends on the time between the looks, so that a deadline is seen within a
/// fraction of a millisecond, or at the next look where they are further apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    /// How many more looks do not read the clock.
    skip: u32,
    /// How many were skipped before the last that did.
    skipped: u32,
    read_at: Option<Instant>,
}

impl Watch {
    /// Looks whether to go on.
    ///
    /// # Errors
    ///
    /// If the search is to end: why.
    #[inline]
    pub(crate) fn look(&mut self, cancellation: &Cancellation) -> Result<(), Interrupt> {
        match cancellation.look_but_at_the_clock() {
            Look::GoOn => Ok(()),
            Look::Interrupt(interrupt) => Err(interrupt),
            Look::UnlessPassed(_) if self.skip > 0 => {
                self.skip -= 1;
                Ok(())
            }
            Look::UnlessPassed(deadline) => self.read_clock(deadline),
        }
    }

    #[cold]
    fn read_clock(&mut self, deadline: Instant) -> Result<(), Interrupt> {
        let now = Instant::now();
        let elapsed = self.read_at.map(|before| now.duration_since(before));
        self.skipped = next_skipped(self.skipped, elapsed.unwrap_or_default());
        self.skip = self.skipped;
        self.read_at = Some(now);
        match now >= deadline {
            true => Err(Interrupt::DeadlinePassed),
            false => Ok(()),
        }
    }
}

/// How many looks are skipped next, if `skipped` took so long.
fn next_skipped(skipped: u32, elapsed: Duration) -> u32 {
    match elapsed.as_micros() {
        0..100 => (2 * skipped + 1).min(MOST_SKIPPED),
        100..1000 => skipped,
        _ => skipped / 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancellation::CancellationToken;

    #[test]
    fn looks_that_are_near_each_other_skip_the_clock_and_far_ones_do_not() {
        let run = |skipped, micros| next_skipped(skipped, Duration::from_micros(micros));
        let mut skipped = 0;
        for expected in [1, 3, 7, 15, 31, 63, 63] {
            skipped = run(skipped, 5);
            assert_eq!(skipped, expected);
        }
        assert_eq!(run(63, 100), 63);
        for expected in [7, 0, 0] {
            skipped = run(skipped, 1000);
            assert_eq!(skipped, expected);
        }
    }

    #[test]
    fn the_first_look_reads_the_clock_and_a_request_is_seen_at_each() {
        let passed = CancellationToken::new().with_timeout(Duration::ZERO);
        let passed = Cancellation::new(Some(passed));
        assert_eq!(
            Watch::default().look(&passed),
            Err(Interrupt::DeadlinePassed)
        );

        let token = CancellationToken::new().with_timeout(Duration::from_secs(1000));
        let cancellation = Cancellation::new(Some(token.clone()));
        let mut watch = Watch::default();
        for _ in 0..1000 {
            assert_eq!(watch.look(&cancellation), Ok(()));
        }
        token.cancel();
        assert_eq!(watch.look(&cancellation), Err(Interrupt::Cancelled));
    }

    #[test]
    fn a_deadline_is_seen_after_at_most_so_many_looks() {
        let mut watch = Watch::default();
        let far = CancellationToken::new().with_timeout(Duration::from_secs(1000));
        for _ in 0..1000 {
            assert_eq!(watch.look(&Cancellation::new(Some(far.clone()))), Ok(()));
        }
        let passed = Cancellation::new(Some(far.with_timeout(Duration::ZERO)));
        let looks = (0..).take_while(|_| watch.look(&passed).is_ok()).count();
        assert!(looks <= MOST_SKIPPED as usize, "{looks}");
    }
}
