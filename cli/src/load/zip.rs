//! The end of a zip archive, looked at before its reader believes it.

use std::io::{self, Read, Seek, SeekFrom};

/// End of central directory, and its least length.
const END: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;
/// What stands before it in an archive with more than fits there: zip64.
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_BYTES: usize = 20;
const RECORD: [u8; 4] = *b"PK\x06\x06";
const RECORD_BYTES: usize = 56;
/// The least that an entry takes in the directory.
const ENTRY_BYTES: u64 = 46;

/// That a zip64 archive has room for the entries that it says it has, and says
/// where it says so. The reader makes room for them, and searches for the
/// record byte by byte. All else it checks itself.
///
/// (APPNOTE.TXT of PKWARE, 4.3.14 to 4.3.16.)
pub(super) fn check_count(file: &mut (impl Read + Seek)) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let most = LOCATOR_BYTES + END_BYTES + usize::from(u16::MAX);
    let start = length.saturating_sub(most as u64);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(most as u64).read_to_end(&mut tail)?;
    let before_end = match tail.len().checked_sub(END_BYTES - END.len()) {
        Some(end) => tail[..end].windows(END.len()).rposition(|at| at == END),
        None => None,
    };
    let locator = before_end
        .and_then(|end| end.checked_sub(LOCATOR_BYTES))
        .filter(|&at| tail[at..].starts_with(&LOCATOR));
    if let Some(at) = locator {
        let limit = start + at as u64;
        let place = number(&tail[at + 8..]);
        if place
            .checked_add(RECORD_BYTES as u64)
            .is_none_or(|end| end > limit)
        {
            return Err(io::Error::other("its zip64 record lies beyond its end"));
        }
        let mut record = [0; RECORD_BYTES];
        file.seek(SeekFrom::Start(place))?;
        file.read_exact(&mut record)?;
        if !record.starts_with(&RECORD) {
            return Err(io::Error::other("its zip64 record is not where it says"));
        }
        let count = number(&record[32..]);
        if count > length / ENTRY_BYTES {
            return Err(io::Error::other(format!(
                "it claims {count} entries, its {length} bytes have no room for them"
            )));
        }
    }
    file.rewind()
}

/// Of its first eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |&bytes| u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// An archive of so many bytes before its zip64 record, which claims `entries`;
    /// its locator says that the record is at `place`, or where it is.
    fn archive(before: usize, entries: u64, place: Option<u64>, comment: &[u8]) -> Vec<u8> {
        let mut bytes = vec![b'.'; before];
        bytes.extend(RECORD);
        bytes.resize(before + 32, 0);
        bytes.extend(entries.to_le_bytes());
        bytes.resize(before + RECORD_BYTES, 0);
        bytes.extend(LOCATOR);
        bytes.extend([0; 4]);
        bytes.extend(place.unwrap_or(before as u64).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(END);
        bytes.resize(bytes.len() + END_BYTES - END.len(), 0);
        bytes.extend(comment);
        bytes
    }

    fn said(bytes: &[u8]) -> Option<String> {
        let mut file = Cursor::new(bytes);
        let checked = check_count(&mut file);
        if checked.is_ok() {
            assert_eq!(file.position(), 0, "it is read from its start");
        }
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn no_end_is_found_behind_a_longer_comment_than_there_can_be() {
        let comment = vec![b' '; usize::from(u16::MAX) + 1];
        assert_eq!(said(&archive(10, u64::MAX, None, &comment)), None);
    }

    #[test]
    fn as_many_entries_as_there_is_room_for() {
        for before in [0, 1, 500, 100_000] {
            let length = archive(before, 0, None, b"").len() as u64;
            let most = length / 46;
            for entries in [0, 1, most - 1, most] {
                assert_eq!(said(&archive(before, entries, None, b"")), None);
            }
            for entries in [most + 1, u64::MAX] {
                let error = said(&archive(before, entries, None, b""));
                let expected = format!(
                    "it claims {entries} entries, its {length} bytes have no room for them"
                );
                assert_eq!(error, Some(expected));
            }
        }
    }

    #[test]
    fn the_record_is_where_the_locator_says() {
        let beyond = Some("its zip64 record lies beyond its end".to_owned());
        let elsewhere = Some("its zip64 record is not where it says".to_owned());
        let at = |place| said(&archive(100, 1, Some(place), b""));
        assert_eq!(at(100), None);
        // It has to end where the locator begins, at the latest.
        for place in [101, 156, 1000, u64::MAX - 55, u64::MAX] {
            assert_eq!(at(place), beyond, "{place}");
        }
        for place in [0, 1, 99] {
            assert_eq!(at(place), elsewhere, "{place}");
        }
    }

    #[test]
    fn an_end_is_found_behind_the_longest_comment() {
        for length in [0, 1, 7, 65535] {
            // A claim that is refused shows that the record was found.
            let comment = vec![b'c'; length];
            assert!(
                said(&archive(40, 1 << 40, None, &comment)).is_some(),
                "{length}"
            );
            assert_eq!(said(&archive(40, 1, None, &comment)), None, "{length}");
        }
        // Of two ends the last one counts, and it has no locator.
        let two = archive(40, 1 << 40, None, &[&END[..], &[0; 18]].concat());
        assert_eq!(said(&two), None);
    }

    #[test]
    fn what_has_no_record_is_for_the_reader_to_judge() {
        let whole = archive(10, 1 << 40, None, b"");
        for length in 0..60 {
            assert_eq!(said(&vec![b'P'; length]), None);
        }
        // An end alone, and one without a locator.
        for length in [END_BYTES - 1, END_BYTES, END_BYTES + LOCATOR_BYTES - 1] {
            assert_eq!(said(&whole[whole.len() - length..]), None, "{length}");
        }
        let tail = &whole[whole.len() - END_BYTES - LOCATOR_BYTES..];
        assert!(said(tail).is_some(), "its record lies outside of it");
        let mut other = whole.clone();
        let locator = whole.len() - END_BYTES - LOCATOR_BYTES;
        other[locator + 3] ^= 1;
        assert_eq!(said(&other), None);
    }
}
