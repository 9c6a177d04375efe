//! Work of the library: in the pool, without the GIL, until it is done or a signal such as Ctrl-C ends it.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use widebeam::CancellationToken;

use crate::{error, pool};

/// How long a piece should take.
const PIECE: Duration = Duration::from_millis(40);

/// How often signals such as Ctrl-C are looked for while a search runs.
const LOOK: Duration = Duration::from_millis(20);

/// How many bytes of scores and of memory the first piece has: some 20 ms, where reading them is
/// the work.
pub(crate) const PIECE_BYTES: usize = 128 << 20;

/// Runs `work` in the pool of this process, while other threads of Python go on.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, widebeam::Error> + Send,
) -> PyResult<T> {
    let pool = pool::current(py)?;
    // What `work` holds is given up when it panics.
    let done = py.detach(|| catch_unwind(AssertUnwindSafe(|| pool.run(work))));
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error::exception(py, &error)),
        Err(payload) => Err(error::panicked(&*payload)),
    }
}

/// As [`run`]. When a signal raises an exception meanwhile, such as KeyboardInterrupt, the token
/// that `work` is given is cancelled, and the call raises the exception when `work` has ended.
pub(crate) fn run_until_signal<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(CancellationToken) -> Result<T, widebeam::Error> + Send,
) -> PyResult<T> {
    let pool = pool::current(py)?;
    let (done, raised) = py.detach(|| {
        let (sender, receiver) = mpsc::channel();
        let token = CancellationToken::new();
        let given = token.clone();
        let work = move || {
            let done = catch_unwind(AssertUnwindSafe(|| work(given)));
            // What is sent is received here, below.
            let _ = sender.send(done);
        };
        let (mut done, mut raised) = (None, None);
        pool.run_with(work, || {
            while raised.is_none() && done.is_none() {
                done = receiver.recv_timeout(LOOK).ok();
                if done.is_none() {
                    raised = Python::attach(|py| py.check_signals()).err();
                }
            }
            if raised.is_some() {
                token.cancel();
            }
        });
        (done.or_else(|| receiver.recv().ok()), raised)
    });
    match (raised, done) {
        (Some(error), _) => Err(error),
        (None, Some(Ok(Ok(value)))) => Ok(value),
        (None, Some(Ok(Err(error)))) => Err(error::exception(py, &error)),
        (None, Some(Err(payload))) => Err(error::panicked(&*payload)),
        (None, None) => Err(error::panicked(&"no result")),
    }
}

/// MemoryError if the system does not grant so many bytes. They are given back at once: a
/// batch that is decoded in pieces would else be refused only when it has filled the memory.
pub(crate) fn check_memory(bytes: usize) -> PyResult<()> {
    let granted = Vec::<u8>::new().try_reserve_exact(bytes);
    granted.map_err(|_| PyMemoryError::new_err(format!("out of memory: {bytes} bytes are needed")))
}

/// Runs `work` for consecutive ranges of `count` parts, the first of `first` parts and the
/// others as long as the time of the one before suggests. An exception that a signal raises, such
/// as KeyboardInterrupt, cancels the token of a range, and ends the call.
pub(crate) fn in_pieces<T: Send>(
    py: Python<'_>,
    count: usize,
    first: usize,
    mut work: impl FnMut(Range<usize>, CancellationToken) -> Result<T, widebeam::Error> + Send,
) -> PyResult<Vec<T>> {
    let mut done = Vec::new();
    let (mut start, mut size) = (0usize, first.max(1));
    loop {
        let range = start..count.min(start.saturating_add(size));
        let begun = Instant::now();
        let next = range.end;
        done.push(run_until_signal(py, |token| work(range, token))?);
        py.check_signals()?;
        start = next;
        if start >= count {
            return Ok(done);
        }
        let ratio = PIECE.as_secs_f64() / begun.elapsed().as_secs_f64().max(1e-6);
        size = ((size as f64 * ratio.min(4.0)) as usize).max(1);
    }
}
