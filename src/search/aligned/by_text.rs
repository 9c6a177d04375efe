//! Hypotheses of one text as one.

use std::collections::HashMap;
use std::ops::Range;

use super::{Aligned, Scores, push};
use crate::error::Error;
use crate::kernels::log_add::log_add_scalar;
use crate::nbest::NBest;
use crate::order::descending;

/// The hypotheses of one text.
struct Text {
    /// The best of them.
    index: usize,
    /// The mass of all.
    log_mass: f64,
    score: f64,
}

/// The same results with one hypothesis for each text: of those with the same text, the best one
/// stays, with the mass of all.
///
/// # Errors
///
/// The first error of `text`, or if memory runs out.
pub(crate) fn merged_by<D: Aligned>(
    nbest: &NBest<D>,
    mut text: impl FnMut(&[u32]) -> Result<String, Error>,
) -> Result<NBest<D>, Error> {
    let mut merged = NBest::new();
    merged.first_item = nbest.first_item;
    for item in 0..nbest.len() {
        match nbest.item(item) {
            Err(error) => merged.fail_item(error)?,
            Ok(_) => {
                for text in texts(nbest, nbest.range(item), &mut text)? {
                    push_text(&mut merged, nbest, &text)?;
                }
                merged.end_item()?;
            }
        }
    }
    Ok(merged)
}

/// The texts of some hypotheses, by falling score.
fn texts<D: Aligned>(
    nbest: &NBest<D>,
    hypotheses: Range<usize>,
    text: &mut impl FnMut(&[u32]) -> Result<String, Error>,
) -> Result<Vec<Text>, Error> {
    let alignments = nbest.details.alignments();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut texts: Vec<Text> = Vec::new();
    for index in hypotheses {
        let tokens = &nbest.tokens[nbest.token_range(index)];
        let log_mass = alignments.log_masses[index];
        let place = *places.entry(text(tokens)?).or_insert(texts.len());
        match texts.get_mut(place) {
            None => texts.push(Text {
                index,
                log_mass,
                score: 0.0,
            }),
            Some(best) => best.log_mass = log_add_scalar(best.log_mass, log_mass),
        }
    }
    for text in &mut texts {
        let sum = text.log_mass + alignments.scorer_scores[text.index];
        text.score = sum / nbest.details.divisor(text.index);
    }
    texts.sort_by(|a, b| descending(a.score, b.score));
    Ok(texts)
}

/// Appends a text of another list to the item being built.
fn push_text<D: Aligned>(
    merged: &mut NBest<D>,
    nbest: &NBest<D>,
    text: &Text,
) -> Result<(), Error> {
    let (alignments, index) = (nbest.details.alignments(), text.index);
    let scores = Scores {
        score: text.score,
        log_mass: text.log_mass,
        alignment: alignments.scores[index],
        scorer: alignments.scorer_scores[index],
    };
    let range = nbest.token_range(index);
    let divisor = nbest.details.divisor(index);
    let [tokens, frames, extents] = push(merged, range.len(), scores, divisor)?;
    tokens.copy_from_slice(&nbest.tokens[range.clone()]);
    frames.copy_from_slice(&alignments.frames[range.clone()]);
    extents.copy_from_slice(&alignments.extents[range]);
    Ok(())
}
