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
    /// With as many beams as the item with the most has. None if the system does not grant the
    /// memory.
    pub(crate) fn of(found: &[NBest], steps: usize) -> Option<Self> {
        let items = || found.iter().flat_map(|nbest| nbest.iter().flatten());
        let beams = items()
            .map(|hypotheses| hypotheses.len())
            .max()
            .unwrap_or(0);
        let count = items().count().checked_mul(beams)?;
        let mut padded = Padded {
            beams,
            tokens: Vec::new(),
            scores: Vec::new(),
        };
        let tokens = count.checked_mul(steps)?;
        padded.tokens.try_reserve_exact(tokens).ok()?;
        padded.scores.try_reserve_exact(count).ok()?;
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
        Some(padded)
    }
}
