//! What was added to the autoregressive search: the oracle against enumeration of all
//! sequences, published algorithms, and examples of each decision; the engine (`engine_*`)
//! against the oracle.

mod beam_sampling;
mod complete;
mod coverage;
mod decisions;
mod engine;
mod engine_batch;
mod engine_constraints;
mod engine_draws;
mod engine_ends;
mod engine_extras;
mod engine_leader;
mod engine_refusals;
mod engine_required;
mod engine_rows;
mod engine_rules;
mod engine_sparse;
mod engine_statistics;
mod exhaustive;
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
