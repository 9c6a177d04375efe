//! The lines of a text.

use std::io::{BufRead, Read};

use crate::error::{Error, Kind};

/// What ends a line that has no end, before memory does: a file may be packed a
/// thousand times smaller than it is. Ten words and two numbers need far less. In
/// bytes, with what ends the line.
const MAX_LINE: u64 = 1 << 20;

/// Lines that are not blank, without what ends them.
pub(super) struct Lines<R> {
    source: R,
    line: String,
    /// Of the line, from 1; at the end that of the last.
    number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Lines {
            source,
            line: String::new(),
            number: 0,
        }
    }

    /// The line; after the last there is an empty one.
    pub(super) fn line(&self) -> &str {
        &self.line
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Reads the next line; after the last it says `false`.
    pub(super) fn advance(&mut self) -> Result<bool, Error> {
        loop {
            let mut line = std::mem::take(&mut self.line).into_bytes();
            line.clear();
            let mut source = self.source.by_ref().take(MAX_LINE + 1);
            let read = source.read_until(b'\n', &mut line);
            let first = self.number == 0;
            // A line that cannot be read is one. So is nothing at all, as the first.
            if first || !matches!(read, Ok(0)) {
                self.number += 1;
            }
            let read = read.map_err(|error| {
                let (line, reason) = (self.number, error.to_string());
                Error::from(Kind::Unreadable { line, reason })
            })?;
            // First, as a line that is cut may be cut within a character.
            if read as u64 > MAX_LINE {
                return Err(self.error(format!("it is longer than {MAX_LINE} bytes")));
            }
            if first {
                // A byte order mark, and what no text begins with.
                if line.starts_with(b"\xef\xbb\xbf") {
                    line.drain(..3);
                } else if str::from_utf8(&line).is_err()
                    && let Some(kind) = super::file_kind::no_arpa(&line)
                {
                    return Err(self.error(format!("it is {kind}")));
                }
            }
            self.line = String::from_utf8(line).map_err(|error| self.error(error.to_string()))?;
            let kept = self.line.trim_end_matches(['\n', '\r', ' ', '\t']).len();
            self.line.truncate(kept);
            if read == 0 || kept > 0 {
                return Ok(read > 0);
            }
        }
    }

    /// That the line is what should stand there.
    pub(super) fn expect(&self, wanted: &str) -> Result<(), Error> {
        let found = match self.line.as_str() {
            line if line == wanted => return Ok(()),
            "" => "the end of the file".to_owned(),
            line => format!("{line:?}"),
        };
        Err(self.error(format!("\"{wanted}\" should stand here, not {found}")))
    }

    pub(super) fn error(&self, what: String) -> Error {
        let line = self.number;
        Kind::Arpa { line, what }.into()
    }
}
