//! Scorers of prefixes: n-gram language models, favoured phrases, lexicons.
//!
//! A search takes a scorer with its method `with_scorer`
//! ([`CtcSearch::with_scorer`](crate::ctc::CtcSearch::with_scorer)). Several scorers
//! take part as a pair, more as pairs of pairs:
//!
//! ```
//! use widebeam::scorers::{Lexicon, Phrases, Vocabulary};
//! use widebeam::ctc::{Blank, CtcSearch};
//! use widebeam::ScoresView;
//!
//! // Token 0 is the blank.
//! let vocabulary = Vocabulary::new(&["", "c", "a", "o", "t"], Some(Blank(0)));
//! let lexicon = Lexicon::new(&["cat", "cot"], &vocabulary)?;
//! let phrases = Phrases::from_text(&[("cot", 3.0)], &vocabulary, false)?;
//! let scorer = (lexicon, phrases);
//! let mut search = CtcSearch::new(8, Blank(0))?.with_scorer(scorer);
//!
//! let emissions = [
//!     [0.1f32, 0.9, 0.0, 0.0, 0.0],
//!     [0.1, 0.0, 0.5, 0.4, 0.0],
//!     [0.1, 0.0, 0.0, 0.0, 0.9],
//! ];
//! let scores = ScoresView::probabilities(emissions.as_flattened(), [3, 5])?;
//! let nbest = search.decode(&scores)?;
//! assert_eq!(vocabulary.text(nbest.best(0)?.tokens)?, "cot");
//! # Ok::<(), widebeam::Error>(())
//! ```

mod lexicon;
mod ngram;
mod ngram_fit;
mod ngram_scorer;
mod phrase_text;
mod phrases;
mod scorer;
mod spelling_lexicon;
mod trie;
mod vocabulary;
mod word_ngram;
mod word_score;

pub use lexicon::{Lexicon, LexiconState};
pub use ngram::{NgramModel, NgramState};
pub use ngram_fit::NgramFit;
pub use ngram_scorer::{NgramScorer, NgramUnit};
pub use phrases::{Phrases, PhrasesState};
pub(crate) use scorer::scores;
pub use scorer::{Scorer, Unscored};
pub use spelling_lexicon::{SpellingLexicon, SpellingState};
pub use vocabulary::{Speller, Vocabulary, Word, WordBoundary};
pub use word_ngram::{WordNgram, WordNgramState};
pub use word_score::Lookahead;
