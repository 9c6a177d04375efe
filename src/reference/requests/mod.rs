//! Toy models, and requests that are built for the engine and for its oracle.

mod changes;
mod engine;
mod extended;
mod extended_draws;
mod extended_engine;
mod grammar;
mod model;
mod penalty;
mod processor;
mod required;
mod spec;
mod step_rows;
mod timestamps;

pub use engine::{alone, alone_in_steps, found, hypotheses, score};
pub use extended::{Brackets, EndsWhen, Extended};
pub use model::Model;
pub use penalty::{Penalised, Penalty};
pub use processor::Processor;
pub use spec::{Permitted, Spec};
pub use step_rows::StepRows;
pub use timestamps::Timestamps;
