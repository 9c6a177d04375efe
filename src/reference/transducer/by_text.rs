//! Hypotheses of one text as one.

use super::{Hypothesis, Settings};
use crate::reference::log_add;

/// The hypotheses with those of one text as one: the first of them, with the mass of all.
/// Sorted by score anew; those of equal scores stay as they stood.
pub fn merged_by_text(
    settings: &Settings,
    hypotheses: &[Hypothesis],
    text: impl Fn(&[u32]) -> String,
) -> Vec<Hypothesis> {
    let mut merged: Vec<(String, Hypothesis)> = Vec::new();
    for hypothesis in hypotheses {
        let text = text(&hypothesis.tokens);
        match merged.iter_mut().find(|(other, _)| *other == text) {
            Some((_, first)) => first.log_mass = log_add(first.log_mass, hypothesis.log_mass),
            None => merged.push((text, hypothesis.clone())),
        }
    }
    let mut merged: Vec<Hypothesis> = merged.into_iter().map(|(_, first)| first).collect();
    for hypothesis in &mut merged {
        let length = (hypothesis.tokens.len() + 1) as f64;
        hypothesis.score = hypothesis.log_mass + hypothesis.scorer_score;
        if settings.divide_by_length {
            hypothesis.score /= length;
        }
    }
    merged.sort_by(|a, b| b.score.partial_cmp(&a.score).expect("no NaN"));
    merged
}
