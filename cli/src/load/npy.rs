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
        // Of 1, 2, 4 or 8 bytes: npyz refuses others.
        TypeChar::Int => Some(Dtype::Signed(size as usize)),
        TypeChar::Uint => Some(Dtype::Unsigned(size as usize)),
        _ => None,
    };
    (
        known.unwrap_or_else(|| Dtype::Other(dtype.descr())),
        plain.endianness() == Endianness::Big,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of that version whose header is `header` with spaces behind it to a
    /// `length`, or to where the format wants its values.
    fn file(version: u8, header: &str, length: Option<usize>, values: usize) -> Vec<u8> {
        let prefix = if version == 1 { 10 } else { 12 };
        let aligned = (prefix + header.len() + 1).next_multiple_of(64) - prefix;
        let length = length.unwrap_or(aligned);
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        bytes.extend(&(length as u32).to_le_bytes()[..prefix - 8]);
        bytes.extend(header.as_bytes());
        bytes.resize(prefix + length - 1, b' ');
        bytes.push(b'\n');
        bytes.resize(bytes.len() + values, 0);
        bytes
    }

    fn header(descr: &str, fortran: &str, shape: &str) -> String {
        format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}")
    }

    fn parsed(bytes: &[u8]) -> Result<Array, String> {
        parse(bytes, bytes.len())
    }

    #[test]
    fn headers_of_every_version_say_where_the_values_lie() {
        let text = header("'<f4'", "False", "(2, 3)");
        for version in [1, 2, 3] {
            let bytes = file(version, &text, None, 24);
            let array = parsed(&bytes).unwrap();
            assert_eq!(array.range, bytes.len() - 24..bytes.len());
            assert_eq!((array.shape, array.dtype), (vec![2, 3], Dtype::F32));
            assert!(!array.big_endian && !array.fortran);
        }
        let array = parsed(&file(1, &header("'>f8'", "True", "(3,)"), None, 24)).unwrap();
        assert!(array.big_endian && array.fortran);
        assert_eq!((array.shape, array.dtype), (vec![3], Dtype::F64));
    }

    #[test]
    fn types_are_those_that_are_read_or_a_name() {
        for (descr, expected) in [
            ("'<f2'", Dtype::F16),
            ("'<f4'", Dtype::F32),
            ("'<f8'", Dtype::F64),
            ("'|i1'", Dtype::Signed(1)),
            ("'<i2'", Dtype::Signed(2)),
            ("'<i4'", Dtype::Signed(4)),
            ("'<i8'", Dtype::Signed(8)),
            ("'|u1'", Dtype::Unsigned(1)),
            ("'<u2'", Dtype::Unsigned(2)),
            ("'<u4'", Dtype::Unsigned(4)),
            ("'<u8'", Dtype::Unsigned(8)),
        ] {
            let bytes = expected.bytes().unwrap();
            let array = parsed(&file(1, &header(descr, "False", "(3, 1)"), None, 3 * bytes));
            assert_eq!(array.unwrap().dtype, expected, "{descr}");
        }
        for descr in ["'<f16'", "'<c8'", "'|b1'", "'<U4'"] {
            let array = parsed(&file(1, &header(descr, "False", "(3, 1)"), None, 7));
            let Dtype::Other(name) = array.unwrap().dtype else {
                panic!("{descr} is not read")
            };
            assert!(
                descr.contains(&name) || name.contains(&descr[1..3]),
                "{descr}: {name}"
            );
        }
        let fields = parsed(&file(
            1,
            &header("[('a', '<f4')]", "False", "(2,)"),
            None,
            8,
        ));
        assert!(matches!(fields.unwrap().dtype, Dtype::Other(_)));
    }

    #[test]
    fn values_are_all_there_and_no_more() {
        let text = header("'<f4'", "False", "(2, 3)");
        let whole = file(1, &text, None, 24);
        let start = whole.len() - 24;
        for given in [0, 23, 25, 24 + 24] {
            let what = if given < 24 { "truncated" } else { "corrupt" };
            let said = format!(
                "{what}: shape [2, 3] of float32 needs 24 bytes, the file has {given} after its header"
            );
            assert_eq!(parse(&whole, start + given).unwrap_err(), said);
        }
        assert!(parse(&whole[..start], start + 24).is_ok());
        for total in [0, 4, start - 1] {
            let said = format!("corrupt: {total} bytes in all, of which the header takes {start}");
            assert_eq!(parse(&whole, total).unwrap_err(), said);
        }
        let empty = file(1, &header("'<f4'", "False", "(0, 3)"), None, 0);
        assert!(parsed(&empty).is_ok());
    }

    #[test]
    fn headers_up_to_the_limit() {
        let text = header("'<f4'", "False", "(2, 3)");
        for version in [1, 2] {
            let bytes = file(version, &text, Some(MAX_HEADER), 24);
            assert!(parsed(&bytes).is_ok(), "version {version}");
            let bytes = file(version, &text, Some(MAX_HEADER + 1), 24);
            let said = "corrupt .npy header: it claims 10001 bytes, the limit is 10000";
            assert_eq!(parsed(&bytes).unwrap_err(), said);
            // Nothing but the start is looked at.
            assert!(parse(&bytes[..20], bytes.len()).is_err());
        }
        // The third and fourth byte count in versions that have them.
        let mut bytes = file(2, &text, None, 24);
        for byte in [10, 11] {
            bytes[byte] = 1;
            assert!(parsed(&bytes).unwrap_err().contains("the limit is 10000"));
            bytes[byte] = 0;
        }
        assert!(parsed(&bytes).is_ok());
    }

    #[test]
    fn no_other_start_is_taken_for_a_magic_number() {
        let whole = file(1, &header("'<f4'", "False", "(2, 3)"), None, 24);
        let said = "not a .npy file: the magic number is missing";
        for byte in 0..6 {
            let mut other = whole.clone();
            other[byte] ^= 1;
            assert_eq!(parsed(&other).unwrap_err(), said, "byte {byte}");
        }
        for length in 0..10 {
            assert_eq!(parsed(&whole[..length]).unwrap_err(), said, "{length}");
        }
        assert_ne!(parsed(&whole[..10]).unwrap_err(), said);
        let second = file(2, &header("'<f4'", "False", "(2, 3)"), None, 24);
        assert_eq!(parsed(&second[..11]).unwrap_err(), said);
        assert_ne!(parsed(&second[..12]).unwrap_err(), said);
    }

    #[test]
    fn brackets_are_nested_so_deep_and_no_deeper() {
        for (text, expected) in [
            ("", 0),
            ("()[]{}", 1),
            ("([{", 3),
            ("([{}])(())", 3),
            (")))(", 1),
            ("(}[)]", 1),
        ] {
            assert_eq!(depth(text.as_bytes(), text.len()), expected, "{text}");
        }
        let within = |text: &str, length| depth(text.as_bytes(), length);
        // The prefix and the header are looked at, not the values.
        let text = "            (((";
        assert_eq!(
            [0, 1, 2, 3, 9].map(|length| within(text, length)),
            [0, 1, 2, 3, 3]
        );

        let nested = |depth: usize| {
            // The braces of the header are one.
            let shape = "(".repeat(depth - 1) + &")".repeat(depth - 1);
            parsed(&file(1, &header("'<f4'", "False", &shape), None, 4))
        };
        let said = "corrupt .npy header: its brackets are nested more than 6 deep";
        assert_eq!(nested(MAX_DEPTH + 1).unwrap_err(), said);
        assert_ne!(nested(MAX_DEPTH).map(|_| ()), Err(said.to_owned()));
        // Brackets among the values are none of the header.
        let mut bytes = file(1, &header("'<f4'", "False", "(5, 4)"), None, 80);
        let start = bytes.len() - 80;
        bytes[start..].fill(b'(');
        assert!(parsed(&bytes).is_ok());
    }

    #[test]
    fn shapes_beyond_all_memory_are_refused() {
        let most = format!("({}, 3)", u64::MAX / 8);
        let array = parsed(&file(1, &header("'<f4'", "False", &most), None, 4));
        let shape = [u64::MAX / 8, 3];
        let said = format!("corrupt: shape {shape:?} is more than memory can address");
        assert_eq!(array.unwrap_err(), said);
        // Nothing is said of the room for what is not read, if its axes can be counted.
        let most = format!("({}, 3)", usize::MAX / 8);
        let array = parsed(&file(1, &header("'<c8'", "False", &most), None, 4));
        assert!(array.is_ok());
    }

    /// The start of a file in an archive holds its header.
    #[test]
    fn the_longest_header_is_within_what_is_looked_at() {
        assert_eq!(MAX_PREFIX, 10_012);
        let text = header("'<f4'", "False", "(2, 3)");
        let bytes = file(2, &text, Some(MAX_HEADER), 24);
        assert!(parse(&bytes[..MAX_PREFIX], bytes.len()).is_ok());
        assert!(parse(&bytes[..MAX_PREFIX - 1], bytes.len()).is_err());
    }
}
