//! Exact, SIMD-optimised and multithreaded beam search. On long rows of probabilities it
//! runs at nearly the speed of reading them from memory.
//!
//! Four searches share one set of kernels.
//!
//! # Independent positions
//!
//! [`beam_search`] finds the k best sequences of each item of a `(batch, time, vocab)`
//! tensor, as the well-known snippet `beam_search(LM_prob, beam_size)` does. A score is the
//! natural logarithm of the sequence's probability. [`IndependentSearch`] is a search that
//! you keep: it allocates nothing after its first batch of a shape.
//!
//! ```
//! use widebeam::{ScoresView, beam_search};
//!
//! // One item, two positions, three tokens.
//! let probabilities = [0.5f32, 0.3, 0.2, 0.1, 0.1, 0.8];
//! let scores = ScoresView::probabilities(&probabilities, [1, 2, 3])?;
//! let nbest = beam_search(&scores, 2)?;
//!
//! let best = nbest.best(0)?;
//! assert_eq!(best.tokens, [0, 2]);
//! assert!((best.score - (0.5f64 * 0.8).ln()).abs() < 1e-7);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # The model in the loop
//!
//! For a model that the caller runs, [`AutoregressiveSearch`] hands out the
//! tokens to feed and the rows they continue, and takes back logits; requests
//! with settings of their own come and go. See the module [`autoregressive`].
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
//!
//! let mut search = AutoregressiveSearch::new(3)?;
//! let id = search.admit(Request::new(2, MaximumLength(4)).with_end_tokens([2]))?;
//! while !search.is_idle() {
//!     let feed = search.feed();
//!     // A real model looks at `feed.tokens()` and `feed.parents()`.
//!     let rows = feed.rows();
//!     let logits = [1.0f32, 0.0, 0.5].repeat(rows);
//!     search.advance(&ScoresView::logits(&logits, [rows, 3])?)?;
//! }
//! let outcome = search.outcome(id)?.expect("it is done");
//! assert_eq!(outcome.best()?.tokens, [0, 0, 0, 0]);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # CTC
//!
//! For speech, OCR and base-calling, [`CtcSearch`] finds the labellings with the
//! most probability over all their alignments, and prunes nothing unless told
//! to.
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::ctc::{Blank, CtcSearch};
//!
//! // Two frames over blank (0) and two tokens.
//! let probabilities = [0.6f32, 0.4, 0.0, 0.6, 0.4, 0.0];
//! let scores = ScoresView::probabilities(&probabilities, [1, 2, 3])?;
//! let nbest = CtcSearch::new(4, Blank(0))?.decode(&scores)?;
//! assert_eq!(nbest.best(0)?.tokens, [1]);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # Transducers
//!
//! For RNN-T and TDT models whose encoder, predictor and joiner the caller runs,
//! [`TransducerSearch`] hands out the predictor's steps and the joiner's rows, takes back
//! logits, and sums the alignments of each prefix; utterances and their frames come and go.
//! See the module [`transducer`].
//!
//! ```
//! use widebeam::Error;
//! use widebeam::transducer::{Blank, TransducerSearch};
//!
//! let mut search = TransducerSearch::new(2, Blank(0), 4)?;
//! let id = search.admit(3)?;
//! search.run(|feed, logits| {
//!     // A real model looks at `feed.predictor_steps()` and `feed.joiner_rows()`.
//!     logits.copy_from_slice(&[2.0f32, -2.0].repeat(feed.rows()));
//!     Ok::<(), Error>(())
//! })?;
//! let outcome = search.outcome(id)?.expect("it is done");
//! assert!(outcome.best()?.tokens.is_empty());
//! # Ok::<(), Error>(())
//! ```
//!
//! # The best of a row
//!
//! [`top_k::top_k`] and [`top_k::log_softmax_top_k`] are the pass over rows by itself, for
//! any numbers: for samplers, retrieval, and searches of your own. See the module [`top_k`].
//!
//! # What is promised
//!
//! - **Exact.** Every step takes the true k best of beam x vocab, in a total
//!   order that leaves no tie open (each search states it). Scores are f64.
//! - **Reproducible.** The same input gives the same bits for every number of
//!   threads, every composition of the batch and every instruction-set
//!   [`Level`].
//! - **Safe.** No scores, layout, lengths or settings cause a panic; an index out of range
//!   does, as for a slice. One [`Error`] says what is wrong with an input. What a whole
//!   call cannot do is its error; an item or a request that is refused has an error of its
//!   own, and does not affect the others. (A processor or constraint of yours that panics
//!   also costs the requests behind its own in the step.)
//! - **Quiet.** It prints nothing, sets nothing global, and runs in the rayon
//!   pool it is called in. With the feature `tracing` it opens the spans `scan`,
//!   `merge` and `backtrack` of the target `widebeam`, at level TRACE, on the
//!   thread that does so.
//!
//! # Where things are
//!
//! | module | what it knows |
//! |---|---|
//! | `scores`, `score_kind` | the borrowed views of a tensor and of sparse rows, checked once; what their numbers are |
//! | `nbest` | results in flat arrays: the tokens and scores of all searches, and the details of each |
//! | `error` | what is refused, and in which words |
//! | `cancellation` | how a search ends early: [`CancellationToken`] |
//! | `blank`, `request_id` | numbers with a type of their own |
//! | `order` | how two numbers are ordered, and a list of every place that decides a tie |
//! | [`independent`], [`autoregressive`], [`ctc`], [`transducer`] | the searches; in the source they are in `search` |
//! | [`scorers`] | what adds to the score of a prefix: language models, word lists |
//! | `search::shortlist` | the best tokens of every row, from one read: the first phase of the independent search, of a CTC search that does not read its rows late, and of each step of a transducer search |
//! | [`top_k`] | the best of rows of numbers, by the same kernels |
//! | `search::merge` | the best continuations of parents that share a row, for the independent search |
//! | `search::prefixes` | trees of the prefixes and alignments of a CTC or transducer beam |
//! | `trellis` | back-pointers of the independent search in flat arrays |
//! | `kernels` | top k, log-sum-exp, log-add, exp, ln: written once, generic over the level; `plan` chooses how a row is searched |
//! | `simd` | the vectors of each level, and the choice of the level |
//! | `batch` | work spread over threads |
//! | `memory` | buffers that report it when memory runs out |
//! | `phase` | names of what a thread does, for profilers |
//! | `reference` | the searches written naively: the oracle of the tests (feature `unstable`) |
//! | `measure` | single phases and the read roofline, for benchmarks (feature `unstable`) |
//!
//! `ARCHITECTURE.md` in the repository says how they work together, and what to touch to
//! add a search, a level or a scorer.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `serde` serialises results, errors as their sentences, and settings that are plain
//!   data (rules, pruning, processors, kinds and levels); settings and owned hypotheses are
//!   read back too. In JSON an infinite score is a string; `serde_json` needs its feature
//!   `float_roundtrip` to read back every bit.
//! - `tracing` opens spans of the crate `tracing` around the phases of a search.
//! - `unstable` shows the modules `reference` and `measure`, for tests and
//!   measurements. It is exempt from semantic versioning: any release may change
//!   or remove what is in them.

// A library says nothing on its own; tests may.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

// What unit tests share with the integration tests calls the library by its name.
#[cfg(test)]
extern crate self as widebeam;

/// Marks a branch that random inputs rarely take, for the unit tests that aim at it.
macro_rules! mark {
    ($name:literal) => {
        #[cfg(test)]
        crate::marks::hit($name);
    };
}

mod batch;
mod blank;
mod byte_limit;
mod cancellation;
mod error;
pub mod guide;
mod kernels;
#[cfg(test)]
mod marks;
mod memory;
mod nbest;
mod order;
mod phase;
#[cfg(test)]
#[path = "../tests/support/random.rs"]
mod random;
mod request_id;
mod score_kind;
pub mod scorers;
mod scores;
mod search;
mod simd;
#[cfg(test)]
#[path = "../tests/support/this_program.rs"]
mod this_program;
pub mod top_k;
mod trellis;

#[cfg(feature = "unstable")]
pub mod measure;
#[cfg(any(test, feature = "unstable"))]
pub mod reference;

/// The types `f16` and `bf16` of scores.
pub use half;

pub use cancellation::CancellationToken;
pub use error::{Error, ErrorKind};
pub use kernels::log_add::log_add;
pub use nbest::{Details, Hypotheses, Items, NBest};
pub use scores::{Element, Layout, ScoreKind, ScoresView, SparseScoresView};
pub use search::autoregressive::{self, AutoregressiveSearch};
pub use search::ctc::{self, CtcSearch};
pub use search::independent::{self, IndependentSearch, beam_search};
pub use search::transducer::{self, TransducerSearch};
pub use simd::Level;

// The README's Rust blocks are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
