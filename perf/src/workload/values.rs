//! Tensors to measure on.

use half::{bf16, f16};
use rayon::prelude::*;
use widebeam::{Element, ScoreKind, ScoresView};

use super::dtype::Dtype;
use super::shape::Shape;
use crate::console::failure::Failure;
use crate::console::memory::require;

/// The values of a tensor.
pub enum Values {
    /// Single precision.
    F32(Vec<f32>),
    /// Half precision.
    F16(Vec<f16>),
    /// The upper half of single precision.
    Bf16(Vec<bf16>),
}

impl Values {
    /// `value` of every index of a tensor of `shape`.
    pub fn new(
        dtype: Dtype,
        shape: Shape,
        value: impl Fn(usize) -> f32 + Sync,
    ) -> Result<Self, Failure> {
        Ok(match dtype {
            Dtype::F32 => Values::F32(generate(shape, value)?),
            Dtype::F16 => Values::F16(generate(shape, |index| f16::from_f32(value(index)))?),
            Dtype::Bf16 => Values::Bf16(generate(shape, |index| bf16::from_f32(value(index)))?),
        })
    }

    /// The values from the `start`th on, as scores of `shape`.
    pub fn view(
        &self,
        kind: ScoreKind,
        start: usize,
        shape: Shape,
    ) -> Result<ScoresView<'_>, Failure> {
        let shape = shape.0;
        let range = start..start + shape.iter().product::<usize>();
        Ok(match self {
            Values::F32(values) => ScoresView::new(kind, &values[range], shape)?,
            Values::F16(values) => ScoresView::new(kind, &values[range], shape)?,
            Values::Bf16(values) => ScoresView::new(kind, &values[range], shape)?,
        })
    }
}

fn generate<T: Element + Default>(
    shape: Shape,
    value: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>, Failure> {
    let [batch, time, vocab] = shape.0;
    let mut values = Vec::new();
    let refused = || Failure::Machine(format!("no memory for a tensor of shape {shape}"));
    let rows = batch.checked_mul(time);
    let len = rows.and_then(|rows| rows.checked_mul(vocab));
    let len = len.ok_or_else(refused)?;
    require(
        len.saturating_mul(size_of::<T>()),
        format_args!("a tensor of shape {shape}"),
    )?;
    values.try_reserve_exact(len).map_err(|_| refused())?;
    values.resize(len, T::default());
    let each = values.par_iter_mut().enumerate();
    each.for_each(|(index, slot)| *slot = value(index));
    Ok(values)
}
