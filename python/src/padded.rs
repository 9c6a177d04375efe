//! The hypotheses of a batch in arrays of one shape.

use widebeam::NBest;

/// Tokens `[items, beams, steps]`, padded with -1, and scores `[items, beams]`, padded with
/// -inf.
pub(crate) struct Padded {
    pub(crate) beams: usize,
    pub(crate) tokens: Vec<i64>,
    pub(crate) scores: Vec<f64>,
}

impl Padded {
    /// With as many beams as the item with the most has.
    pub(crate) fn of(found: &[NBest], steps: usize) -> Self {
        let items = || found.iter().flat_map(|nbest| nbest.iter().flatten());
        let beams = items()
            .map(|hypotheses| hypotheses.len())
            .max()
            .unwrap_or(0);
        let count = items().count() * beams;
        let mut padded = Padded {
            beams,
            tokens: Vec::with_capacity(count * steps),
            scores: Vec::with_capacity(count),
        };
        for hypotheses in items() {
            for hypothesis in hypotheses {
                let tokens = hypothesis.tokens.iter().map(|&token| i64::from(token));
                padded.tokens.extend(tokens);
                padded.scores.push(hypothesis.score);
                padded.tokens.resize(padded.scores.len() * steps, -1);
            }
            let filled = padded.scores.len().next_multiple_of(beams.max(1));
            padded.scores.resize(filled, f64::NEG_INFINITY);
            padded.tokens.resize(filled * steps, -1);
        }
        padded
    }
}
