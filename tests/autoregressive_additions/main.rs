//! The oracle of what was added to the autoregressive search, against enumeration of all
//! sequences, published algorithms, and examples of each decision.

mod beam_sampling;
mod complete;
mod coverage;
mod decisions;
mod finishing;
mod model;
mod penalties;
mod predicates;
mod presets;
mod required;
mod row_draws;
mod sparse;
mod statistics;
mod stochastic;
mod stops;
mod weights;
mod widths;
