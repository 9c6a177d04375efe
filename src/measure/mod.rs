//! What the benchmarks need besides the public interface. Not part of it.

mod roofline;
mod synthetic;
mod top_tokens;

pub use roofline::read_all;
pub use synthetic::{random_emission, random_score};
pub use top_tokens::TopTokens;
