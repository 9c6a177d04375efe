//! The `.safetensors` format.

use safetensors::{Dtype as Stored, SafeTensors};

use super::array::{Array, Dtype};

/// The arrays of a file, by name.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<(String, Array)>, String> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("not a valid .safetensors file: {error}"))?;
    let mut arrays: Vec<_> = tensors
        .iter()
        .map(|(name, tensor)| {
            let start = tensor.data().as_ptr().addr() - bytes.as_ptr().addr();
            let array = Array {
                dtype: dtype(tensor.dtype()),
                big_endian: false,
                fortran: false,
                shape: tensor.shape().to_vec(),
                range: start..start + tensor.data().len(),
            };
            (name.to_owned(), array)
        })
        .collect();
    arrays.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(arrays)
}

fn dtype(dtype: Stored) -> Dtype {
    match dtype {
        Stored::F16 => Dtype::F16,
        Stored::BF16 => Dtype::Bf16,
        Stored::F32 => Dtype::F32,
        Stored::F64 => Dtype::F64,
        Stored::I8 => Dtype::Signed(1),
        Stored::I16 => Dtype::Signed(2),
        Stored::I32 => Dtype::Signed(4),
        Stored::I64 => Dtype::Signed(8),
        Stored::U8 => Dtype::Unsigned(1),
        Stored::U16 => Dtype::Unsigned(2),
        Stored::U32 => Dtype::Unsigned(4),
        Stored::U64 => Dtype::Unsigned(8),
        other => Dtype::Other(other.to_string()),
    }
}
