//! Single phases of a search at a chosen level, and the read roofline: what benchmarks
//! need of the kernels. Unstable: see the feature `unstable`.

mod log_add;
mod roofline;
mod top_tokens;

pub use log_add::log_add_all;
pub use roofline::read_all;
pub use top_tokens::TopTokens;
