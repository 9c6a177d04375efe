//! Files of words: phrases to favour and lexicons.

mod left_out;
mod lexicon;
mod lines;
mod phrases;
mod quoted;

pub use self::left_out::Kept;
pub use self::lexicon::Lexicon;
pub use self::phrases::read_phrases;
