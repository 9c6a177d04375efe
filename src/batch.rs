//! Work spread over threads: the one file that names rayon.
//!
//! Everything runs in the pool the caller is in (the global one if the caller
//! is in none). Work is halved down to a grain, so neighbouring pieces tend to
//! stay on one thread; nothing is allocated, and no result depends on where a
//! piece ran.

use std::sync::{Mutex, PoisonError, TryLockError};

use crate::error::Error;
use crate::memory::grow;

/// Work that can be cut in two.
pub(crate) trait Divide: Sized + Send {
    /// The number of units of work.
    fn len(&self) -> usize;
    /// The first `middle` units and the rest.
    fn split_at(self, middle: usize) -> (Self, Self);
    /// Where it is cut: about in half.
    fn middle(&self) -> usize {
        self.len() / 2
    }
}

/// Threads of the current pool.
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}

/// Runs `task` on pieces of `work` of at most `grain` units, in parallel.
pub(crate) fn for_each<W: Divide>(work: W, grain: usize, task: &(impl Fn(W) + Sync)) {
    let len = work.len();
    if len == 0 {
        return;
    }
    if len <= grain.max(1) {
        return task(work);
    }
    let middle = work.middle();
    let (left, right) = work.split_at(middle);
    rayon::join(
        || for_each(left, grain, task),
        || for_each(right, grain, task),
    );
}

/// Consecutive elements of a slice, each with its index.
pub(crate) struct Items<'a, T> {
    first: usize,
    items: &'a mut [T],
}

impl<'a, T> Items<'a, T> {
    pub(crate) fn new(items: &'a mut [T]) -> Self {
        Items { first: 0, items }
    }

    pub(crate) fn for_each(&mut self, mut f: impl FnMut(usize, &mut T)) {
        for (offset, item) in self.items.iter_mut().enumerate() {
            f(self.first + offset, item);
        }
    }
}

impl<T: Send> Divide for Items<'_, T> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let (left, right) = self.items.split_at_mut(middle);
        let left = Items {
            first: self.first,
            items: left,
        };
        let right = Items {
            first: self.first + middle,
            items: right,
        };
        (left, right)
    }
}

/// A value for each thread of the pool, kept from call to call.
#[derive(Debug, Default)]
pub(crate) struct PerThread<T> {
    slots: Vec<Mutex<T>>,
}

impl<T: Default> PerThread<T> {
    /// Makes values for all threads of the current pool.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn prepare(&mut self) -> Result<(), Error> {
        grow(&mut self.slots, threads(), "the threads' buffers")
    }

    /// Makes values for all threads of the current pool, and applies `f` to
    /// each of them, so that it does not matter which thread does what later.
    ///
    /// # Errors
    ///
    /// If memory runs out, or those of `f`.
    pub(crate) fn prepare_each(
        &mut self,
        f: impl FnMut(&mut T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.prepare()?;
        let values = self.slots.iter_mut().map(Mutex::get_mut);
        values
            .map(|value| value.unwrap_or_else(PoisonError::into_inner))
            .try_for_each(f)
    }

    /// Lends this thread's value. `f` must not call rayon.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let own = rayon::current_thread_index().unwrap_or(0);
        let (before, from_own) = self.slots.split_at(own.min(self.slots.len()));
        for slot in from_own.iter().chain(before) {
            match slot.try_lock() {
                Ok(mut value) => return f(&mut value),
                Err(TryLockError::Poisoned(value)) => return f(&mut value.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        // No slot is free, or none was prepared: a thread from outside the
        // pool came along.
        match self.slots.first() {
            Some(slot) => f(&mut slot.lock().unwrap_or_else(PoisonError::into_inner)),
            None => f(&mut T::default()),
        }
    }
}
