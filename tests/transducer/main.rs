//! Holds the transducer search against its definition: every alignment, one by one, and the
//! forward algorithms; and each decision about ties, thresholds and ends by an example. Then
//! the engine against that: random batches, answers by hand, and what a caller may do wrong.

#[path = "../support/transducer.rs"]
mod driver;
#[path = "../support/random.rs"]
mod random;

mod alignments;
mod arrangements;
mod bad_input;
mod batch;
mod between_steps;
mod by_hand;
mod by_text;
mod cases;
mod decisions;
mod ends;
mod engine;
mod forward;
mod model;
mod open_beams;
mod peers;
mod pseudocode;
mod scored;
mod table;
mod toys;
mod with_scorers;
