//! Beam search that is exact, SIMD-optimised and multithreaded.

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
#[doc(hidden)]
pub mod reference_autoregressive;

pub use error::Error;
pub use nbest::{Hypotheses, Hypothesis, NBest};
pub use scores::{Element, Layout, ScoreKind, ScoresView};
pub use search::autoregressive::{self, AutoregressiveSearch};
pub use search::independent::{IndependentSearch, beam_search};
pub use simd::Level;
