//! How sure a search is of what it found.
//!
//! The **share** of a hypothesis is e^score over the sum of e^score of all that the beam
//! holds for the item, whatever is written of them. A **token** is as sure as the shares of
//! the hypotheses that have it in the same place: at the same position or, where there are
//! frames, in the frame of its run in which most agree. So is a **word**. This is the
//! posterior of Wessel et al. 2001 ("Confidence measures for large vocabulary continuous speech
//! recognition", the maximum over frames), of an n-best list; the wider the beam, the nearer it is
//! to that of the model.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::RangeInclusive;

use crate::answer::{Confidence, Hypothesis};

/// Says of all hypotheses of an item, best first, how sure they are.
pub(crate) fn add(hypotheses: &mut [Hypothesis]) {
    let shares = shares(hypotheses);
    let (mut tokens, mut words) = (Agreement::default(), Agreement::default());
    for (hypothesis, &share) in hypotheses.iter().zip(&shares) {
        for (token, frames) in places(hypothesis) {
            tokens.add(token, frames, share);
        }
        for (word, frames) in words_of(hypothesis) {
            words.add(word.to_owned(), frames, share);
        }
    }
    for (hypothesis, share) in hypotheses.iter_mut().zip(shares) {
        let tokens = places(hypothesis).map(|(token, frames)| tokens.of(&token, frames));
        let words = words_of(hypothesis).map(|(word, frames)| words.of(word, frames));
        hypothesis.confidence = Some(Confidence {
            share,
            tokens: tokens.collect(),
            words: words.collect(),
        });
    }
}

fn shares(hypotheses: &[Hypothesis]) -> Vec<f64> {
    let best = hypotheses.first().map_or(0.0, |best| best.score);
    let weights = hypotheses.iter().map(|found| (found.score - best).exp());
    let weights: Vec<f64> = weights.collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// The tokens of a hypothesis, and the frames or the position of each.
fn places(hypothesis: &Hypothesis) -> impl Iterator<Item = (u32, RangeInclusive<u32>)> {
    let alignment = hypothesis.alignment.as_ref();
    let tokens = hypothesis.tokens.iter().enumerate();
    tokens.map(move |(place, &token)| {
        let frames = match alignment {
            Some(alignment) => alignment.frames[place]..=alignment.last_frames[place],
            None => place as u32..=place as u32,
        };
        (token, frames)
    })
}

fn words_of(hypothesis: &Hypothesis) -> impl Iterator<Item = (&str, RangeInclusive<u32>)> {
    let transcript = hypothesis.transcript.as_ref();
    let words = transcript.and_then(|read| read.words.as_deref());
    let words = words.unwrap_or_default().iter();
    words.map(|word| (&*word.word, word.start..=word.end))
}

/// The shares of those that have something in a frame. No hypothesis has a thing twice in one.
#[derive(Debug)]
struct Agreement<T>(HashMap<T, HashMap<u32, f64>>);

impl<T> Default for Agreement<T> {
    fn default() -> Self {
        Agreement(HashMap::new())
    }
}

impl<T: Eq + Hash> Agreement<T> {
    fn add(&mut self, what: T, frames: RangeInclusive<u32>, share: f64) {
        let by_frame = self.0.entry(what).or_default();
        for frame in frames {
            *by_frame.entry(frame).or_default() += share;
        }
    }

    /// Of the frames that in which most agree. Rounding must not make it more than 1.
    fn of<Q: ?Sized + Eq + Hash>(&self, what: &Q, mut frames: RangeInclusive<u32>) -> f64
    where
        T: std::borrow::Borrow<Q>,
    {
        let Some(by_frame) = self.0.get(what) else {
            return 0.0;
        };
        let most = frames.try_fold(0.0f64, |most, frame| Some(most.max(*by_frame.get(&frame)?)));
        most.unwrap_or(0.0).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Alignment;
    use crate::transcript::{Transcript, WordFrames};

    fn hypothesis(probability: f64, tokens: &[u32], frames: &[(u32, u32)]) -> Hypothesis {
        let alignment = Alignment {
            score: 0.0,
            frames: frames.iter().map(|frames| frames.0).collect(),
            last_frames: frames.iter().map(|frames| frames.1).collect(),
            log_mass: 0.0,
            scorer_score: 0.0,
        };
        Hypothesis {
            score: probability.ln(),
            tokens: tokens.to_vec(),
            transcript: None,
            alignment: (!frames.is_empty()).then_some(alignment),
            confidence: None,
        }
    }

    fn near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn a_share_is_of_all_that_the_beam_holds() {
        let mut found =
            [(0.2, 1), (0.1, 2), (0.1, 3)].map(|(p, token)| hypothesis(p, &[token], &[]));
        add(&mut found);
        let shares = found.iter().map(|found| found.confidence.as_ref().unwrap());
        let shares: Vec<f64> = shares.map(|confidence| confidence.share).collect();
        near(&shares, &[0.5, 0.25, 0.25]);
        add(&mut []);
        // Far below what e^x can hold.
        let mut found = [hypothesis(1.0, &[], &[]), hypothesis(1.0, &[], &[])];
        found.iter_mut().for_each(|found| found.score = -1e4);
        add(&mut found);
        near(&[found[1].confidence.as_ref().unwrap().share], &[0.5]);
    }

    #[test]
    fn tokens_agree_by_position_or_by_frame() {
        let mut found = [
            hypothesis(0.5, &[7, 8], &[]),
            hypothesis(0.3, &[7, 9], &[]),
            hypothesis(0.2, &[8, 7], &[]),
        ];
        add(&mut found);
        let tokens = |found: &Hypothesis| found.confidence.as_ref().unwrap().tokens.clone();
        near(&tokens(&found[0]), &[0.8, 0.5]);
        near(&tokens(&found[2]), &[0.2, 0.2]);
        let mut found = [
            hypothesis(0.5, &[7, 8], &[(0, 2), (5, 5)]),
            hypothesis(0.3, &[7], &[(2, 4)]),
            hypothesis(0.2, &[7, 8], &[(4, 4), (5, 6)]),
        ];
        add(&mut found);
        // Frame 2 is of the first and the second, frame 4 of the second and the third.
        near(&tokens(&found[0]), &[0.8, 0.7]);
        near(&tokens(&found[1]), &[0.8]);
        near(&tokens(&found[2]), &[0.5, 0.7]);
    }

    #[test]
    fn words_agree_by_frame() {
        let mut found = [(0.75, 0, 3), (0.25, 3, 9)].map(|(p, start, end)| {
            let word = WordFrames {
                word: "a".into(),
                start,
                end,
            };
            Hypothesis {
                transcript: Some(Transcript {
                    text: "a".into(),
                    words: Some(vec![word]),
                }),
                ..hypothesis(p, &[], &[])
            }
        });
        add(&mut found);
        for found in &found {
            near(&found.confidence.as_ref().unwrap().words, &[1.0]);
        }
    }
}
