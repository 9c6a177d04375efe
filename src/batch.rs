//! Work spread over threads: the one file that names rayon.
//!
//! Everything runs in the pool the caller is in (the global one if the caller
//! is in none). Work is halved down to a grain, so neighbouring pieces tend to
//! stay on one thread; nothing is allocated, and no result depends on where a
//! piece ran.

use std::sync::{Mutex, PoisonError, TryLockError};

use crate::cancellation::Interrupted;
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
    divide(work, grain, &|| false, task);
}

/// [`for_each`], but starts no piece once a thread has noted that the call ends early.
pub(crate) fn for_each_until<W: Divide>(
    work: W,
    grain: usize,
    interrupted: &Interrupted,
    task: &(impl Fn(W) + Sync),
) {
    divide(work, grain, &|| interrupted.is_set(), task);
}

fn divide<W: Divide>(
    work: W,
    grain: usize,
    is_over: &(impl Fn() -> bool + Sync),
    task: &(impl Fn(W) + Sync),
) {
    let len = work.len();
    if len == 0 || is_over() {
        return;
    }
    if len <= grain.max(1) {
        return task(work);
    }
    let middle = work.middle();
    let (left, right) = work.split_at(middle);
    rayon::join(
        || divide(left, grain, is_over, task),
        || divide(right, grain, is_over, task),
    );
}

/// Consecutive elements of a slice, each with its index.
pub(crate) struct IndexedSlice<'a, T> {
    first: usize,
    items: &'a mut [T],
}

impl<'a, T> IndexedSlice<'a, T> {
    pub(crate) fn new(items: &'a mut [T]) -> Self {
        IndexedSlice { first: 0, items }
    }

    pub(crate) fn for_each(&mut self, mut f: impl FnMut(usize, &mut T)) {
        for (offset, item) in self.items.iter_mut().enumerate() {
            f(self.first + offset, item);
        }
    }
}

impl<T: Send> Divide for IndexedSlice<'_, T> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let (left, right) = self.items.split_at_mut(middle);
        let left = IndexedSlice {
            first: self.first,
            items: left,
        };
        let right = IndexedSlice {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    fn in_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(f)
    }

    /// Each element is given once, under its own index, in pieces that are no longer
    /// than the grain, nor shorter than half of it but where the whole is.
    #[test]
    fn work_is_cut_into_pieces_of_a_grain_for_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            for (length, grain) in
                (0..20).flat_map(|length| (0..8).map(move |grain| (length, grain)))
            {
                let mut values = vec![usize::MAX; length];
                let pieces = Mutex::new(Vec::new());
                in_pool(threads, || {
                    let work = IndexedSlice::new(&mut values);
                    for_each(work, grain, &|mut piece: IndexedSlice<'_, usize>| {
                        let (first, len) = (piece.first, piece.len());
                        pieces.lock().unwrap().push((first, len));
                        piece.for_each(|index, value| {
                            assert_eq!(*value, usize::MAX, "given twice");
                            *value = index;
                        });
                    });
                });
                assert!(values.into_iter().eq(0..length));
                let mut pieces = pieces.into_inner().unwrap();
                pieces.sort();
                let (mut next, most) = (0, grain.max(1));
                for (first, len) in pieces {
                    assert_eq!(first, next);
                    next += len;
                    assert!(len <= most && len >= length.min(most.div_ceil(2)), "{len}");
                }
                assert_eq!(next, length);
            }
        }
    }

    #[test]
    fn work_that_is_one_grain_is_done_where_it_is() {
        let mut values = [0; 5];
        let caller = std::thread::current().id();
        for_each(IndexedSlice::new(&mut values), 5, &|piece: IndexedSlice<
            '_,
            i32,
        >| {
            assert_eq!((piece.len(), std::thread::current().id()), (5, caller));
        });
    }

    /// Halves, so that neighbours stay together.
    #[test]
    fn work_is_cut_in_half() {
        for length in 2..10 {
            let mut values = vec![0; length];
            let work = IndexedSlice::new(&mut values);
            assert_eq!(work.middle(), length / 2);
            let (left, right) = work.split_at(length / 2);
            assert_eq!((left.first, left.len()), (0, length / 2));
            assert_eq!(
                (right.first, right.len()),
                (length / 2, length - length / 2)
            );
        }
    }

    /// Holders that overlap as threads do: while some hold values, another gets one that none of
    /// them has, wherever it comes from.
    #[test]
    fn values_that_are_lent_at_once_are_different_ones() {
        fn hold(values: &PerThread<usize>, left: usize) {
            values.with(|value| {
                assert_eq!(*value, 0, "it is lent already");
                *value = 1;
                if left > 0 {
                    hold(values, left - 1);
                }
                *value = 0;
            });
        }
        for threads in [1, 2, 5] {
            let mut values = PerThread::<usize>::default();
            in_pool(threads, || values.prepare().unwrap());
            for others in 0..threads {
                hold(&values, others);
                in_pool(threads, || hold(&values, others));
            }
        }
    }

    #[test]
    fn each_thread_of_the_pool_has_a_value_that_is_kept() {
        for threads in [1, 3] {
            in_pool(threads, || {
                let mut values = PerThread::<usize>::default();
                values.prepare().unwrap();
                assert_eq!(values.slots.len(), threads);
                values
                    .prepare_each(|value| {
                        *value += 1;
                        Ok(())
                    })
                    .unwrap();
                values.with(|value| *value += 10);
                let mut found = Vec::new();
                let collect = values.prepare_each(|value| {
                    found.push(*value);
                    Ok(())
                });
                collect.unwrap();
                found.sort();
                assert_eq!(found.len(), threads);
                assert_eq!(
                    (found[0], found[threads - 1]),
                    (if threads == 1 { 11 } else { 1 }, 11)
                );
            });
        }
    }

    #[test]
    fn a_value_that_cannot_be_prepared_is_an_error() {
        let mut values = PerThread::<usize>::default();
        let error = in_pool(2, || {
            values.prepare_each(|value| match *value {
                0 => Err(Kind::ZeroBeams.into()),
                _ => Ok(()),
            })
        });
        assert!(error.unwrap_err().to_string().contains("beam width of 0"));
    }

    /// A thread of the pool has its own value while that is free, so that its caches
    /// hold it.
    #[test]
    fn a_thread_is_lent_its_own_value() {
        let mut values = PerThread::<usize>::default();
        in_pool(3, || {
            values.prepare().unwrap();
            let counted = |values: &PerThread<usize>| {
                values.with(|value| *value += 1);
                rayon::current_thread_index().unwrap()
            };
            let order = rayon::broadcast(|_| counted(&values));
            assert_eq!(order, [0, 1, 2]);
            let counts: Vec<_> = values
                .slots
                .iter()
                .map(|slot| *slot.lock().unwrap())
                .collect();
            assert_eq!(counts, [1, 1, 1]);
        });
    }

    /// Threads from outside of the pool, of which nobody knows how many there are.
    #[test]
    fn a_thread_that_finds_its_value_taken_is_lent_another() {
        let mut values = PerThread::<usize>::default();
        in_pool(2, || values.prepare().unwrap());
        assert_eq!(values.slots.len(), 2);
        values.with(|first| {
            *first = 1;
            values.with(|second| {
                assert_eq!(*second, 0);
                *second = 2;
            });
        });
        let values: Vec<_> = values
            .slots
            .iter()
            .map(|slot| *slot.lock().unwrap())
            .collect();
        assert_eq!(values, [1, 2]);
    }

    /// With all values taken it waits for one.
    #[test]
    fn a_thread_that_finds_all_values_taken_waits() {
        let mut values = PerThread::<usize>::default();
        in_pool(1, || values.prepare().unwrap());
        let (begun, busy) = (AtomicUsize::new(0), &values);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    busy.with(|value| {
                        begun.fetch_add(1, Relaxed);
                        let before = *value;
                        std::thread::yield_now();
                        *value = before + 1;
                    });
                });
            }
        });
        assert_eq!((begun.into_inner(), values.with(|value| *value)), (4, 4));
    }

    #[test]
    fn without_values_each_call_is_lent_a_new_one() {
        let values = PerThread::<usize>::default();
        for _ in 0..2 {
            assert_eq!(values.with(|value| std::mem::replace(value, 5)), 0);
        }
    }

    /// A search that panicked leaves its buffers in any state, and each use begins
    /// with making them anew.
    #[test]
    fn a_value_is_lent_again_after_a_panic() {
        let mut values = PerThread::<usize>::default();
        in_pool(1, || values.prepare().unwrap());
        let panics = std::panic::AssertUnwindSafe(|| values.with(|_| panic!("as it should")));
        assert!(std::panic::catch_unwind(panics).is_err());
        assert_eq!(values.with(|value| std::mem::replace(value, 3)), 0);
        let kept = |value: &mut usize| {
            assert_eq!(*value, 3);
            Ok(())
        };
        in_pool(1, || values.prepare_each(kept)).unwrap();
    }
}
