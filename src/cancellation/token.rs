//! What the caller holds, and what a search keeps of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::error::{Error, InterruptedAt, Kind};

/// Ends searches early: on request, from any thread, or at a deadline.
///
/// Hand a clone to a search or stream with `with_cancellation` or `set_cancellation`, and keep
/// the token. When [`CancellationToken::cancel`] is called, or the deadline passes, the call
/// that is under way returns an error of the kind [`ErrorKind::Cancelled`] or
/// [`ErrorKind::DeadlinePassed`], which says how far it came. So does each later call, until
/// the search is given another token, or none.
///
/// A search looks at its token between pieces of work, and returns within 20 milliseconds,
/// beyond what the caller's own code (a scorer, a constraint, a model) takes. The largest pieces
/// take longer: a frame of more than 100,000 beams of a CTC search (52 milliseconds for 262,144),
/// and a row of 10,000,000 tokens of which a million are kept (26, AVX-512, Zen 4). Its settings
/// and memory stay, and its next call gives the same bits as if nothing had happened. What a
/// cancelled call leaves of its results, each search says: those of one call
/// ([`IndependentSearch`], [`CtcSearch`]) nothing; a [`CtcStream`] the frames read so far.
///
/// Clones share the request to cancel, and each has its own deadline. A search without a
/// token takes no time for this, one with a token no measurable time.
///
/// ```
/// use std::time::Duration;
/// use widebeam::{CancellationToken, ErrorKind, IndependentSearch, NBest, ScoresView};
///
/// let probabilities = [0.5f32, 0.3, 0.2];
/// let scores = ScoresView::probabilities(&probabilities, [1, 1, 3])?;
/// let (mut search, mut nbest) = (IndependentSearch::new(2)?, NBest::new());
///
/// // Another thread may call `token.cancel()` at any time.
/// let token = CancellationToken::new();
/// search.set_cancellation(Some(token.clone().with_timeout(Duration::from_secs(5))));
/// search.decode_into(&scores, &mut nbest)?;
///
/// token.cancel();
/// let error = search.decode_into(&scores, &mut nbest).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Cancelled);
/// assert_eq!(error.to_string(), "item 0, step 0: the search was cancelled");
/// # Ok::<(), widebeam::Error>(())
/// ```
///
/// A flag that is there already, such as one that a signal sets, makes a token too: any
/// `Arc<AtomicBool>` can be turned into one.
///
/// [`ErrorKind::Cancelled`]: crate::ErrorKind::Cancelled
/// [`ErrorKind::DeadlinePassed`]: crate::ErrorKind::DeadlinePassed
/// [`IndependentSearch`]: crate::IndependentSearch
/// [`CtcSearch`]: crate::CtcSearch
/// [`CtcStream`]: crate::ctc::CtcStream
#[derive(Clone, Debug, Default)]
pub struct CancellationToken {
    flag: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl CancellationToken {
    /// A token that is not cancelled and has no deadline.
    pub fn new() -> Self {
        CancellationToken::default()
    }

    /// The same token with a deadline. If it has one, the earlier counts. Other clones keep
    /// theirs.
    #[must_use]
    pub fn with_deadline(self, deadline: Instant) -> Self {
        let earlier = self.deadline.map_or(deadline, |other| other.min(deadline));
        CancellationToken {
            deadline: Some(earlier),
            ..self
        }
    }

    /// [`CancellationToken::with_deadline`], so much time from now. A time that is longer than
    /// the clock can count sets no deadline.
    ///
    /// # Panics
    ///
    /// Where there is no clock, as [`Instant::now`] does: on `wasm32-unknown-unknown`.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.with_deadline(deadline),
            None => self,
        }
    }

    /// Cancels all searches that have this token or a clone of it, from any thread, for good.
    /// Takes the time of one store, does not wait for them, and may be called in a signal
    /// handler.
    pub fn cancel(&self) {
        self.flag.store(true, Relaxed);
    }

    /// Whether this token or a clone of it was cancelled. A deadline does not count here.
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Relaxed)
    }

    /// The deadline of this clone, if it has one.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

/// A token whose searches are cancelled while the flag is set, and which
/// [`CancellationToken::cancel`] sets.
impl From<Arc<AtomicBool>> for CancellationToken {
    fn from(flag: Arc<AtomicBool>) -> Self {
        CancellationToken {
            flag,
            deadline: None,
        }
    }
}

/// Why a search ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    Cancelled,
    DeadlinePassed,
}

impl Interrupt {
    pub(crate) fn error(self, at: InterruptedAt) -> Error {
        match self {
            Interrupt::Cancelled => Kind::Cancelled { at }.into(),
            Interrupt::DeadlinePassed => Kind::DeadlinePassed { at }.into(),
        }
    }
}

/// The token of a search, if it has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancellation(Option<CancellationToken>);

impl Cancellation {
    pub(crate) fn new(token: Option<CancellationToken>) -> Self {
        Cancellation(token)
    }

    /// Why to end now, if so. Reads the clock, if there is a deadline; see
    /// [`Watch::look`](super::Watch::look).
    #[inline]
    pub(crate) fn interrupt(&self) -> Option<Interrupt> {
        let deadline = match self.look_but_at_the_clock() {
            Look::Interrupt(interrupt) => return Some(interrupt),
            Look::GoOn => return None,
            Look::UnlessPassed(deadline) => deadline,
        };
        (Instant::now() >= deadline).then_some(Interrupt::DeadlinePassed)
    }

    /// [`Cancellation::interrupt`] as an error at a place.
    ///
    /// # Errors
    ///
    /// If the search is to end.
    #[inline]
    pub(crate) fn check(&self, at: impl FnOnce() -> InterruptedAt) -> Result<(), Error> {
        match self.interrupt() {
            None => Ok(()),
            Some(interrupt) => Err(interrupt.error(at())),
        }
    }

    #[inline(always)]
    pub(super) fn look_but_at_the_clock(&self) -> Look {
        match &self.0 {
            None => Look::GoOn,
            Some(token) if token.is_cancelled() => Look::Interrupt(Interrupt::Cancelled),
            Some(token) => token.deadline.map_or(Look::GoOn, Look::UnlessPassed),
        }
    }
}

/// What is known before the clock is read.
pub(super) enum Look {
    GoOn,
    Interrupt(Interrupt),
    UnlessPassed(Instant),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_request_and_not_the_deadline() {
        let token = CancellationToken::new();
        let other = token.clone().with_timeout(Duration::ZERO);
        let seen = |token: &CancellationToken| Cancellation::new(Some(token.clone())).interrupt();
        assert_eq!((seen(&token), token.deadline()), (None, None));
        assert_eq!(seen(&other), Some(Interrupt::DeadlinePassed));
        assert!(!other.is_cancelled());
        other.cancel();
        assert!(token.is_cancelled() && other.is_cancelled());
        assert_eq!(seen(&token), Some(Interrupt::Cancelled));
        assert_eq!(seen(&other), Some(Interrupt::Cancelled));
        assert_eq!(Cancellation::default().interrupt(), None);
    }

    #[test]
    fn the_earlier_deadline_counts() {
        let now = Instant::now();
        let (early, late) = (now + Duration::from_secs(5), now + Duration::from_secs(9));
        for [first, second] in [[early, late], [late, early]] {
            let token = CancellationToken::new().with_deadline(first);
            assert_eq!(token.with_deadline(second).deadline(), Some(early));
        }
        let never = CancellationToken::new().with_timeout(Duration::MAX);
        assert_eq!(never.deadline(), None);
    }

    #[test]
    fn a_flag_of_the_caller_cancels_while_it_is_set() {
        let flag = Arc::new(AtomicBool::new(false));
        let token = CancellationToken::from(Arc::clone(&flag));
        for set in [true, false, true] {
            flag.store(set, Relaxed);
            assert_eq!(token.is_cancelled(), set);
        }
        flag.store(false, Relaxed);
        token.cancel();
        assert!(flag.load(Relaxed));
    }
}
