//! NumPy's `.npy` format.

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

use super::array::{Array, Dtype};

/// The longest header accepted: NumPy's own limit (`max_header_size`).
const MAX_HEADER: usize = 10_000;

/// The deepest nesting of brackets accepted. The header is a Python expression,
/// and its parser takes time exponential in the depth. A shape has depth 2.
const MAX_DEPTH: usize = 6;

/// The most bytes in front of the values: what [`parse`] looks at.
pub(crate) const MAX_PREFIX: usize = MAX_HEADER + PREFIX;

/// Magic, version and a length of four bytes.
const PREFIX: usize = 12;

/// The array of a `.npy` file of which `start` holds at least the header, and
/// which has `total` bytes.
pub(crate) fn parse(start: &[u8], total: usize) -> Result<Array, String> {
    let start = &start[..start.len().min(MAX_PREFIX)];
    // Version 1 counts the header in two bytes, its successors in four. Looked
    // at before the parser, which allocates as much as they claim.
    let claimed = match start {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => u32::from_le_bytes([*a, *b, 0, 0]),
        [0x93, b'N', b'U', b'M', b'P', b'Y', _, _, a, b, c, d, ..] => {
            u32::from_le_bytes([*a, *b, *c, *d])
        }
        _ => return Err("not a .npy file: the magic number is missing".to_owned()),
    };
    if claimed as usize > MAX_HEADER {
        return Err(format!(
            "corrupt .npy header: it claims {claimed} bytes, the limit is {MAX_HEADER}"
        ));
    }
    if depth(start, claimed as usize) > MAX_DEPTH {
        return Err(format!(
            "corrupt .npy header: its brackets are nested more than {MAX_DEPTH} deep"
        ));
    }
    let mut rest = start;
    let header = NpyHeader::from_reader(&mut rest)
        .map_err(|error| format!("corrupt .npy header: {}", first_line(&error.to_string())))?;
    let offset = start.len() - rest.len();
    // An archive may claim less for an array than its header takes.
    let Some(given) = total.checked_sub(offset) else {
        return Err(format!(
            "corrupt: {total} bytes in all, of which the header takes {offset}"
        ));
    };

    let (dtype, big_endian) = dtype(&header.dtype());
    let shape = header
        .shape()
        .iter()
        .map(|&axis| usize::try_from(axis))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| too_large(header.shape()))?;
    let array = Array {
        dtype,
        big_endian,
        fortran: header.order() == Order::Fortran,
        shape,
        range: offset..total,
    };
    let needed = match array.bytes_needed() {
        Some(needed) => needed,
        // A type that is not read is refused by name, where it is asked for.
        None if array.dtype.bytes().is_none() => return Ok(array),
        None => return Err(too_large(header.shape())),
    };
    if given != needed {
        let what = if given < needed {
            "truncated"
        } else {
            "corrupt"
        };
        return Err(format!(
            "{what}: shape {:?} of {} needs {needed} bytes, the file has {given} after its header",
            array.shape, array.dtype
        ));
    }
    Ok(array)
}

/// The deepest nesting of brackets in a header of at most `length` bytes.
/// Brackets in strings count, which no type of score has.
fn depth(start: &[u8], length: usize) -> usize {
    let header = start.iter().take(PREFIX + length);
    let (_, deepest) = header.fold((0usize, 0), |(depth, deepest), byte| match byte {
        b'(' | b'[' | b'{' => (depth + 1, deepest.max(depth + 1)),
        b')' | b']' | b'}' => (depth.saturating_sub(1), deepest),
        _ => (depth, deepest),
    });
    deepest
}

/// What is wrong; the parser goes on to print all of the header below it.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

fn too_large(shape: &[u64]) -> String {
    format!("corrupt: shape {shape:?} is more than memory can address")
}

fn dtype(dtype: &DType) -> (Dtype, bool) {
    let DType::Plain(plain) = dtype else {
        return (Dtype::Other(dtype.descr()), false);
    };
    let size = plain.size_field();
    let known = match plain.type_char() {
        TypeChar::Float if size == 2 => Some(Dtype::F16),
        TypeChar::Float if size == 4 => Some(Dtype::F32),
        TypeChar::Float if size == 8 => Some(Dtype::F64),
        TypeChar::Int if matches!(size, 1 | 2 | 4 | 8) => Some(Dtype::Signed(size as usize)),
        TypeChar::Uint if matches!(size, 1 | 2 | 4 | 8) => Some(Dtype::Unsigned(size as usize)),
        _ => None,
    };
    (
        known.unwrap_or_else(|| Dtype::Other(dtype.descr())),
        plain.endianness() == Endianness::Big,
    )
}
