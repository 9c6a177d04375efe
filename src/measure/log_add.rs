//! Log-add over slices that are longer than the caches, on all threads.

use crate::batch::{self, Divide};
use crate::error::Error;
use crate::kernels::log_add::Slices;
use crate::search::shortlist::GRAIN_BYTES;
use crate::simd::{Dispatch, Level};

/// As [`log_add`](crate::log_add), at a level and in parallel.
///
/// # Errors
///
/// If the lengths differ, or this processor does not have `level`.
pub fn log_add_all(a: &[f64], b: &[f64], sums: &mut [f64], level: Level) -> Result<(), Error> {
    let slices = Slices::new(a, b, sums)?;
    let dispatch = Dispatch::require(level)?;
    let grain = GRAIN_BYTES / (3 * size_of::<f64>());
    batch::for_each(slices, grain, &|slices: Slices<'_>| dispatch.run(slices));
    Ok(())
}

impl Divide for Slices<'_> {
    fn len(&self) -> usize {
        self.sums.len()
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let (a, b) = (self.a.split_at(middle), self.b.split_at(middle));
        let sums = self.sums.split_at_mut(middle);
        let piece = |a, b, sums| Slices { a, b, sums };
        (piece(a.0, b.0, sums.0), piece(a.1, b.1, sums.1))
    }
}
