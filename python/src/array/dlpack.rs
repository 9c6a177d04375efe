//! Tensors by DLPack (<https://dmlc.github.io/dlpack/latest/>): its structures, and how a
//! tensor of another library is read.

use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};

use super::{Described, Dtype, other_dtype};
use crate::error;

/// `kDLCPU`, and `kDLCUDAHost` and `kDLROCMHost`, which are memory of the host that a GPU can
/// reach.
const ON_THE_HOST: [i32; 3] = [1, 3, 11];

#[repr(C)]
#[derive(Clone, Copy)]
struct Tensor {
    data: *mut c_void,
    device: [i32; 2],
    axes: i32,
    code: u8,
    bits: u8,
    lanes: u16,
    shape: *const i64,
    /// In elements; null if the tensor is dense.
    strides: *const i64,
    byte_offset: u64,
}

/// The structure of version 1.
#[repr(C)]
struct Versioned {
    major: u32,
    minor: u32,
    manager: *mut c_void,
    deleter: *const c_void,
    flags: u64,
    tensor: Tensor,
}

/// The structure before versions had numbers begins with the tensor.
const PLAIN: &CStr = c"dltensor";
const VERSIONED: &CStr = c"dltensor_versioned";

pub(super) fn describe<'py>(object: &Bound<'py, PyAny>) -> PyResult<Described<'py>> {
    let py = object.py();
    let device = object.call_method0(intern!(py, "__dlpack_device__"))?;
    let (kind, number): (i32, i64) = device.extract()?;
    if !ON_THE_HOST.contains(&kind) {
        return Err(error::refusal(py, on_a_device(object, kind, number)));
    }
    let capsule = export(object)?;
    let capsule = capsule.cast_into::<PyCapsule>().map_err(|_| {
        let said = "__dlpack__ returned something that is no capsule";
        PyTypeError::new_err(said)
    })?;
    // The capsule keeps its name: it stays the owner of the tensor, and frees it in the end.
    let tensor = match capsule.pointer_checked(Some(VERSIONED)) {
        Ok(versioned) => versioned_tensor(py, versioned)?,
        Err(_) => {
            let plain = capsule.pointer_checked(Some(PLAIN)).map_err(|_| {
                let said = "__dlpack__ returned a capsule that holds no tensor";
                error::refusal(py, said)
            })?;
            plain_tensor(plain)
        }
    };
    described(py, &tensor, capsule.into_any())
}

/// Asks for a tensor of version 1, which may be read-only, and else for an older one.
fn export<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let method = object.getattr(intern!(py, "__dlpack__"))?;
    let options = PyDict::new(py);
    options.set_item(intern!(py, "max_version"), (1, 0))?;
    let exported = match method.call((), Some(&options)) {
        Err(error) if error.is_instance_of::<PyTypeError>(py) => method.call0(),
        other => other,
    };
    exported.map_err(|error| {
        if !error.is_instance_of::<PyBufferError>(py) {
            return error;
        }
        let said = format!("this tensor cannot be read in place: {}", error.value(py));
        let refused = error::refusal(py, said);
        refused.set_cause(py, Some(error));
        refused
    })
}

fn on_a_device(object: &Bound<'_, PyAny>, kind: i32, number: i64) -> String {
    let named = match kind {
        2 | 13 => format!("a CUDA device ({number})"),
        8 => format!("a Metal device ({number})"),
        10 => format!("a ROCm device ({number})"),
        _ => format!("device {number} of DLPack's type {kind}"),
    };
    let hint = if object.hasattr("cpu").unwrap_or(false) {
        "copy them to the processor's memory first, with .cpu()"
    } else {
        "copy them to the processor's memory first"
    };
    format!("scores are on {named}, and the search runs on the processor: {hint}")
}

#[allow(unsafe_code)]
fn plain_tensor(pointer: NonNull<c_void>) -> Tensor {
    // SAFETY: a capsule of this name holds a `DLManagedTensor`, which begins with the
    // tensor, by the protocol; the caller holds the capsule.
    unsafe { pointer.cast::<Tensor>().read() }
}

#[allow(unsafe_code)]
fn versioned_tensor(py: Python<'_>, pointer: NonNull<c_void>) -> PyResult<Tensor> {
    let managed = pointer.cast::<Versioned>().as_ptr();
    // SAFETY: a capsule of this name holds a `DLManagedTensorVersioned`, which begins with
    // its version whatever that is, by the protocol; the caller holds the capsule.
    let major = unsafe { (*managed).major };
    if major != 1 {
        let said = format!("the tensor is of DLPack version {major}: it must be 1");
        return Err(error::refusal(py, said));
    }
    // SAFETY: as above; within a major version the structure stays as it is.
    Ok(unsafe { (*managed).tensor })
}

fn described<'py>(
    py: Python<'py>,
    tensor: &Tensor,
    owner: Bound<'py, PyAny>,
) -> PyResult<Described<'py>> {
    let dtype = match (tensor.code, tensor.bits, tensor.lanes) {
        (2, 16, 1) => Dtype::F16,
        (2, 32, 1) => Dtype::F32,
        (2, 64, 1) => Dtype::F64,
        (4, 16, 1) => Dtype::Bf16,
        (code, bits, lanes) => return Err(other_dtype(py, &dtype_name(code, bits, lanes))),
    };
    let axes = usize::try_from(tensor.axes).unwrap_or(0);
    let (sizes, strides) = axes_of(tensor, axes);
    let shape = sizes.iter().map(|&size| usize::try_from(size));
    let shape = shape.collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| error::refusal(py, "an axis of the tensor is negative"))?;
    let strides = strides.unwrap_or_else(|| dense(&sizes));
    let bytes = dtype.bytes() as i64;
    let strides = strides
        .iter()
        .map(|&stride| isize::try_from(stride.saturating_mul(bytes)).unwrap_or(isize::MAX));
    Ok(Described {
        owner,
        address: (tensor.data as usize).wrapping_add(tensor.byte_offset as usize),
        dtype,
        strides: strides.collect(),
        shape,
    })
}

#[allow(unsafe_code)]
fn axes_of(tensor: &Tensor, axes: usize) -> (Vec<i64>, Option<Vec<i64>>) {
    let copied = |numbers: *const i64| {
        if axes == 0 || numbers.is_null() {
            return None;
        }
        // SAFETY: by the protocol, both arrays have as many numbers as the tensor has axes;
        // the caller holds the capsule that owns them.
        Some(unsafe { std::slice::from_raw_parts(numbers, axes) }.to_vec())
    };
    (
        copied(tensor.shape).unwrap_or_default(),
        copied(tensor.strides),
    )
}

fn dense(sizes: &[i64]) -> Vec<i64> {
    let mut strides = vec![1i64; sizes.len()];
    for axis in (1..sizes.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(sizes[axis]);
    }
    strides
}

fn dtype_name(code: u8, bits: u8, lanes: u16) -> String {
    let name = match code {
        0 => "int",
        1 => "uint",
        2 => "float",
        4 => "bfloat",
        5 => "complex",
        6 => return "bool".to_owned(),
        _ => return format!("{code} of DLPack, {bits} bits"),
    };
    match lanes {
        1 => format!("{name}{bits}"),
        _ => format!("{name}{bits}x{lanes}"),
    }
}
