//! A limit that the caller sets on the memory of a search.

use crate::error::{Error, Kind};

/// The most bytes that a search may take, if there is such a limit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByteLimit(Option<usize>);

impl ByteLimit {
    pub(crate) fn new(most: Option<usize>) -> Self {
        ByteLimit(most)
    }

    pub(crate) fn get(self) -> Option<usize> {
        self.0
    }

    /// That what is `held` and what is `needed` beside it stay within the limit. Without one,
    /// nothing is computed.
    ///
    /// # Errors
    ///
    /// If they do not.
    pub(crate) fn check(
        self,
        held: impl FnOnce() -> usize,
        needed: impl FnOnce() -> usize,
    ) -> Result<(), Error> {
        let Some(limit) = self.0 else {
            return Ok(());
        };
        let (held, needed) = (held(), needed());
        match held.saturating_add(needed) <= limit {
            true => Ok(()),
            false => Err(Kind::ByteLimit {
                needed,
                held,
                limit,
            }
            .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_on_the_sum_of_what_is_held_and_needed() {
        let limit = ByteLimit::new(Some(10));
        for (held, needed) in [(0, 10), (10, 0), (4, 6)] {
            assert!(limit.check(|| held, || needed).is_ok());
        }
        for (held, needed) in [(0, 11), (11, 0), (5, 6), (1, usize::MAX)] {
            assert!(limit.check(|| held, || needed).is_err());
        }
        assert!(ByteLimit::default().check(|| 9, || usize::MAX).is_ok());
    }
}
