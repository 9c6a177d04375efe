//! The pass over some rows, on one thread.

use super::Rows;
use crate::batch::Divide;
use crate::error::Error;
use crate::kernels::element::Lanes;
use crate::kernels::top_k::{Plan, REFUSED, ROWS, Room, TopK};
use crate::memory::resize;
use crate::scores::{Data, ScoreKind};
use crate::simd::{Dispatch, Kernel, Simd};

/// How rows are searched, and whether for the log-softmax.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowsPlan {
    plan: Plan,
    k: usize,
    log_softmax: bool,
}

pub(super) fn plan(rows: &Rows<'_>, k: usize, log_softmax: bool) -> RowsPlan {
    let kind = ScoreKind::Logits;
    let plan = match log_softmax {
        true => Plan::top_k(k, rows.columns(), kind),
        false => Plan::top_k_unnormalised(k, rows.columns(), kind),
    };
    RowsPlan {
        plan: plan.of_tensor(rows.bytes()),
        k,
        log_softmax,
    }
}

/// A number that is written to the caller.
pub(super) trait Value: Copy + Send {
    fn from_f64(value: f64) -> Self;
}

impl Value for f64 {
    #[inline(always)]
    fn from_f64(value: f64) -> f64 {
        value
    }
}

/// Of values that were f32, exactly those.
impl Value for f32 {
    #[inline(always)]
    fn from_f64(value: f64) -> f32 {
        value as f32
    }
}

/// What a thread keeps.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    top_k: TopK,
    log_softmax: bool,
    /// Of up to [`ROWS`] rows.
    values: Vec<f64>,
    counts: [u32; ROWS],
    normalisers: [f64; ROWS],
}

impl Scratch {
    pub(super) fn bytes_needed(plan: &RowsPlan, rows: usize) -> usize {
        let values = plan.k.saturating_mul(rows.min(ROWS) * size_of::<f64>());
        TopK::bytes_needed(&plan.plan)
            .saturating_add(values)
            .saturating_add(size_of::<Scratch>())
    }

    pub(super) fn reserve(&mut self, plan: RowsPlan, rows: usize) -> Result<(), Error> {
        self.log_softmax = plan.log_softmax;
        let values = plan.k.saturating_mul(rows.min(ROWS));
        resize(&mut self.values, values, "the best numbers of rows")?;
        self.top_k.reserve(plan.plan)
    }
}

/// Consecutive rows, and where their best go.
pub(super) struct Work<'a, V> {
    first: usize,
    k: usize,
    indices: &'a mut [u32],
    values: &'a mut [V],
}

impl<'a, V> Work<'a, V> {
    pub(super) fn new(k: usize, indices: &'a mut [u32], values: &'a mut [V]) -> Self {
        Work {
            first: 0,
            k,
            indices,
            values,
        }
    }
}

impl<V: Send> Divide for Work<'_, V> {
    fn len(&self) -> usize {
        self.indices.len() / self.k
    }

    fn middle(&self) -> usize {
        match self.len() / 2 {
            // Whole groups of rows that are put in order together.
            middle if middle >= ROWS => middle - middle % ROWS,
            middle => middle,
        }
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let (first, k) = (self.first, self.k);
        let indices = self.indices.split_at_mut(middle * k);
        let values = self.values.split_at_mut(middle * k);
        let part = |first, indices, values| Work {
            first,
            k,
            indices,
            values,
        };
        let left = part(first, indices.0, values.0);
        (left, part(first + middle, indices.1, values.1))
    }
}

impl<V: Value> Work<'_, V> {
    /// Finds the best of the rows. The first row that was refused, or [`usize::MAX`].
    pub(super) fn fill(self, rows: &Rows<'_>, scratch: &mut Scratch, dispatch: Dispatch) -> usize {
        match rows.data() {
            Data::F32(data) => self.fill_from(rows, data, scratch, dispatch),
            Data::F16(data) => self.fill_from(rows, data, scratch, dispatch),
            Data::Bf16(data) => self.fill_from(rows, data, scratch, dispatch),
        }
    }

    fn fill_from<E: Lanes>(
        self,
        rows: &Rows<'_>,
        data: &[E],
        scratch: &mut Scratch,
        dispatch: Dispatch,
    ) -> usize {
        let k = self.k;
        let mut refused = usize::MAX;
        let mut first = self.first;
        let groups = self.indices.chunks_mut(ROWS * k);
        for (indices, values) in groups.zip(self.values.chunks_mut(ROWS * k)) {
            let count = indices.len() / k;
            let best = &mut scratch.values[..indices.len()];
            let together = Together {
                rows,
                data,
                first,
                k,
                indices: &mut *indices,
                values: best,
                top_k: &mut scratch.top_k,
                counts: &mut scratch.counts[..count],
                normalisers: &mut scratch.normalisers,
            };
            if Plan::is_short_row(rows.columns()) {
                dispatch.run(ShortRows(together));
            } else {
                dispatch.run(together);
            }
            let lists = indices.chunks_exact_mut(k).zip(best.chunks_exact_mut(k));
            let lists = lists.zip(values.chunks_exact_mut(k));
            for (number, ((indices, best), values)) in lists.enumerate() {
                let (row, count) = (first + number, scratch.counts[number]);
                if count == REFUSED {
                    refused = refused.min(row);
                    continue;
                }
                if (count as usize) < k {
                    fill_up(&data[rows.range(row)], count as usize, indices, best);
                }
                let normaliser = scratch.normalisers[number];
                for (value, &best) in values.iter_mut().zip(best.iter()) {
                    *value = V::from_f64(match scratch.log_softmax {
                        true if best > f64::NEG_INFINITY => best - normaliser,
                        _ => best,
                    });
                }
            }
            first += count;
        }
        refused
    }
}

/// Puts numbers that are -infinity, in order, behind the `count` that are not: the kernels
/// leave them out.
#[cold]
fn fill_up<E: Lanes>(row: &[E], count: usize, indices: &mut [u32], values: &mut [f64]) {
    let lowest = (0..).zip(row);
    let lowest = lowest.filter(|(_, number)| number.to_f32() == f32::NEG_INFINITY);
    let places = indices[count..].iter_mut().zip(&mut values[count..]);
    for ((index, value), (column, _)) in places.zip(lowest) {
        *index = column;
        *value = f64::NEG_INFINITY;
    }
}

/// Up to [`ROWS`] rows that are put in order together.
struct Together<'a, E> {
    rows: &'a Rows<'a>,
    data: &'a [E],
    first: usize,
    k: usize,
    indices: &'a mut [u32],
    values: &'a mut [f64],
    top_k: &'a mut TopK,
    counts: &'a mut [u32],
    normalisers: &'a mut [f64; ROWS],
}

impl<E: Lanes> Kernel for Together<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (rows, k) = (self.rows, self.k);
        self.top_k.begin(simd, self.counts.len());
        let out = self.indices.chunks_exact_mut(k);
        let out = out.zip(self.values.chunks_exact_mut(k));
        let out = out.zip(self.counts).zip(self.normalisers).enumerate();
        for (number, (((indices, values), count), normaliser)) in out {
            let row = &self.data[rows.range(self.first + number)];
            let next = &self.data[rows.after(self.first + number)];
            let found = (self.top_k).read(simd, number, row, next, indices, values);
            *count = found.map_or(REFUSED, |found| found.count as u32);
            *normaliser = found.map_or(0.0, |found| found.normaliser);
        }
        self.top_k.finish(simd, self.indices, self.values);
    }
}

/// ... of rows that are so short that all their numbers are put in order.
struct ShortRows<'a, E>(Together<'a, E>);

impl<E: Lanes> Kernel for ShortRows<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Together {
            rows,
            data,
            first,
            k,
            indices,
            values,
            top_k,
            counts,
            normalisers,
        } = self.0;
        let mut together = top_k.short_rows::<S, true>(simd);
        for (number, normaliser) in normalisers.iter_mut().enumerate().take(counts.len()) {
            *normaliser = together.read(number, &data[rows.range(first + number)]);
        }
        let room = Room {
            counts,
            tokens: indices,
            values,
        };
        together.finish(k, room);
    }
}
