//! RNN-T beam search as torchaudio publishes it, with several symbols a frame.

use std::collections::HashMap;

use widebeam::reference::log_add;

use super::toy::Model;

/// A prefix and its mass.
pub(super) type Prefix = (Vec<u32>, f64);

/// How prefixes are ranked at the end of a frame, where the best are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ranking {
    /// By the mass, as the engine does.
    Mass,
    /// By the mass divided by two more than the number of tokens: what torchaudio does unless
    /// told otherwise.
    Divided,
}

impl Ranking {
    pub(super) fn of(self, (tokens, mass): &Prefix) -> f64 {
        match self {
            Ranking::Mass => *mass,
            Ranking::Divided => mass / (tokens.len() + 2) as f64,
        }
    }
}

/// The best prefixes after the last frame, best first.
pub(super) fn search(
    model: &Model,
    frames: usize,
    beams: usize,
    max_symbols: usize,
    ranking: Ranking,
) -> Vec<Prefix> {
    let mut b = vec![(Vec::new(), 0.0)];
    for frame in 0..frames {
        let mut a = b;
        let mut left: HashMap<Vec<u32>, f64> = HashMap::new();
        for stage in 0..=max_symbols {
            let mut emitted = Vec::new();
            for (tokens, mass) in &a {
                let row = model.log_probabilities(frame, tokens);
                for (token, score) in row.into_iter().enumerate() {
                    if token == model.blank as usize {
                        let there = left.entry(tokens.clone()).or_insert(f64::NEG_INFINITY);
                        *there = log_add(*there, mass + score);
                    } else {
                        emitted.push(([&tokens[..], &[token as u32]].concat(), mass + score));
                    }
                }
            }
            let mut masses: Vec<f64> = left.values().copied().collect();
            masses.sort_by(|a, b| b.total_cmp(a));
            if let Some(&threshold) = masses.get(beams - 1) {
                emitted.retain(|&(_, mass)| mass > threshold);
            }
            a = best(emitted, beams, Ranking::Mass);
            if a.is_empty() || stage == max_symbols {
                break;
            }
        }
        b = best(left.into_iter().collect(), beams, ranking);
    }
    b
}

fn best(mut prefixes: Vec<Prefix>, beams: usize, ranking: Ranking) -> Vec<Prefix> {
    prefixes.sort_by(|a, b| ranking.of(b).total_cmp(&ranking.of(a)));
    prefixes.truncate(beams);
    prefixes
}
