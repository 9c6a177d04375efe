//! Compares the scorers of words, lexicons and phrases with their definition: over every
//! short prefix, inside the CTC search, and by enumeration. The bits are the same.

// Only the case itself is used here: `found` has its own view of hypotheses.
#[allow(dead_code)]
#[path = "../support/ctc_case.rs"]
mod ctc_case;
#[path = "../support/prunings.rs"]
mod prunings;
#[path = "../support/random.rs"]
mod random;

mod by_text;
mod emissions;
mod enumeration;
mod found;
mod lexicons;
mod models;
mod phrases;
mod prefixes;
mod right_values;
mod searches;
mod spellings;
mod units;
mod word_ngrams;
