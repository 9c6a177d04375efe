//! Readers that give no more than memory holds.

use std::io::{self, Read};

use widebeam_perf::console::memory::{Memory, UNASKED};

/// Reads to the end.
///
/// # Errors
///
/// Those of the reader, and [`io::ErrorKind::OutOfMemory`] if it gives more than
/// memory holds.
pub(crate) fn read(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Capped::new(reader).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A reader that fails where it has given more than memory holds: a device, a
/// pipe or a compressed file may have no end.
#[derive(Debug)]
pub(crate) struct Capped<R> {
    reader: R,
    given: usize,
    /// How many bytes a text can unpack to.
    most: usize,
    /// It gives so many, at first those that need no asking.
    limit: usize,
    /// Whether the system was asked.
    asked: bool,
}

/// A text that is packed may be so many times as large as its file. Real ones are 3 to 20 times.
const MOST_TIMES: u64 = 200;
/// So many bytes are allowed in any case.
const SMALL: u64 = 256 << 20;

impl<R: Read> Capped<R> {
    pub(crate) fn new(reader: R) -> Self {
        Capped {
            reader,
            given: 0,
            most: usize::MAX,
            limit: UNASKED,
            asked: false,
        }
    }

    /// What a file of so many bytes unpacks to: no more than a text can.
    pub(crate) fn unpacked(reader: R, packed: u64) -> Self {
        let most = packed.saturating_mul(MOST_TIMES).max(SMALL);
        Capped {
            most: usize::try_from(most).unwrap_or(usize::MAX),
            ..Capped::new(reader)
        }
    }

    /// Whether more bytes were given than can be.
    fn is_too_much(&mut self) -> bool {
        if self.given > self.limit && !self.asked {
            self.asked = true;
            let memory = Memory::detect().map_or(usize::MAX, |memory| memory.available);
            self.limit = memory.min(self.most);
        }
        self.given > self.limit
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.given = self.given.saturating_add(read);
        if self.is_too_much() {
            let limit = self.limit;
            return Err(match limit == self.most {
                true => io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("it unpacks to more than {limit} bytes: no text is packed so well"),
                ),
                false => io::Error::new(
                    io::ErrorKind::OutOfMemory,
                    format!("it holds more than the {limit} bytes of memory available"),
                ),
            });
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_without_end_is_an_error_at_the_limit() {
        let mut endless = Capped {
            reader: io::repeat(0),
            given: 0,
            most: usize::MAX,
            limit: 1 << 20,
            asked: true,
        };
        let mut bytes = Vec::new();
        let error = endless.read_to_end(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(bytes.len() <= 1 << 20);
    }

    #[test]
    fn a_reader_gives_as_much_as_the_limit_and_not_a_byte_more() {
        for (length, fits) in [(0, true), (99, true), (100, true), (101, false)] {
            let mut reader = Capped {
                reader: io::repeat(7).take(length),
                given: 0,
                most: usize::MAX,
                limit: 100,
                asked: true,
            };
            let mut bytes = Vec::new();
            let read = reader.read_to_end(&mut bytes);
            assert_eq!(read.is_ok(), fits, "{length}");
            if let Err(error) = read {
                let said = "it holds more than the 100 bytes of memory available";
                assert_eq!(error.to_string(), said);
            }
        }
        assert_eq!(read(io::repeat(7).take(3)).unwrap(), [7; 3]);
    }

    /// A reader that has given one byte more than needs no asking.
    fn asked<R: Read>(mut capped: Capped<R>) -> Capped<R> {
        capped.given = UNASKED;
        assert!(!capped.is_too_much() && !capped.asked);
        capped.given += 1;
        capped.is_too_much();
        assert!(capped.asked);
        capped
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_limit_is_the_memory_that_is_available() {
        let there = Memory::detect().unwrap().available;
        // What is available changes from one look to the next.
        let limit = asked(Capped::new(io::empty())).limit;
        assert!(limit > there / 4 && limit < there.saturating_mul(4));
    }

    #[test]
    fn a_packed_text_is_at_most_so_many_times_its_file() {
        for (packed, most) in [(0, 256 << 20), (1 << 20, 256 << 20), (2 << 20, 400 << 20)] {
            let capped = asked(Capped::unpacked(io::empty(), packed));
            assert_eq!(capped.most, most);
            // Or less, where memory is scarce.
            assert!(capped.limit <= most);
        }
        assert_eq!(Capped::unpacked(io::empty(), u64::MAX).most, usize::MAX);
        let mut bomb = Capped {
            reader: io::repeat(b'a'),
            given: 0,
            most: 100,
            limit: 100,
            asked: true,
        };
        let error = bomb.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let said = "it unpacks to more than 100 bytes: no text is packed so well";
        assert_eq!(error.to_string(), said);
    }
}
