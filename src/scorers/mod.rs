//! Scorers of prefixes: n-gram language models, favoured phrases, lexicons.
//!
//! A search takes a scorer with its method `with_scorer`
//! ([`CtcSearch::with_scorer`](crate::ctc::CtcSearch::with_scorer),
//! [`TransducerSearch::with_scorer`](crate::transducer::TransducerSearch::with_scorer)).
//!
//! | scorer | what it does | what its units are |
//! |---|---|---|
//! | [`WordNgram`] | adds ln P of each word by an n-gram model of words | words of the text, in whichever tokens |
//! | [`NgramScorer`] | adds ln P of each token by an n-gram model of tokens or characters | labels, or their characters |
//! | [`Lexicon`] | allows only words of a list | words of the text, in whichever tokens |
//! | [`SpellingLexicon`] | allows only words of a list by their spellings, such as pronunciations; adds ln P of each word if it has a model | words, each with its spellings in tokens |
//! | [`Phrases`] | favours names and terms, each by a boost of its own | text in whichever tokens, or sequences of tokens |
//!
//! A [`Vocabulary`] says which text a token spells and where words part, for scorers and for
//! results. An [`NgramModel`] is read from an ARPA file or a binary file of KenLM; one of other
//! units than it is used for is refused ([`NgramFit`]).
//!
//! All of them bound what they add for one token ([`Scorer::max_score`]), so the search loses
//! no token, with two exceptions: a [`WordNgram`] or an [`NgramScorer`] has no bound if its
//! weight is negative, or if a single token can be several of its units (a label of two
//! characters, in a model of characters).
//!
//! This scores the words that letters spell. The emissions alone would say "I sew":
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::ctc::{Blank, CtcSearch};
//! use widebeam::scorers::{NgramModel, Vocabulary, WordNgram};
//!
//! let arpa = "\\data\\\nngram 1=6\nngram 2=2\n\n\\1-grams:\n\
//!     -1 <s> -0.3\n-1 </s>\n-2 <unk>\n-1 I -0.3\n-1 saw\n-1.2 sew\n\n\
//!     \\2-grams:\n-0.3 <s> I\n-0.2 I saw\n\n\\end\\\n";
//! let model = NgramModel::read_arpa(arpa.as_bytes())?;
//! // Token 0 is the blank, token 1 stands between words.
//! let vocabulary = Vocabulary::new(&["", " ", "I", "s", "a", "e", "w"], Some(Blank(0)));
//! let scorer = WordNgram::new(model, &vocabulary)?.with_weight(0.5)?;
//! let mut search = CtcSearch::new(8, Blank(0))?.with_scorer(scorer);
//!
//! let emissions = [
//!     [0.0f32, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
//!     [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
//!     [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
//!     [0.0, 0.0, 0.0, 0.0, 0.4, 0.6, 0.0],
//!     [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
//! ];
//! let scores = ScoresView::probabilities(emissions.as_flattened(), [5, 7])?;
//! let nbest = search.decode(&scores)?;
//! let best = nbest.best(0)?;
//! let words = vocabulary.words(best.tokens)?;
//! assert_eq!((&*words[0].text, &*words[1].text), ("I", "saw"));
//! assert_eq!(best.word_frames(&words[1]), Some(2..=4));
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! Several scorers take part as a pair, more as pairs of pairs:
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
mod ngram_unit;
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
pub use ngram_scorer::NgramScorer;
pub use ngram_unit::NgramUnit;
pub use phrases::{Phrases, PhrasesState};
pub(crate) use scorer::scores;
pub use scorer::{Scorer, Unscored};
pub use spelling_lexicon::{SpellingLexicon, SpellingState};
pub use vocabulary::{Speller, Vocabulary, Word, WordBoundary};
pub use word_ngram::{WordNgram, WordNgramState};
pub use word_score::Lookahead;
