//! Scorers of prefixes: n-gram language models, favoured words, lexicons.
//!
//! A search takes a scorer with its method `with_scorer`
//! ([`CtcSearch::with_scorer`](crate::ctc::CtcSearch::with_scorer)). Several scorers
//! take part as a pair, more as pairs of pairs:
//!
//! ```
//! use widebeam::scorers::{Hotwords, Lexicon, Vocabulary};
//! use widebeam::ctc::{Blank, CtcSearch};
//! use widebeam::ScoresView;
//!
//! // Token 0 is the blank.
//! let vocabulary = Vocabulary::new(&["", "c", "a", "o", "t"], Some(Blank(0)));
//! let words = [vocabulary.spell("cat")?, vocabulary.spell("cot")?];
//! let scorer = (Lexicon::new(&words, None)?, Hotwords::new(&words[1..], 1.0)?);
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

mod hotwords;
mod lexicon;
mod ngram;
mod ngram_fit;
mod ngram_scorer;
mod scorer;
mod spelling_lexicon;
mod trie;
mod vocabulary;
mod word_ngram;
mod word_score;

pub use hotwords::{Hotwords, HotwordsState};
pub use lexicon::{Lexicon, LexiconState};
pub use ngram::{NgramModel, NgramState};
pub use ngram_fit::NgramFit;
pub use ngram_scorer::{NgramScorer, NgramUnit};
pub(crate) use scorer::scores;
pub use scorer::{Scorer, Unscored};
pub use spelling_lexicon::{SpellingLexicon, SpellingState};
pub use vocabulary::{Vocabulary, Word, WordBoundary};
pub use word_ngram::{WordNgram, WordNgramState};
pub use word_score::Lookahead;
