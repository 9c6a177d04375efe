//! Where the axes of an array lie, and which of those layouts the library reads.

use pyo3::prelude::*;

use super::Described;
use crate::error;

/// The strides in elements. Those of an array without elements, and that of an axis of at most
/// one element, are 0: they say nothing, and may be anything.
pub(super) fn in_elements(py: Python<'_>, described: &Described<'_>) -> PyResult<Vec<isize>> {
    let bytes = described.dtype.bytes() as isize;
    let is_empty = described.shape.contains(&0);
    let axes = described.shape.iter().zip(&described.strides);
    axes.map(|(&size, &stride)| match stride % bytes {
        _ if is_empty || size <= 1 => Ok(0),
        0 => Ok(stride / bytes),
        _ => {
            let said = format!(
                "a stride of {stride} bytes is no multiple of {bytes}, the size of a score: \
                 copy the scores first, with numpy.ascontiguousarray"
            );
            Err(error::refusal(py, said))
        }
    })
    .collect()
}

/// The shape `[batch, time, vocab]` and the strides of batch and time.
pub(super) fn batch(
    py: Python<'_>,
    shape: &[usize],
    strides: &[isize],
) -> PyResult<([usize; 3], [usize; 2])> {
    let (shape3, strides3) = match (shape, strides) {
        (&[time, vocab], &[of_time, of_vocab]) => ([1, time, vocab], [0, of_time, of_vocab]),
        (&[batch, time, vocab], &[of_batch, of_time, of_vocab]) => {
            ([batch, time, vocab], [of_batch, of_time, of_vocab])
        }
        _ => {
            let said = format!(
                "scores of shape {} cannot be read: the shape must be [batch, time, vocab] or \
                 [time, vocab]",
                shown(shape)
            );
            return Err(error::refusal(py, said));
        }
    };
    let [of_batch, of_time, of_vocab] = strides3;
    last_is_contiguous(py, shape, of_vocab)?;
    // `Memory` has refused negative ones.
    Ok((shape3, [of_batch as usize, of_time as usize]))
}

/// The shape `[rows, columns]` and the stride of the rows.
pub(super) fn rows(
    py: Python<'_>,
    shape: &[usize],
    strides: &[isize],
) -> PyResult<([usize; 2], usize)> {
    let (Some((&columns, outer)), Some((&of_columns, of_outer))) =
        (shape.split_last(), strides.split_last())
    else {
        let said = "an array without axes has no rows: the shape must be [..., columns]";
        return Err(error::refusal(py, said));
    };
    last_is_contiguous(py, shape, of_columns)?;
    let (mut rows, mut stride) = (1usize, 0isize);
    for (&size, &of_axis) in outer.iter().zip(of_outer).rev() {
        if size > 1 && rows > 1 && of_axis != stride.saturating_mul(rows as isize) {
            let said = format!(
                "the rows of an array of shape {} do not lie at equal distances: copy it first, \
                 with numpy.ascontiguousarray",
                shown(shape)
            );
            return Err(error::refusal(py, said));
        }
        if rows == 1 && size > 1 {
            stride = of_axis;
        }
        rows = rows.saturating_mul(size);
    }
    Ok(([rows, columns], stride as usize))
}

fn last_is_contiguous(py: Python<'_>, shape: &[usize], stride: isize) -> PyResult<()> {
    if shape.contains(&0) || shape.last() == Some(&1) || stride == 1 {
        return Ok(());
    }
    let said = format!(
        "the last axis of scores of shape {} is not contiguous (its stride is {stride} scores): \
         copy them first, with numpy.ascontiguousarray or .contiguous()",
        shown(shape)
    );
    Err(error::refusal(py, said))
}

fn shown(shape: &[usize]) -> String {
    format!("{shape:?}")
}
