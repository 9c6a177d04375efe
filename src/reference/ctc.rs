//! CTC prefix search by its definition, and the CTC forward algorithm.

use std::collections::{BTreeMap, HashMap};

use super::scorers::PrefixScorer;
use super::{log_add, log_probability_row, row_ranks, values};
use crate::scores::ScoresView;
use crate::search::ctc::CtcPruning;

/// A hypothesis of the full search.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Hypothesis {
    pub tokens: Vec<u32>,
    pub frames: Vec<u32>,
    pub last_frames: Vec<u32>,
    pub score: f64,
    pub log_mass: f64,
    pub alignment_score: f64,
    pub scorer_score: f64,
}

/// The best path to one state of a prefix: its score, and the first and the last frame
/// of each token's run.
type Path = (f64, Vec<(u32, u32)>);

#[derive(Clone)]
struct Prefix {
    tokens: Vec<u32>,
    blank: f64,
    token: f64,
    best_blank: Path,
    best_token: Path,
    scored: f64,
}

impl Prefix {
    fn mass(&self) -> f64 {
        log_add(self.blank, self.token)
    }

    fn total(&self) -> f64 {
        self.mass() + self.scored
    }

    fn best(&self) -> &Path {
        better(&self.best_blank, &self.best_token)
    }
}

/// The better of two paths, the first on a tie.
fn better<'a>(a: &'a Path, b: &'a Path) -> &'a Path {
    if b.0 > a.0 { b } else { a }
}

const NOTHING: Path = (f64::NEG_INFINITY, Vec::new());

/// The rank of each token in its row, the blank left out.
fn ranks_beside(blank: u32, scores: &ScoresView<'_>, item: usize, step: usize) -> Vec<usize> {
    let ranks = row_ranks(&values(scores, item, step));
    let before = ranks[blank as usize];
    let beside = |rank| rank - usize::from(rank > before);
    ranks.into_iter().map(beside).collect()
}

/// The best alignment of an item: the best token of each frame, the first of equals. `None` if
/// no token of some frame is possible.
pub fn greedy(scores: &ScoresView<'_>, item: usize, blank: u32) -> Option<Hypothesis> {
    let mut path = Vec::new();
    let mut score = 0.0;
    for step in 0..scores.length(item) {
        let ranks = row_ranks(&values(scores, item, step));
        let token = ranks.iter().position(|&rank| rank == 0)?;
        score += log_probability_row(scores, item, step)[token];
        path.push(token as u32);
    }
    if score == f64::NEG_INFINITY {
        return None;
    }
    let (mut tokens, mut frames, mut last_frames) = (Vec::new(), Vec::new(), Vec::new());
    for (frame, &token) in path.iter().enumerate() {
        let repeats = frame > 0 && path[frame - 1] == token;
        if token == blank {
            continue;
        }
        if repeats {
            *last_frames.last_mut()? = frame as u32;
        } else {
            tokens.push(token);
            frames.push(frame as u32);
            last_frames.push(frame as u32);
        }
    }
    Some(Hypothesis {
        tokens,
        frames,
        last_frames,
        score,
        log_mass: score,
        alignment_score: score,
        scorer_score: 0.0,
    })
}

/// A row as the search sees it: pruned tokens are impossible.
fn pruned_row(
    scores: &ScoresView<'_>,
    item: usize,
    step: usize,
    blank: u32,
    pruning: &CtcPruning,
) -> Vec<f64> {
    let mut row = log_probability_row(scores, item, step);
    let ranks = ranks_beside(blank, scores, item, step);
    let blank = blank as usize;
    let skipped = pruning.blank_skip.is_some_and(|limit| row[blank] >= limit);
    for token in (0..row.len()).filter(|&token| token != blank) {
        let beyond = pruning.top_tokens.is_some_and(|top| ranks[token] >= top);
        let low = pruning
            .min_token_log_probability
            .is_some_and(|least| row[token] < least);
        if skipped || beyond || low {
            row[token] = f64::NEG_INFINITY;
        }
    }
    row
}

/// The search of one item: every extension of every prefix, a map of prefixes,
/// one sort. With a scorer that is not bounded, unless pruning says how many, only tokens
/// among a frame's `beams` + 2 best make new prefixes, and the blank, if it is one of
/// them, does not. The scores must be valid.
pub fn search<S: PrefixScorer>(
    scores: &ScoresView<'_>,
    item: usize,
    beams: usize,
    blank: u32,
    pruning: &CtcPruning,
    scorer: &S,
) -> Vec<Hypothesis> {
    let mut live = vec![Prefix {
        tokens: Vec::new(),
        blank: 0.0,
        token: f64::NEG_INFINITY,
        best_blank: (0.0, Vec::new()),
        best_token: NOTHING,
        scored: 0.0,
    }];
    for step in 0..scores.length(item) {
        let row = pruned_row(scores, item, step, blank, pruning);
        let ranks = row_ranks(&values(scores, item, step));
        let all = scorer.tries_all() || pruning.top_tokens.is_some();
        let tried = |token: usize| all || ranks[token] < beams + 2;
        // Each prefix with its key among equals: its source's rank, whether it
        // is new, and its own rank or its token's. A prefix that is
        // carried over and reached by an extension too takes the better of the two ranks.
        type Key = (usize, bool, usize);
        let mut next: BTreeMap<Vec<u32>, (Prefix, Key)> = BTreeMap::new();
        for (rank, prefix) in live.iter().enumerate() {
            let (best, frames) = prefix.best();
            let repeat = match prefix.tokens.last() {
                Some(&last) => row[last as usize],
                None => f64::NEG_INFINITY,
            };
            let lb = row[blank as usize];
            let mut run = prefix.best_token.1.clone();
            if let Some((_, last)) = run.last_mut() {
                *last = step as u32;
            }
            let carried = Prefix {
                tokens: prefix.tokens.clone(),
                blank: prefix.mass() + lb,
                token: prefix.token + repeat,
                best_blank: (best + lb, frames.clone()),
                best_token: (prefix.best_token.0 + repeat, run),
                scored: prefix.scored,
            };
            next.insert(carried.tokens.clone(), (carried, (rank, false, rank)));
        }
        for (rank, prefix) in live.iter().enumerate() {
            for token in (0..row.len()).filter(|&token| token != blank as usize) {
                let repeats = prefix.tokens.last() == Some(&(token as u32));
                let (mass, path) = if repeats {
                    (prefix.blank, &prefix.best_blank)
                } else {
                    (prefix.mass(), prefix.best())
                };
                let entering = mass + row[token];
                if entering == f64::NEG_INFINITY {
                    continue;
                }
                let mut tokens = prefix.tokens.clone();
                tokens.push(token as u32);
                if !tried(token) && !next.contains_key(&tokens) {
                    continue;
                }
                let mut frames = path.1.clone();
                frames.push((step as u32, step as u32));
                let path = (path.0 + row[token], frames);
                let (extended, key) = next.entry(tokens.clone()).or_insert_with(|| {
                    let prefix = Prefix {
                        scored: scorer.sum(&tokens),
                        tokens,
                        blank: f64::NEG_INFINITY,
                        token: f64::NEG_INFINITY,
                        best_blank: NOTHING,
                        best_token: NOTHING,
                    };
                    (prefix, (rank, true, ranks[token]))
                });
                extended.token = log_add(extended.token, entering);
                extended.best_token = better(&extended.best_token, &path).clone();
                key.0 = key.0.min(rank);
            }
        }
        let mut candidates: Vec<(Prefix, Key)> = next.into_values().collect();
        // A sum of scores may be more than a number holds.
        candidates.retain(|(prefix, _)| prefix.total().is_finite());
        candidates.sort_by(|(a, a_key), (b, b_key)| {
            let order = b.total().partial_cmp(&a.total()).expect("no NaN");
            order.then(a_key.cmp(b_key))
        });
        candidates.truncate(beams);
        live = candidates.into_iter().map(|(prefix, _)| prefix).collect();
        if let (Some(limit), Some(best)) = (pruning.score_threshold, live.first()) {
            let least = best.total() - limit;
            live.retain(|prefix| prefix.total() >= least);
        }
        if let (Some(delay), Some(best)) = (pruning.commit_delay, live.first())
            && (step + 1) % delay == 0
        {
            let old = |&&(frame, _): &&(u32, u32)| (frame as usize) < step + 1 - delay;
            let committed = best.best().1.iter().filter(old).count();
            let committed = best.tokens[..committed].to_vec();
            live.retain(|prefix| prefix.tokens.starts_with(&committed));
        }
    }
    let mut ended: Vec<Hypothesis> = Vec::new();
    for prefix in &live {
        let scored = prefix.scored + scorer.end(&prefix.tokens);
        if !scored.is_finite() {
            continue;
        }
        let (frames, last_frames) = prefix.best().1.iter().copied().unzip();
        ended.push(Hypothesis {
            tokens: prefix.tokens.clone(),
            frames,
            last_frames,
            score: prefix.mass() + scored,
            log_mass: prefix.mass(),
            alignment_score: prefix.best().0,
            scorer_score: scored,
        });
    }
    ended.sort_by(|a, b| b.score.partial_cmp(&a.score).expect("no NaN"));
    ended
}

/// The hypotheses with those of one text as one: the first of them, with the mass of all.
/// Sorted by score anew; those of equal scores stay as they stood.
pub fn merged_by_text(
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
        hypothesis.score = hypothesis.log_mass + hypothesis.scorer_score;
    }
    merged.sort_by(|a, b| b.score.partial_cmp(&a.score).expect("no NaN"));
    merged
}

/// The log-probability of a labelling by the CTC forward algorithm (Graves et
/// al. 2006, section 4.1), and that of its best single alignment.
pub fn forward(scores: &ScoresView<'_>, item: usize, blank: u32, tokens: &[u32]) -> (f64, f64) {
    let mut extended = vec![blank];
    for &token in tokens {
        extended.extend([token, blank]);
    }
    let impossible = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let mut alpha = vec![impossible; extended.len()];
    alpha[0] = (0.0, 0.0);
    for step in 0..scores.length(item) {
        let row = log_probability_row(scores, item, step);
        let mut next = vec![impossible; extended.len()];
        for (s, &label) in extended.iter().enumerate() {
            let mut from = vec![s];
            if s >= 1 {
                from.push(s - 1);
            }
            if s >= 2 && label != blank && label != extended[s - 2] {
                from.push(s - 2);
            }
            for from in from {
                let (sum, best) = alpha[from];
                next[s].0 = log_add(next[s].0, sum + row[label as usize]);
                next[s].1 = f64::max(next[s].1, best + row[label as usize]);
            }
        }
        alpha = next;
    }
    let end = alpha.len() - 1;
    let last_token = if end > 0 { alpha[end - 1] } else { impossible };
    (
        log_add(alpha[end].0, last_token.0),
        f64::max(alpha[end].1, last_token.1),
    )
}

/// The total log-probability of every labelling that has any, by enumerating
/// all alignments: for tiny cases.
pub fn labellings(scores: &ScoresView<'_>, item: usize, blank: u32) -> HashMap<Vec<u32>, f64> {
    let mut totals = HashMap::new();
    for (path, score) in super::enumerate(scores, item) {
        let mut tokens: Vec<u32> = Vec::new();
        let mut previous = blank;
        for token in path {
            if token != blank && token != previous {
                tokens.push(token);
            }
            previous = token;
        }
        let total = totals.entry(tokens).or_insert(f64::NEG_INFINITY);
        *total = log_add(*total, score);
    }
    totals
}
