//! What a type of file is to the reader.

use super::super::search::Search;
use super::header::Header;
use super::read::Cursor;
use super::vocab::Vocab;
use crate::error::Error;

/// The n-grams of one type of file: where they lie.
pub(super) trait Ngrams: Sized + Send + Sync + 'static {
    /// The n-grams in the file's bytes.
    type In<'a>: Search;

    /// Reads the vocabulary, which comes before the n-grams.
    fn vocab(header: &Header, cursor: &mut Cursor<'_>) -> Result<Vocab, Error>;

    fn read(header: &Header, cursor: &mut Cursor<'_>) -> Result<Self, Error>;

    fn of<'a>(&'a self, bytes: &'a [u8]) -> Self::In<'a>;
}
