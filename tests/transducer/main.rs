//! Holds the transducer search against its definition: every alignment, one by one, and the
//! forward algorithms; and each decision about ties, thresholds and ends by an example.

#[path = "../support/random.rs"]
mod random;

mod alignments;
mod cases;
mod decisions;
mod ends;
mod engine;
mod forward;
mod model;
mod open_beams;
mod pseudocode;
mod scored;
mod table;
