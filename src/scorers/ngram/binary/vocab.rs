//! The ids of words by their hashes. Id 0 is the unknown word, which is in no table.

use std::ops::Range;

use super::header::Header;
use super::read::{Cursor, error_at, part, u32_at, u64_at};
use super::table::Table;
use crate::error::Error;

#[derive(Clone, Debug)]
pub(super) struct Vocab {
    ids: Ids,
    words: u32,
}

#[derive(Clone, Debug)]
enum Ids {
    /// A table of hashes with ids.
    Hashed(Table<12>),
    /// The hashes in order; an id is the place, from 1.
    Sorted(Range<usize>),
}

impl Vocab {
    /// That of a probing file: its version, the number of words, the table.
    pub(super) fn hashed(header: &Header, cursor: &mut Cursor<'_>) -> Result<Vocab, Error> {
        let head = cursor.take(1, 8, "the number of words")?;
        let field = |at| u32_at(cursor.part(&head), at).unwrap_or_default();
        let (version, words) = (field(0), field(4));
        if version != 0 {
            let what = format!("the vocabulary is of version {version}, only 0 is known");
            return Err(error_at(head.start, what));
        }
        // The header does not count the unknown word if the ARPA file had none.
        let limit = header.counts[0] + 1;
        check_words(words, limit, head.start + 4)?;
        let table = Table::take(header, header.counts[0], cursor, "the vocabulary")?;
        Ok(Vocab {
            ids: Ids::Hashed(table),
            words,
        })
    }

    /// That of a trie: the number of hashes, then room for as many as there are words.
    pub(super) fn sorted(header: &Header, cursor: &mut Cursor<'_>) -> Result<Vocab, Error> {
        let head = cursor.take(1, 8, "the number of words")?;
        let hashes = u64_at(cursor.part(&head), 0).unwrap_or_default();
        let room = cursor.take(header.counts[0], 8, "the vocabulary")?;
        let limit = header.counts[0];
        let words = u32::try_from(hashes)
            .ok()
            .and_then(|hashes| hashes.checked_add(1));
        let words = words.unwrap_or(u32::MAX);
        check_words(words, limit, head.start)?;
        Ok(Vocab {
            ids: Ids::Sorted(room.start..room.start + 8 * (words as usize - 1)),
            words,
        })
    }

    /// The number of words, the unknown one included.
    pub(super) fn words(&self) -> u32 {
        self.words
    }

    pub(super) fn find(&self, bytes: &[u8], hash: u64) -> Option<u32> {
        let id = match &self.ids {
            Ids::Hashed(table) => u32_at(table.find(bytes, hash)?, 8)?,
            Ids::Sorted(range) => {
                let (hashes, _) = part(bytes, range).as_chunks::<8>();
                let found = hashes.binary_search_by_key(&hash, |&hash| u64::from_le_bytes(hash));
                u32::try_from(found.ok()?).ok()?.checked_add(1)?
            }
        };
        (id < self.words).then_some(id)
    }
}

fn check_words(words: u32, limit: u64, offset: usize) -> Result<(), Error> {
    if words > 0 && u64::from(words) <= limit {
        return Ok(());
    }
    let what = format!("{words} words are not from 1 to {limit}, as the header's counts say");
    Err(error_at(offset, what))
}

/// Where the words begin; the first is the unknown one.
pub(super) fn first_word(cursor: &mut Cursor<'_>) -> Result<usize, Error> {
    let unknown = b"<unk>\0";
    let first = cursor.take(1, unknown.len() as u64, "the word <unk>")?;
    if cursor.part(&first) != unknown {
        let what = "the words should begin here, with <unk>".to_owned();
        return Err(error_at(first.start, what));
    }
    Ok(first.start)
}
