//! The ARPA format of n-gram models, line by line.

use std::io::{BufRead, Read};

use crate::error::{Error, Kind};

/// What ends a line that has no end, before memory does: a file may be packed a
/// thousand times smaller than it is. Ten words and two numbers need far less. In
/// bytes, with what ends the line.
const MAX_LINE: u64 = 1 << 20;

/// What the lines of an ARPA file say, in order.
pub(super) struct Entry<'a> {
    pub(super) words: &'a [&'a str],
    /// Base-10 logarithms.
    pub(super) probability: f32,
    pub(super) backoff: f32,
}

/// Reads a model: `order` is told the order, once, then `entry` every n-gram.
///
/// # Errors
///
/// If the source fails, a line is not what the format asks for, a section has
/// not as many n-grams as the header says, or the end is missing.
pub(super) fn read(
    source: impl BufRead,
    mut order: impl FnMut(usize) -> Result<(), String>,
    mut entry: impl FnMut(Entry<'_>) -> Result<(), String>,
) -> Result<(), Error> {
    let mut lines = Lines {
        source,
        line: String::new(),
        number: 0,
    };
    let counts = header(&mut lines)?;
    order(counts.len()).map_err(|what| lines.error(what))?;
    for (below, &count) in counts.iter().enumerate() {
        let n = below + 1;
        lines.expect(&format!("\\{n}-grams:"))?;
        let mut found = 0;
        while lines.advance()? && !lines.line.starts_with('\\') {
            found += 1;
            parse(&lines.line, n, n == counts.len())
                .and_then(|(probability, words, backoff)| {
                    entry(Entry {
                        words: &words,
                        probability,
                        backoff,
                    })
                })
                .map_err(|what| lines.error(what))?;
        }
        if found != count {
            let what = format!("the header promises {count} {n}-grams, {found} are there");
            return Err(lines.error(what));
        }
    }
    lines.expect("\\end\\")
}

/// Reads up to the title of the first section: the number of n-grams of each
/// order.
fn header<R: BufRead>(lines: &mut Lines<R>) -> Result<Vec<usize>, Error> {
    while lines.advance()? && lines.line != "\\data\\" {}
    let mut counts = Vec::new();
    while lines.advance()? && !lines.line.starts_with('\\') {
        let next = counts.len() + 1;
        let count = lines.line.strip_prefix("ngram ").and_then(|rest| {
            let (n, count) = rest.split_once('=')?;
            (n.trim().parse() == Ok(next)).then_some(())?;
            count.trim().parse().ok()
        });
        match count {
            Some(count) => counts.push(count),
            None => {
                let what = format!("\"ngram {next}=\" and a number should stand here");
                return Err(lines.error(what));
            }
        }
    }
    if counts.is_empty() {
        return Err(lines.error("no \"\\data\\\" with the numbers of n-grams".to_owned()));
    }
    Ok(counts)
}

/// The fields of a line: the log-probability, n words, and but for the highest
/// order perhaps a back-off. Only spaces and tabs separate, because other white
/// space may be a word of a character model.
fn parse(line: &str, n: usize, highest: bool) -> Result<(f32, Vec<&str>, f32), String> {
    let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
    let probability = number(fields.next().unwrap_or_default())?;
    if probability > 0.0 {
        return Err(format!("the log-probability {probability} is above 0"));
    }
    let words: Vec<&str> = fields.by_ref().take(n).collect();
    if words.len() < n {
        return Err(format!("{n} words should stand here, not {}", words.len()));
    }
    let backoff = match fields.next() {
        Some(_) if highest => return Err("the highest order has no back-off".to_owned()),
        Some(field) => number(field)?,
        None => 0.0,
    };
    if fields.next().is_some() {
        return Err(format!("{line:?} is longer than a {n}-gram"));
    }
    Ok((probability, words, backoff))
}

fn number(field: &str) -> Result<f32, String> {
    let number = field
        .parse::<f32>()
        .ok()
        .filter(|number| number.is_finite());
    number.ok_or_else(|| format!("{field:?} is not a number"))
}

/// Lines that are not blank, without what ends them.
struct Lines<R> {
    source: R,
    line: String,
    /// Of the line, from 1; at the end that of the last.
    number: usize,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line; after the last there is an empty one, and `false`.
    fn advance(&mut self) -> Result<bool, Error> {
        loop {
            let mut line = std::mem::take(&mut self.line).into_bytes();
            line.clear();
            let mut source = self.source.by_ref().take(MAX_LINE + 1);
            let read = source.read_until(b'\n', &mut line);
            // A line that cannot be read is one. So is nothing at all, as the first.
            if self.number == 0 || !matches!(read, Ok(0)) {
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
            self.line = String::from_utf8(line).map_err(|error| self.error(error.to_string()))?;
            let kept = self.line.trim_end_matches(['\n', '\r', ' ', '\t']).len();
            self.line.truncate(kept);
            if read == 0 || kept > 0 {
                return Ok(read > 0);
            }
        }
    }

    /// That the line is what should stand there.
    fn expect(&self, wanted: &str) -> Result<(), Error> {
        let found = match self.line.as_str() {
            line if line == wanted => return Ok(()),
            "" => "the end of the file".to_owned(),
            line => format!("{line:?}"),
        };
        Err(self.error(format!("\"{wanted}\" should stand here, not {found}")))
    }

    fn error(&self, what: String) -> Error {
        Kind::Arpa {
            line: self.number,
            what,
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of `length` bytes before the one that ends it.
    fn read_line(length: usize, character: &str) -> Result<usize, String> {
        let mut text = "\\data\\\nngram 1=1\n\\1-grams:\n-1 ".to_owned();
        let start = text.len() - "-1 ".len();
        while text.len() - start < length {
            let fits = text.len() + character.len() - start <= length;
            text.push_str(if fits { character } else { "x" });
        }
        text.push_str("\n\\end\\\n");
        let mut word = 0;
        let entry = |entry: Entry<'_>| {
            word = entry.words[0].len();
            Ok(())
        };
        read(text.as_bytes(), |_| Ok(()), entry).map_err(|error| error.to_string())?;
        Ok(word)
    }

    #[test]
    fn lines_of_the_most_bytes_and_of_one_more() {
        let most = MAX_LINE as usize - 1;
        // Whole characters, and those that the limit falls into.
        for character in ["x", "\u{e4}", "\u{2581}", "\u{1f600}"] {
            assert_eq!(read_line(most, character), Ok(most - 3), "{character}");
            for more in 1..5 {
                let error = read_line(most + more, character).unwrap_err();
                assert!(
                    error.ends_with("line 4: it is longer than 1048576 bytes"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn a_line_that_is_no_utf_8() {
        let text = b"\\data\\\nngram 1=1\n\\1-grams:\n-1 \xe4\n\\end\\\n";
        let error = read(&text[..], |_| Ok(()), |_| Ok(())).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("line 4: invalid utf-8"), "{error}");
    }
}
