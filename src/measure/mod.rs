//! What the benchmarks need besides the public interface. Not part of it.

mod log_add;
mod roofline;
mod synthetic;
mod top_tokens;

pub use log_add::log_add_all;
pub use roofline::read_all;
pub use synthetic::{random_emission, random_score};
pub use top_tokens::TopTokens;
