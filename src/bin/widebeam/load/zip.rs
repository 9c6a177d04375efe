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
