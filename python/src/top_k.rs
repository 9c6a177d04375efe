//! The largest numbers of rows.

use std::ops::Range;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use widebeam::top_k::{Rows, TopK};

use crate::array::{Array, Values};
use crate::{error, work};

/// The `k` largest numbers of each row, best first, and their indices.
///
/// `scores` has the shape `[..., columns]`; its rows lie at equal distances. Returns `(indices,
/// values)`, int64 and float32 of the shape `[..., k]`, or `[..., columns]` where a row has
/// fewer than k. Equal numbers are in order of their indices. They are numpy arrays, or torch
/// tensors if `scores` is one.
///
/// Raises `widebeam.Error`, a ValueError, for a NaN or +inf, and where the shape or k is
/// refused; and MemoryError.
#[pyfunction]
pub(crate) fn top_k<'py>(scores: &Bound<'py, PyAny>, k: i64) -> PyResult<Bound<'py, PyTuple>> {
    let (array, shape, found) = find::<f32>(scores, k, |best, rows, indices, values| {
        best.find(rows, indices, values)
    })?;
    let values = array
        .framework()
        .floats(scores.py(), &found.values, &shape)?;
    pair(scores.py(), &array, &shape, &found.indices, values)
}

/// The `k` largest log-probabilities of each row of logits, best first, and their indices.
///
/// As `top_k`, with the log-softmax of the row in place of its numbers: float64, within 6e-6 of
/// the exact value.
#[pyfunction]
pub(crate) fn log_softmax_top_k<'py>(
    logits: &Bound<'py, PyAny>,
    k: i64,
) -> PyResult<Bound<'py, PyTuple>> {
    let (array, shape, found) = find::<f64>(logits, k, |best, rows, indices, values| {
        best.find_log_softmax(rows, indices, values)
    })?;
    let values = array
        .framework()
        .doubles(logits.py(), &found.values, &shape)?;
    pair(logits.py(), &array, &shape, &found.indices, values)
}

fn pair<'py>(
    py: Python<'py>,
    array: &Array<'py>,
    shape: &[usize],
    indices: &[u32],
    values: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let indices: Vec<i64> = indices.iter().map(|&index| i64::from(index)).collect();
    let indices = array.framework().integers(py, &indices, shape)?;
    PyTuple::new(py, [indices, values])
}

struct Found<V> {
    indices: Vec<u32>,
    values: Vec<V>,
}

/// Calls `fill` for the rows of the array, piece by piece. Returns the array, the shape of the
/// results and the results.
fn find<'py, V: Copy + Default + Send>(
    array: &Bound<'py, PyAny>,
    k: i64,
    fill: impl Fn(&mut TopK, &Rows<'_>, &mut [u32], &mut [V]) -> Result<(), widebeam::Error> + Sync,
) -> PyResult<(Array<'py>, Vec<usize>, Found<V>)> {
    let py = array.py();
    let wanted = usize::try_from(k)
        .map_err(|_| error::refusal(py, format!("k is {k}: it must be at least 1")))?;
    let mut best = TopK::new(wanted).map_err(|error| error::exception(py, &error))?;
    let array = Array::of(array)?;
    let ([rows, columns], stride) = array.rows(py)?;
    let whole = Whole {
        values: array.values(),
        columns,
        stride,
    };
    let found = whole.rows(0..rows).map(|rows| best.found(&rows));
    let found = found.map_err(|error| error::exception(py, &error))?;

    let results = rows.saturating_mul(found);
    work::check_memory(results.saturating_mul(size_of::<u32>() + size_of::<V>()))?;
    let bytes = columns.saturating_mul(whole.values.element_bytes());
    let mut indices: Vec<u32> = Vec::with_capacity(results);
    let mut values: Vec<V> = Vec::with_capacity(results);
    work::in_pieces(py, rows, work::PIECE_BYTES / bytes.max(1), |range, _| {
        let end = range.end * found;
        let start = range.start * found;
        indices.resize(end, 0);
        values.resize(end, V::default());
        let rows = whole.rows(range.clone())?;
        let (indices, values) = (&mut indices[start..], &mut values[start..]);
        let filled = fill(&mut best, &rows, indices, values);
        filled.map_err(|error| whole.refusal(range, error))
    })?;
    let mut shape = array.shape().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = found;
    }
    Ok((array, shape, Found { indices, values }))
}

/// All rows of an array.
struct Whole<'a> {
    values: Values<'a>,
    columns: usize,
    stride: usize,
}

impl<'a> Whole<'a> {
    /// Some of them.
    fn rows(&self, range: Range<usize>) -> Result<Rows<'a>, widebeam::Error> {
        let tail = self.values.from(range.start.saturating_mul(self.stride));
        tail.rows([range.len(), self.columns], self.stride)
    }

    /// Why some of them were refused, with the row as the whole array counts it.
    fn refusal(&self, range: Range<usize>, error: widebeam::Error) -> widebeam::Error {
        if range.start == 0 {
            return error;
        }
        let (mut indices, mut values) = (vec![0; range.end], vec![0.0; range.end]);
        let again = TopK::new(1)
            .and_then(|mut best| best.find(&self.rows(0..range.end)?, &mut indices, &mut values));
        again.err().unwrap_or(error)
    }
}
