//! Reads that stay within bounds: of sizes at loading, of numbers at queries.

use std::ops::Range;

use crate::error::{Error, Kind};

/// Hands out the parts of a file, in order.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// `at` must be within the file.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Cursor { bytes, at }
    }

    /// The whole file.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next `count * size` bytes; they are all in the file.
    pub(super) fn take(
        &mut self,
        count: u64,
        size: u64,
        what: &str,
    ) -> Result<Range<usize>, Error> {
        let left = self.bytes.len() - self.at;
        let taken = count.checked_mul(size);
        let fits = taken.and_then(|taken| usize::try_from(taken).ok());
        match fits.filter(|&taken| taken <= left) {
            Some(taken) => {
                let start = self.at;
                self.at += taken;
                Ok(start..self.at)
            }
            None => {
                let needed = u128::from(count) * u128::from(size);
                Err(self.error(format!(
                    "{what} should take {needed} bytes, {left} are left (the file is cut short, \
                     or its header is wrong)"
                )))
            }
        }
    }

    /// The bytes of a part.
    pub(super) fn part(&self, range: &Range<usize>) -> &'a [u8] {
        part(self.bytes, range)
    }

    /// An error at what comes next.
    pub(super) fn error(&self, what: String) -> Error {
        error_at(self.at, what)
    }
}

/// The part of a file that a table is; nothing, if the file has changed its length.
pub(super) fn part<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.clone()).unwrap_or_default()
}

pub(super) fn error_at(offset: usize, what: String) -> Error {
    let offset = offset as u64;
    Kind::NgramBinary { offset, what }.into()
}

/// As a range: where the compiler knows that its end does not overflow, that is one comparison.
#[inline(always)]
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.first_chunk().copied()
}

#[inline(always)]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

#[inline(always)]
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

#[inline(always)]
pub(super) fn f32_at(bytes: &[u8], at: usize) -> Option<f32> {
    array(bytes, at).map(f32::from_le_bytes)
}

/// `N` numbers, one after another.
#[inline(always)]
pub(super) fn u64s_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u64; N]> {
    let bytes = bytes.get(at..at.checked_add(8 * N)?)?;
    let numbers: &[[u8; 8]; N] = bytes.as_chunks().0.try_into().ok()?;
    Some(numbers.map(u64::from_le_bytes))
}

/// Numbers of so many bits, at most 57, that lie at any bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits {
    width: u32,
    mask: u64,
}

impl Bits {
    pub(super) const fn new(width: u32) -> Bits {
        let mask = (1 << width) - 1;
        Bits { width, mask }
    }

    #[inline(always)]
    pub(super) const fn width(self) -> u32 {
        self.width
    }

    /// The number in the lowest bits.
    #[inline(always)]
    pub(super) fn lowest(self, bits: u64) -> u64 {
        bits & self.mask
    }

    /// The number from a bit on; 0 beyond the end. The table must go on for 8 bytes where it
    /// begins, which KenLM makes sure of.
    #[inline(always)]
    pub(super) fn at(self, table: &[u8], bit: u64) -> u64 {
        let at = usize::try_from(bit / 8).unwrap_or(usize::MAX);
        let word = u64_at(table, at).unwrap_or(0);
        self.lowest(word >> (bit % 8))
    }
}

/// The bits that it takes to tell 0 to `max` apart.
pub(super) fn bits_for(max: u64) -> u32 {
    u64::BITS - max.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_from_the_lowest_on() {
        let mut table = vec![0u8; 24];
        // 5 bits each: 0, 1, 2 and so on.
        for value in 0..20u64 {
            for bit in 0..5 {
                let at = (5 * value + bit) as usize;
                table[at / 8] |= ((value >> bit & 1) as u8) << (at % 8);
            }
        }
        for value in 0..20 {
            assert_eq!(Bits::new(5).at(&table, 5 * value), value);
        }
        assert_eq!(Bits::new(0).at(&table, 3), 0);
        assert_eq!(Bits::new(57).at(&table, 8 * 17), 0);
        assert_eq!(Bits::new(57).at(&table, u64::MAX), 0);
    }

    #[test]
    fn parts_are_within_the_file_or_refused() {
        let bytes = [0; 40];
        let mut cursor = Cursor::new(&bytes, 8);
        assert_eq!(cursor.take(4, 4, "a table"), Ok(8..24));
        assert_eq!(cursor.take(0, 7, "a table"), Ok(24..24));
        for (count, size) in [(17, 1), (3, 8), (u64::MAX, 1), (u64::MAX, u64::MAX)] {
            let error = cursor.take(count, size, "a table").unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with("KenLM file, byte 24: a table should take")
            );
            assert_eq!(cursor.at(), 24);
        }
        assert_eq!(cursor.take(16, 1, "a table"), Ok(24..40));
    }

    #[test]
    fn numbers_of_bits() {
        for (max, bits) in [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (u64::MAX, 64)] {
            assert_eq!(bits_for(max), bits);
        }
    }
}
