//! The header: what the file is, and how many n-grams it has.

use std::num::NonZeroU64;

use super::super::MAX_ORDER;
use super::super::file_kind::{self, KENLM};
use super::read::{Cursor, error_at, u32_at, u64_at};
use crate::error::Error;

const VERSION: &[u8] = b"format version ";
const INCOMPLETE: &[u8] = b"incomplete";

/// The magic of version 5 in 56 bytes, then values by which a machine of another kind shows:
/// 0, 1 and -1/2 as f32; 1, the highest u32 and a padding; 1 as u64.
const TEST: [u8; 88] = {
    let mut test = [0; 88];
    let magic = b"mmap lm http://kheafield.com/code format version 5\n";
    let mut at = 0;
    while at < magic.len() {
        test[at] = magic[at];
        at += 1;
    }
    let values = [0, 0x3f80_0000, 0xbf00_0000, 1, u32::MAX, 0, 1, 0u32];
    let mut value = 0;
    while value < values.len() {
        let bytes = values[value].to_le_bytes();
        let mut byte = 0;
        while byte < 4 {
            test[56 + 4 * value + byte] = bytes[byte];
            byte += 1;
        }
        value += 1;
    }
    test
};

/// Where the parameters are: each in 4 bytes, of which some are padding.
const ORDER: usize = TEST.len();
const MULTIPLIER: usize = ORDER + 4;
const KIND: usize = ORDER + 8;
pub(super) const HAS_WORDS: usize = ORDER + 12;
const SEARCH_VERSION: usize = ORDER + 16;
const COUNTS: usize = ORDER + 20;

/// Words have ids of 32 bits.
const MAX_WORDS: u64 = u32::MAX as u64 - 1;
/// KenLM's limit: so many bits can be read from any bit on.
const MAX_NGRAMS: u64 = 1 << 57;

/// The six types of files.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FileType {
    Probing { rests: bool },
    Trie { quantised: bool, array: bool },
}

#[derive(Debug)]
pub(super) struct Header {
    pub(super) kind: FileType,
    /// How much larger hash tables are than what they hold; 1 or more.
    pub(super) multiplier: f32,
    pub(super) has_words: bool,
    /// The numbers of n-grams of each order; there are two or more.
    pub(super) counts: Vec<u64>,
}

impl Header {
    /// The header, and what follows it.
    pub(super) fn read(bytes: &[u8]) -> Result<(Header, Cursor<'_>), Error> {
        if !bytes.starts_with(&TEST) {
            return Err(error_at(0, what_it_is(bytes)));
        }
        let word = |at| {
            u32_at(bytes, at).ok_or_else(|| {
                let length = bytes.len();
                let what = format!("the header goes on here, the file ends at byte {length}");
                error_at(at, what)
            })
        };
        let order = (word(ORDER)? & 0xff) as usize;
        if !(2..=MAX_ORDER).contains(&order) {
            let what = format!("an order of {order} is not from 2 to {MAX_ORDER}");
            return Err(error_at(ORDER, what));
        }
        let multiplier = f32::from_bits(word(MULTIPLIER)?);
        if !(multiplier.is_finite() && multiplier >= 1.0) {
            let what = format!("a probing multiplier of {multiplier} is not 1 or more");
            return Err(error_at(MULTIPLIER, what));
        }
        let (kind, version) = match word(KIND)? {
            0 => (FileType::Probing { rests: false }, 0),
            1 => (FileType::Probing { rests: true }, 0),
            kind @ 2..=5 => {
                let quantised = kind == 3 || kind == 5;
                let array = kind >= 4;
                (FileType::Trie { quantised, array }, 1)
            }
            other => {
                let what = format!("a model of type {other} is none of the six types, 0 to 5");
                return Err(error_at(KIND, what));
            }
        };
        let has_words = match word(HAS_WORDS)? & 0xff {
            flag @ 0..=1 => flag == 1,
            flag => {
                let what = format!("whether there are words is said by 0 or 1, not by {flag}");
                return Err(error_at(HAS_WORDS, what));
            }
        };
        let found = word(SEARCH_VERSION)?;
        if found != version {
            let what = format!("the type is there in version {found}, only {version} is known");
            return Err(error_at(SEARCH_VERSION, what));
        }
        let mut counts = Vec::with_capacity(order);
        for n in 1..=order {
            let at = COUNTS + 8 * (n - 1);
            let limit = if n == 1 { MAX_WORDS } else { MAX_NGRAMS };
            match u64_at(bytes, at) {
                Some(count) if count <= limit => counts.push(count),
                Some(count) => {
                    let what = format!("{count} {n}-grams are above the limit of {limit}");
                    return Err(error_at(at, what));
                }
                None => {
                    let what = format!(
                        "the number of {n}-grams should stand here, the file ends at byte {}",
                        bytes.len()
                    );
                    return Err(error_at(at, what));
                }
            }
        }
        let end = (COUNTS + 8 * order).next_multiple_of(8);
        if bytes.len() < end {
            let what = format!(
                "the vocabulary should stand here, the file ends at byte {}",
                bytes.len()
            );
            return Err(error_at(end, what));
        }
        let header = Header {
            kind,
            multiplier,
            has_words,
            counts,
        };
        Ok((header, Cursor::new(bytes, end)))
    }

    /// The slots of a hash table for so many entries, as KenLM works it out: in f32.
    pub(super) fn slots(&self, entries: u64) -> NonZeroU64 {
        let multiplied = self.multiplier * entries as f32;
        NonZeroU64::MIN.saturating_add(entries.max((multiplied as u64).saturating_sub(1)))
    }
}

/// What a file is that does not begin as it should.
fn what_it_is(bytes: &[u8]) -> String {
    let Some(rest) = bytes.strip_prefix(KENLM) else {
        let cut = !bytes.is_empty() && KENLM.starts_with(bytes);
        return match file_kind::no_binary(bytes) {
            Some(kind) => format!("it is {kind}"),
            None if cut => "it is cut short within its first bytes".to_owned(),
            None => "it is no binary file of KenLM: those begin with \"mmap lm\"".to_owned(),
        };
    };
    if rest.starts_with(INCOMPLETE) {
        return "the program that built it did not finish".to_owned();
    }
    let digits = rest.strip_prefix(VERSION).unwrap_or_default();
    let end = digits
        .iter()
        .take(9)
        .take_while(|digit| digit.is_ascii_digit());
    match str::from_utf8(&digits[..end.count()]) {
        Ok("5") if bytes.len() < TEST.len() => "it is cut short within its first bytes".to_owned(),
        Ok("5") => "the values by which the format knows the machine are others: it was built \
                    on a big-endian machine, or by an old 32-bit KenLM"
            .to_owned(),
        Ok(version) if !version.is_empty() => format!(
            "it is of version {version} of the format, only 5 is known (today's KenLM makes \
             it anew from the ARPA file)"
        ),
        _ => "it is of no version of KenLM's format".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_something_else_are_named() {
        let name = |bytes: &[u8]| Header::read(bytes).unwrap_err().to_string();
        let with = |end: &[u8]| name(&[KENLM, end].concat());
        for (found, part) in [
            (name(b""), "it is an empty file"),
            (name(b"mmap"), "cut short"),
            (name(&TEST[..60]), "cut short"),
            (name(b"\x1f\x8b\x08\0"), "gzip"),
            (name(b"\\data\\\nngram 1=2\n"), "it is an ARPA file"),
            (
                name(b"\xef\xbb\xbf# by hand\r\n\r\n\\data\\\r\n"),
                "it is an ARPA file",
            ),
            (name(b"blmt 3"), "IRSTLM"),
            (name(b"iARPA\n"), "IRSTLM"),
            (name(b"hello"), "no binary file of KenLM"),
            (with(b"incomplete\n"), "did not finish"),
            (with(b"format version 4\n\0"), "of version 4 of"),
            (
                with(b"format version 99999999999\n\0"),
                "of version 999999999 of",
            ),
            (with(b"format version five"), "of no version"),
            (
                with(b"format version 5\n\0 and then what is not the test at all"),
                "big-endian",
            ),
        ] {
            assert!(found.starts_with("KenLM file, byte 0: "), "{found}");
            assert!(found.contains(part), "{found}");
        }
    }

    #[test]
    fn hash_tables_have_a_free_slot() {
        let header = |multiplier| Header {
            kind: FileType::Probing { rests: false },
            multiplier,
            has_words: false,
            counts: vec![],
        };
        for (multiplier, entries, slots) in [
            (1.5, 0, 1),
            (1.5, 1, 2),
            (1.5, 7, 10),
            (1.0, 1 << 30, (1 << 30) + 1),
            // In f32, 2^24 + 1 is 2^24.
            (1.5, (1 << 24) + 1, 3 << 23),
            (f32::MAX, 1 << 57, u64::MAX),
        ] {
            assert_eq!(header(multiplier).slots(entries).get(), slots);
        }
    }
}
