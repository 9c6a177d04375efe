//! Greedy decoding: what the beam search is compared with.

use half::f16;

use crate::sample::{BLANK, Sample};

/// The best label of each frame, repeats and blanks removed (Graves et al.,
/// "Connectionist Temporal Classification", 2006, section 3.1).
pub(crate) fn tokens(sample: &Sample, line: usize) -> Vec<u32> {
    let mut tokens: Vec<u32> = sample.rows(line).map(best).collect();
    tokens.dedup();
    tokens.retain(|&token| token != BLANK);
    tokens
}

/// The most probable label, the first of equals. Numbers that are not negative have the order
/// of their bits.
fn best(row: &[f16]) -> u32 {
    let mut best = 0;
    for (label, probability) in row.iter().enumerate() {
        if probability.to_bits() > row[best].to_bits() {
            best = label;
        }
    }
    best as u32
}
