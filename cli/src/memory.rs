//! Memory that is asked for, against memory that is there.
//!
//! Linux grants more memory than there is, and ends the process that uses it.
//! So whatever grows with a number in somebody's file is compared with what is
//! there before it is asked for.

use std::fmt;
use std::io::{self, Read};

use widebeam_perf::console::failure::Failure;

/// Not worth asking the system about, in bytes.
const SMALL: usize = 16 << 20;

/// Bytes of memory that can be used without swapping, where the system says so
/// (Linux, proc(5): MemAvailable). A limit of a container is not seen.
fn available() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// # Errors
///
/// If `what` needs more bytes than there are.
pub(crate) fn require(bytes: usize, what: impl fmt::Display) -> Result<(), Failure> {
    if bytes > SMALL
        && let Some(available) = available()
        && bytes > available
    {
        return Err(Failure::Machine(format!(
            "{what} would take {bytes} bytes of memory, {available} are available"
        )));
    }
    Ok(())
}

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
    limit: usize,
}

impl<R: Read> Capped<R> {
    pub(crate) fn new(reader: R) -> Self {
        Capped {
            reader,
            given: 0,
            limit: available().unwrap_or(usize::MAX),
        }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.given = self.given.saturating_add(read);
        if self.given > self.limit {
            let message = format!(
                "it holds more than the {} bytes of memory available",
                self.limit
            );
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, message));
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
            limit: 1 << 20,
        };
        let mut bytes = Vec::new();
        let error = endless.read_to_end(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(bytes.len() <= 1 << 20);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_system_says_what_is_there() {
        assert!(available().is_some_and(|bytes| bytes > SMALL));
        assert!(require(usize::MAX, "all of it").is_err());
        assert!(require(0, "nothing").is_ok());
    }

    #[test]
    fn a_reader_gives_as_much_as_the_limit_and_not_a_byte_more() {
        for (length, fits) in [(0, true), (99, true), (100, true), (101, false)] {
            let mut reader = Capped {
                reader: io::repeat(7).take(length),
                given: 0,
                limit: 100,
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

    #[cfg(target_os = "linux")]
    #[test]
    fn no_more_is_granted_than_is_there() {
        let there = available().unwrap();
        // What is there changes from one look to the next.
        assert!(require(there / 4, "a part").is_ok());
        assert!(require(SMALL, "little").is_ok());
        let bytes = there.saturating_mul(4);
        let Err(Failure::Machine(message)) = require(bytes, "much") else {
            panic!("{bytes} bytes of {there} were granted")
        };
        let start = format!("much would take {bytes} bytes of memory, ");
        assert!(message.starts_with(&start), "{message}");
        let Capped { limit, given, .. } = Capped::new(io::empty());
        assert!(limit > there / 4 && limit < bytes && given == 0);
    }
}
