//! Modified beam search as sherpa-onnx and icefall publish it, one symbol a frame.

use std::collections::HashMap;

use widebeam::reference::log_add;

use super::toy::Model;

/// What sherpa-onnx does otherwise than the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Switches {
    /// Of all paths and tokens the best are taken before those of one prefix are merged. So
    /// fewer prefixes than paths may stay, and the mass of an alignment that is not among the
    /// best is lost. Otherwise all are merged first.
    pub(super) cuts_first: bool,
    /// The best are taken by what they score without the boost of the token itself, which is
    /// added afterwards.
    pub(super) boosts_late: bool,
    /// Of the alignments that a prefix has, it keeps the frames of the one that was the best
    /// when it was taken, by the mass of the prefix that it came from. Otherwise those of the
    /// best alignment.
    pub(super) keeps_first: bool,
}

impl Switches {
    pub(super) const PUBLISHED: Switches = Switches {
        cuts_first: true,
        boosts_late: true,
        keeps_first: true,
    };
    pub(super) const ENGINE: Switches = Switches {
        cuts_first: false,
        boosts_late: false,
        keeps_first: false,
    };
}

/// A prefix with its mass, and one alignment.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    pub(super) tokens: Vec<u32>,
    pub(super) mass: f64,
    /// The frame of each token.
    pub(super) frames: Vec<u32>,
    /// The log-probability of each token in its frame.
    pub(super) log_probabilities: Vec<f64>,
    /// That of the whole alignment.
    alignment: f64,
}

/// Sequences of tokens that are favoured; none may begin within itself or another.
#[derive(Debug)]
pub(super) struct Hotwords<'a> {
    pub(super) words: &'a [Vec<u32>],
    /// The boost of each of their tokens.
    pub(super) boost: f64,
}

impl Hotwords<'_> {
    /// What a prefix has earned: for words that are complete, and for one that is under way.
    fn earned(&self, tokens: &[u32]) -> [f64; 2] {
        let (mut complete, mut under_way, mut start) = (0, 0, 0);
        for end in 1..=tokens.len() {
            let tails = |word: &Vec<u32>| {
                let lengths = (1..=word.len()).rev();
                let mut fitting = lengths.filter(|&length| length <= end - start);
                fitting.find(|&length| tokens[end - length..end] == word[..length])
            };
            let longest = self.words.iter().max_by_key(|word| tails(word));
            under_way = longest.and_then(tails).unwrap_or(0);
            if longest.is_some_and(|word| word.len() == under_way) {
                (complete, under_way, start) = (complete + under_way, 0, end);
            }
        }
        [complete, under_way].map(|tokens| self.boost * f64::from(tokens as u32))
    }

    /// What a prefix has earned so far.
    fn so_far(&self, tokens: &[u32]) -> f64 {
        self.earned(tokens).iter().sum()
    }

    /// What a prefix has earned once the input has ended.
    pub(super) fn at_the_end(&self, tokens: &[u32]) -> f64 {
        self.earned(tokens)[0]
    }
}

/// The paths after the last frame, in no order.
pub(super) fn search(
    model: &Model,
    frames: usize,
    paths: usize,
    hotwords: &Hotwords<'_>,
    switches: Switches,
) -> Vec<Path> {
    let mut kept = vec![Path::default()];
    for frame in 0..frames {
        let mut arrivals = Vec::new();
        for path in &kept {
            let row = model.log_probabilities(frame, &path.tokens);
            for (token, score) in row.into_iter().enumerate() {
                let mut next = path.clone();
                next.mass += score;
                next.alignment += score;
                if token != model.blank as usize {
                    next.tokens.push(token as u32);
                    next.frames.push(frame as u32);
                    next.log_probabilities.push(score);
                }
                let boosted = match switches.boosts_late {
                    true => &path.tokens,
                    false => &next.tokens,
                };
                arrivals.push((next.mass + hotwords.so_far(boosted), next));
            }
        }
        let all = arrivals.len();
        cut(&mut arrivals, if switches.cuts_first { paths } else { all });
        let mut merged: HashMap<Vec<u32>, Path> = HashMap::new();
        for (_, path) in arrivals {
            let Some(there) = merged.get_mut(&path.tokens) else {
                merged.insert(path.tokens.clone(), path);
                continue;
            };
            let sum = log_add(there.mass, path.mass);
            if !switches.keeps_first && path.alignment > there.alignment {
                *there = path;
            }
            there.mass = sum;
        }
        let mut ranked: Vec<(f64, Path)> = merged
            .into_values()
            .map(|path| (path.mass + hotwords.so_far(&path.tokens), path))
            .collect();
        cut(&mut ranked, paths);
        kept = ranked.into_iter().map(|(_, path)| path).collect();
    }
    kept
}

fn cut(ranked: &mut Vec<(f64, Path)>, paths: usize) {
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.truncate(paths);
}

/// The mass of a sequence of tokens, without any beam.
pub(super) fn forward(model: &Model, frames: usize, tokens: &[u32]) -> f64 {
    let mut masses = vec![f64::NEG_INFINITY; tokens.len() + 1];
    masses[0] = 0.0;
    for frame in 0..frames {
        let mut next = vec![f64::NEG_INFINITY; masses.len()];
        for (length, mass) in masses.into_iter().enumerate() {
            let row = model.log_probabilities(frame, &tokens[..length]);
            next[length] = log_add(next[length], mass + row[model.blank as usize]);
            if let Some(&token) = tokens.get(length) {
                next[length + 1] = mass + row[token as usize];
            }
        }
        masses = next;
    }
    masses[tokens.len()]
}
