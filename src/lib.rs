//! Beam search that is exact, SIMD-optimised and multithreaded, and reads
//! scores as fast as memory gives them.
//!
//! # Three lines
//!
//! The k best sequences of a `(batch, time, vocab)` tensor of probabilities,
//! the job of the well-known snippet `beam_search(LM_prob, beam_size)`:
//!
//! ```
//! use widebeam::{ScoresView, beam_search};
//!
//! // One item, two positions, three tokens.
//! let probabilities = [0.5f32, 0.3, 0.2, 0.1, 0.1, 0.8];
//! let scores = ScoresView::probabilities(&probabilities, [1, 2, 3])?;
//! let nbest = beam_search(&scores, 2)?;
//!
//! let best = nbest.best(0).unwrap();
//! assert_eq!(best.tokens, [0, 2]);
//! assert!((best.score - (0.5f64 * 0.8).ln()).abs() < 1e-7);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # Batch after batch
//!
//! A search is a value that keeps its buffers, and so is a result: decoding a
//! second batch of the same shape allocates nothing.
//!
//! ```
//! use widebeam::{IndependentSearch, NBest, ScoresView};
//!
//! let mut search = IndependentSearch::new(4)?;
//! let mut nbest = NBest::new();
//! for batch in [[0.0f32, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0]] {
//!     let logits = ScoresView::logits(&batch, [2, 1, 2])?;
//!     search.decode_into(&logits, &mut nbest)?;
//!     for hypotheses in nbest.iter() {
//!         assert_eq!(hypotheses.len(), 2);
//!     }
//! }
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # Any layout, half precision, lengths
//!
//! Scores are borrowed where they lie: f32, f16 or bf16, with any strides of
//! batch and time, and only the first `lengths[item]` steps of an item are
//! read.
//!
//! ```
//! use half::f16;
//! use widebeam::{Layout, ScoresView, beam_search};
//!
//! // [time, batch, vocab] = [2, 3, 2], seen as [batch, time, vocab].
//! let data = [-1.0, -2.0, -3.0, -0.5, -0.1, -9.0, -2.0, -1.0, -4.0, -5.0, -6.0, -7.0];
//! let data = data.map(f16::from_f32);
//! let scores = ScoresView::log_probabilities(&data, Layout::strided([3, 2, 2], [2, 6]))?
//!     .with_lengths(&[2, 1, 0])?;
//! let nbest = beam_search(&scores, 1)?;
//! assert_eq!(nbest.best(0).unwrap().tokens, [0, 1]);
//! assert_eq!(nbest.best(1).unwrap().tokens, [1]);
//! assert!(nbest.best(2).unwrap().tokens.is_empty());
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # What is promised
//!
//! - **Exact.** Every step takes the true k best of beam x vocab, in a total
//!   order that leaves no tie open (see [`IndependentSearch`]). Scores are f64.
//! - **Reproducible.** The same input gives the same bits for every number of
//!   threads, every composition of the batch and every instruction-set
//!   [`Level`].
//! - **Safe.** No input makes it panic. What is wrong with one is said in one
//!   [`Error`], and an item that is refused harms no other.
//! - **Quiet.** It prints nothing, sets nothing global, and runs in the rayon
//!   pool it is called in.
//!
//! # Where things are
//!
//! | module | what it knows |
//! |---|---|
//! | `scores` | the borrowed view of a tensor, checked once |
//! | `nbest` | results in flat arrays |
//! | `order` | what a tie is |
//! | `search` | the searches, and phase one that they share: the best tokens of each row |
//! | `trellis` | back-pointers in flat arrays |
//! | `kernels` | top k, log-sum-exp, exp, ln: written once, generic over the level |
//! | `simd` | the vectors of each level, and the choice of the level |
//! | `batch` | work spread over threads |
//! | `reference` | the searches written naively: the oracle of the tests |

mod batch;
mod error;
mod kernels;
mod memory;
mod nbest;
mod order;
mod scores;
mod search;
mod simd;
mod trellis;

#[doc(hidden)]
pub mod measure;
#[doc(hidden)]
pub mod reference;

pub use error::Error;
pub use nbest::{Hypotheses, Hypothesis, NBest};
pub use scores::{Element, Layout, ScoreKind, ScoresView};
pub use search::autoregressive::{self, AutoregressiveSearch};
pub use search::ctc::{
    CtcHypothesis, CtcNBest, CtcPruning, CtcSearch, CtcStream, Hotwords, Labels, Lexicon,
    NgramModel, NgramScorer, NgramState, NgramUnit, Scorer, Unscored,
};
pub use search::independent::{IndependentSearch, beam_search};
pub use simd::Level;

// The README's Rust blocks are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
