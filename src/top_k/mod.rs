//! The largest numbers of rows, and of their log-softmax: for samplers, retrieval, and
//! whatever else takes the best few of many.
//!
//! [`top_k`] and [`log_softmax_top_k`] are one call each. [`TopK`] is a value that you keep:
//! it allocates nothing after its first call for rows of a shape.
//!
//! ```
//! use widebeam::top_k::{Rows, top_k};
//!
//! // Two rows of four numbers.
//! let numbers = [0.5f32, 3.0, -1.0, 3.0, 7.0, f32::NEG_INFINITY, 0.0, 8.0];
//! let rows = Rows::new(&numbers, [2, 4])?;
//! let (mut indices, mut values) = ([0; 2 * 2], [0.0; 2 * 2]);
//! top_k(&rows, 2, &mut indices, &mut values)?;
//! assert_eq!(indices, [1, 3, 3, 0]);
//! assert_eq!(values, [3.0, 3.0, 8.0, 7.0]);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # Order, ties, numbers that are none
//!
//! A row is ranked by value, largest first, and equal values by index, lowest first: what a
//! stable sort of the whole row finds. Zeros of both signs are equal, and come back as 0.0.
//! `-inf` is ranked below all numbers. NaN and `+inf` are errors that name row and column;
//! other rows are not affected by what the error says, but what the buffers hold then is
//! unspecified.
//!
//! # Cost
//!
//! A row of V numbers is read once. Finding the best k takes O(k log^2 k + k V / 128) work
//! besides, or O(V + k) where k is a large part of V, in O(V / 8 + k) memory for each thread.
//! Rows are shared out among the threads of the rayon pool that the call is made in; one row
//! is the work of one thread. Results are the same, to the bit, for any number of threads,
//! any other rows and any [`Level`].

mod fill;
mod rows;

use std::sync::atomic::{AtomicUsize, Ordering};

pub use rows::Rows;

use crate::batch::{self, PerThread};
use crate::error::{Error, Kind};
use crate::search::shortlist::grain;
use crate::simd::{Dispatch, Level};
use fill::{Scratch, Value, Work};

/// The `k` largest numbers of each row and their indices, best first: [`TopK::find`] in one
/// call, with memory that it allocates.
///
/// # Errors
///
/// Those of [`TopK::new`] and [`TopK::find`].
pub fn top_k(
    rows: &Rows<'_>,
    k: usize,
    indices: &mut [u32],
    values: &mut [f32],
) -> Result<(), Error> {
    TopK::new(k)?.find(rows, indices, values)
}

/// The `k` largest log-probabilities of each row of logits and their indices, best first:
/// [`TopK::find_log_softmax`] in one call, with memory that it allocates.
///
/// # Errors
///
/// Those of [`TopK::new`] and [`TopK::find_log_softmax`].
pub fn log_softmax_top_k(
    rows: &Rows<'_>,
    k: usize,
    indices: &mut [u32],
    values: &mut [f64],
) -> Result<(), Error> {
    TopK::new(k)?.find_log_softmax(rows, indices, values)
}

/// Finds the k largest numbers of rows; the [module](self) says in which order.
///
/// It keeps its memory: a second call for rows of the same shape and type, in the same pool,
/// allocates nothing (but rayon's queue may, for a call from outside its pools, and an error
/// does). All of it is reserved before the first row is read, by the shape alone. A clone has
/// memory of its own.
///
/// ```
/// use widebeam::top_k::{Rows, TopK};
///
/// let mut best = TopK::new(3)?;
/// let (mut tokens, mut log_probabilities) = ([0; 3], [0.0; 3]);
/// for logits in [[0.0f32, 2.0, 1.0, -1.0], [5.0, 5.0, 5.0, 4.0]] {
///     let rows = Rows::new(&logits, [1, 4])?;
///     best.find_log_softmax(&rows, &mut tokens, &mut log_probabilities)?;
///     println!("{tokens:?} {log_probabilities:.3?}");
/// }
/// assert_eq!(tokens, [0, 1, 2]);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Debug)]
pub struct TopK {
    k: usize,
    dispatch: Dispatch,
    scratch: PerThread<Scratch>,
}

impl TopK {
    /// For the best `k` of each row, or all where it has fewer, at the level of
    /// [`Level::from_environment`].
    ///
    /// # Errors
    ///
    /// If `k` is 0, or the environment names no level of this processor.
    pub fn new(k: usize) -> Result<Self, Error> {
        if k == 0 {
            return Err(Kind::ZeroTopK.into());
        }
        Ok(TopK {
            k,
            dispatch: Dispatch::require(Level::from_environment()?)?,
            scratch: PerThread::default(),
        })
    }

    /// The same at another instruction-set level.
    ///
    /// # Errors
    ///
    /// If this processor does not have it.
    pub fn with_level(mut self, level: Level) -> Result<Self, Error> {
        self.dispatch = Dispatch::require(level)?;
        Ok(self)
    }

    /// How many numbers of a row are wanted.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// The instruction-set level in use.
    #[must_use]
    pub fn level(&self) -> Level {
        self.dispatch.level()
    }

    /// How many numbers are found in each of `rows`: k, or all where a row has fewer.
    #[must_use]
    pub fn found(&self, rows: &Rows<'_>) -> usize {
        self.k.min(rows.columns())
    }

    /// Bytes of memory that are kept for `rows` in the pool that this is called in.
    #[must_use]
    pub fn bytes_needed(&self, rows: &Rows<'_>) -> usize {
        let plan = fill::plan(rows, self.found(rows), true);
        batch::threads().saturating_mul(Scratch::bytes_needed(&plan, rows.rows()))
    }

    /// Writes the k largest numbers of each row, best first, to `values`, and their indices in
    /// the row to `indices`: [`TopK::found`] a row, row after row. The values are those of the
    /// row, exactly.
    ///
    /// # Errors
    ///
    /// If the buffers do not have that length, if a row holds NaN or `+inf`, or if memory runs
    /// out.
    pub fn find(
        &mut self,
        rows: &Rows<'_>,
        indices: &mut [u32],
        values: &mut [f32],
    ) -> Result<(), Error> {
        self.fill(rows, false, indices, values)
    }

    /// As [`TopK::find`], with the log-softmax of the row in place of its numbers: `x - ln
    /// sum exp`, in f64 from the numbers of the row. The log-sum-exp is within 6e-6 of its
    /// exact value; it is that of every search of this library, to the bit. Of `-inf` the
    /// log-probability is `-inf`, also in a row that holds nothing else.
    ///
    /// # Errors
    ///
    /// Those of [`TopK::find`].
    pub fn find_log_softmax(
        &mut self,
        rows: &Rows<'_>,
        indices: &mut [u32],
        values: &mut [f64],
    ) -> Result<(), Error> {
        self.fill(rows, true, indices, values)
    }

    fn fill<V: Value>(
        &mut self,
        rows: &Rows<'_>,
        log_softmax: bool,
        indices: &mut [u32],
        values: &mut [V],
    ) -> Result<(), Error> {
        let k = self.found(rows);
        for (buffer, given) in [("indices", indices.len()), ("values", values.len())] {
            if rows.rows().checked_mul(k) != Some(given) {
                return Err(Kind::TopKBuffer {
                    buffer,
                    given,
                    rows: rows.rows(),
                    k,
                }
                .into());
            }
        }
        let plan = fill::plan(rows, k, log_softmax);
        (self.scratch).prepare_each(|scratch| scratch.reserve(plan, rows.rows()))?;

        let (scratch, dispatch) = (&self.scratch, self.dispatch);
        let refused = AtomicUsize::new(usize::MAX);
        let work = Work::new(k, indices, values);
        batch::for_each(work, grain(rows.row_bytes()), &|work: Work<'_, V>| {
            scratch.with(|scratch| {
                let row = work.fill(rows, scratch, dispatch);
                refused.fetch_min(row, Ordering::Relaxed);
            });
        });
        match refused.into_inner() {
            usize::MAX => Ok(()),
            row => Err(rows.invalid_number(row)),
        }
    }
}

impl Clone for TopK {
    fn clone(&self) -> Self {
        TopK {
            k: self.k,
            dispatch: self.dispatch,
            scratch: PerThread::default(),
        }
    }
}
