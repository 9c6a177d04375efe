//! Autoregressive beam search written naively from its definition: the oracle
//! of the tests. Not part of the public interface.
//!
//! Whole sequences are carried and scored by the model anew; rows are copied,
//! processed and normalised in full; all of beams x vocabulary is sorted. One
//! request at a time. Shared with the engine are the types of the rules, as
//! data, and the scalar arithmetic of a row's log-softmax.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{log_probability, log_sum_exp};
use crate::autoregressive::{
    AtMaximum, CountedLength, EndRank, Finish, Leader, LengthPenalty, Rules, Stopping, WhenFull,
};
use crate::scores::ScoreKind;

/// A request, in plain data and closures over dense rows.
pub struct Request {
    /// The beam width.
    pub beams: usize,
    /// The most tokens to generate.
    pub max_length: usize,
    /// The tokens before the first generated one.
    pub prompt: Vec<u32>,
    /// The tokens that end a hypothesis, each once.
    pub end_tokens: Vec<u32>,
    /// The rules.
    pub rules: Rules,
    /// Groups, and the diversity penalty between them.
    pub groups: (usize, f64),
    /// Changes before the log-softmax, in order.
    pub before: Vec<Box<Change<f32>>>,
    /// Changes after it, in order.
    pub after: Vec<Box<Change<f64>>>,
}

/// A change of one row, whatever follows from where the row stands.
pub type Change<T> = dyn Fn(&Place<'_>, &mut Row<T>);

/// Where a row stands.
pub struct Place<'a> {
    /// The request.
    pub request: &'a Request,
    /// The generated tokens so far.
    pub generated: &'a [u32],
}

impl Place<'_> {
    /// The prompt and the generated tokens.
    pub fn history(&self) -> Vec<u32> {
        [&self.request.prompt, self.generated].concat()
    }
}

/// The scores of every token, and which of them alone are possible.
#[derive(Clone)]
pub struct Row<T> {
    /// One score a token.
    pub scores: Vec<T>,
    /// The tokens permitted, if not all.
    pub permitted: Option<BTreeSet<u32>>,
}

impl<T> Row<T> {
    /// Permits no token but these.
    pub fn permit_only(&mut self, tokens: impl IntoIterator<Item = u32>) {
        let tokens: BTreeSet<u32> = tokens.into_iter().collect();
        self.permitted = Some(match &self.permitted {
            None => tokens,
            Some(before) => before.intersection(&tokens).copied().collect(),
        });
    }
}

/// A finished hypothesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The generated tokens.
    pub tokens: Vec<u32>,
    /// The log-probability of each, as processed.
    pub token_scores: Vec<f64>,
    /// Their sum.
    pub log_probability: f64,
    /// The log-probability under the length penalty.
    pub score: f64,
    /// Why it finished.
    pub finish: Finish,
}

#[derive(Clone)]
struct Live {
    tokens: Vec<u32>,
    token_scores: Vec<f64>,
    log_probability: f64,
}

#[derive(Default)]
struct Group {
    live: Vec<Live>,
    pool: Vec<Found>,
    finished: usize,
    best_ended: bool,
}

struct Candidate {
    score: f64,
    parent: usize,
    log_probability: f64,
    value: f32,
    token: u32,
}

/// The hypotheses of a request, best first. `model` gives the scores, of a
/// kind, of the token after a prompt and generated tokens.
pub fn search(
    request: &Request,
    kind: ScoreKind,
    model: &dyn Fn(&[u32]) -> Vec<f32>,
) -> Vec<Found> {
    let (group_count, diversity) = request.groups;
    let width = request.beams / group_count;
    let candidate_count = (1 + request.end_tokens.len().max(1)) * width;
    let start = Live {
        tokens: Vec::new(),
        token_scores: Vec::new(),
        log_probability: 0.0,
    };
    let begin = |_| Group {
        live: vec![start.clone()],
        ..Group::default()
    };
    let mut groups: Vec<Group> = (0..group_count).map(begin).collect();
    for length in 1..=request.max_length {
        let mut chosen: Vec<u32> = Vec::new();
        for group in &mut groups {
            if group.live.is_empty() {
                continue;
            }
            let mut candidates = Vec::new();
            for (parent, live) in group.live.iter().enumerate() {
                let place = Place {
                    request,
                    generated: &live.tokens,
                };
                let values = model(&place.history());
                let row = processed(&place, kind, &values, &chosen, diversity);
                for (token, &log_probability) in row.iter().enumerate() {
                    let score = live.log_probability + log_probability;
                    if score > f64::NEG_INFINITY {
                        candidates.push(Candidate {
                            score,
                            parent,
                            log_probability,
                            value: values[token],
                            token: token as u32,
                        });
                    }
                }
            }
            candidates.sort_by(order);
            candidates.truncate(candidate_count);
            step(request, group, &candidates, length, &mut chosen);
        }
    }
    let mut all: Vec<Found> = groups.into_iter().flat_map(|group| group.pool).collect();
    all.sort_by(|a, b| b.score.partial_cmp(&a.score).expect("no NaN"));
    all.truncate(request.beams);
    all
}

fn order(a: &Candidate, b: &Candidate) -> Ordering {
    let descending = |a: f64, b: f64| b.partial_cmp(&a).expect("no NaN");
    descending(a.score, b.score)
        .then(a.parent.cmp(&b.parent))
        .then(descending(a.log_probability, b.log_probability))
        .then(descending(f64::from(a.value), f64::from(b.value)))
        .then(a.token.cmp(&b.token))
}

/// The log-probability of every token of a row, all changes made.
fn processed(
    place: &Place<'_>,
    kind: ScoreKind,
    values: &[f32],
    chosen: &[u32],
    diversity: f64,
) -> Vec<f64> {
    let mut row = Row {
        scores: values.to_vec(),
        permitted: None,
    };
    place
        .request
        .before
        .iter()
        .for_each(|change| change(place, &mut row));
    let kind = if place.request.before.is_empty() {
        kind
    } else {
        ScoreKind::Logits
    };
    let normaliser = match (kind, &row.permitted) {
        (ScoreKind::Logits, None) => log_sum_exp(&row.scores),
        (ScoreKind::Logits, Some(permitted)) => {
            let scores = permitted.iter().map(|&token| row.scores[token as usize]);
            log_sum_exp(&scores.collect::<Vec<f32>>())
        }
        _ => 0.0,
    };
    let log = |&value| log_probability(kind, value, normaliser);
    let mut row = Row {
        scores: row.scores.iter().map(log).collect(),
        permitted: row.permitted,
    };
    let ends = &place.request.end_tokens;
    let is_last = place.generated.len() + 1 == place.request.max_length;
    if place.request.rules.at_maximum == AtMaximum::ForceEnd && is_last && !ends.is_empty() {
        row.permit_only(ends.iter().copied());
    }
    place
        .request
        .after
        .iter()
        .for_each(|change| change(place, &mut row));
    for (token, score) in row.scores.iter_mut().enumerate() {
        let beams = chosen
            .iter()
            .filter(|&&other| other as usize == token)
            .count();
        if beams > 0 {
            *score -= diversity * beams as f64;
        }
        if row
            .permitted
            .as_ref()
            .is_some_and(|some| !some.contains(&(token as u32)))
        {
            *score = f64::NEG_INFINITY;
        }
    }
    row.scores
}

fn step(
    request: &Request,
    group: &mut Group,
    candidates: &[Candidate],
    length: usize,
    chosen: &mut Vec<u32>,
) {
    let width = request.beams / request.groups.0;
    let rules = &request.rules;
    let parents = std::mem::take(&mut group.live);
    for (rank, candidate) in candidates.iter().enumerate() {
        let mut live = parents[candidate.parent].clone();
        live.tokens.push(candidate.token);
        live.token_scores.push(candidate.log_probability);
        live.log_probability = candidate.score;
        if !request.end_tokens.contains(&candidate.token) {
            if group.live.len() < width {
                group.live.push(live);
            }
            continue;
        }
        group.best_ended |= rank == 0;
        if rank < width || rules.end_rank == EndRank::Any {
            finish(request, group, live, Finish::End);
        }
    }
    chosen.extend(group.live.iter().filter_map(|live| live.tokens.last()));
    if length == request.max_length {
        let drop = match rules.at_maximum {
            AtMaximum::Finish | AtMaximum::ForceEnd => false,
            AtMaximum::FinishUnlessDone => done(request, group, candidates, length),
            AtMaximum::FinishIfNoneEnded => !group.pool.is_empty(),
        };
        for live in std::mem::take(&mut group.live) {
            if !drop {
                finish(request, group, live, Finish::Length);
            }
        }
    } else if done(request, group, candidates, length) {
        group.live.clear();
    }
}

fn penalised(request: &Request, log_probability: f64, generated: usize, finish: Finish) -> f64 {
    let without_end = generated - usize::from(finish == Finish::End);
    let length = match request.rules.counted {
        CountedLength::Generated => generated,
        CountedLength::WithoutEnd => without_end,
        CountedLength::WithPrompt => request.prompt.len() + without_end,
    };
    let length = length as f64;
    let divisor = match request.rules.length_penalty {
        LengthPenalty::None => 1.0,
        LengthPenalty::Power { alpha } => length.powf(alpha),
        LengthPenalty::Gnmt { alpha } => ((5.0 + length) / 6.0).powf(alpha),
    };
    if divisor == 0.0 {
        f64::NEG_INFINITY
    } else {
        log_probability / divisor
    }
}

fn finish(request: &Request, group: &mut Group, live: Live, finish: Finish) {
    group.finished += 1;
    let width = request.beams / request.groups.0;
    if group.pool.len() == width && request.rules.when_full == WhenFull::Keep {
        return;
    }
    group.pool.push(Found {
        score: penalised(request, live.log_probability, live.tokens.len(), finish),
        tokens: live.tokens,
        token_scores: live.token_scores,
        log_probability: live.log_probability,
        finish,
    });
    // Stable: of equal scores the earlier stays.
    group
        .pool
        .sort_by(|a, b| b.score.partial_cmp(&a.score).expect("no NaN"));
    group.pool.truncate(width);
}

fn done(request: &Request, group: &Group, candidates: &[Candidate], length: usize) -> bool {
    let width = request.beams / request.groups.0;
    let live = group
        .live
        .first()
        .map_or(f64::NEG_INFINITY, |best| best.log_probability);
    let full = group.pool.len() == width;
    let beaten = |bound: f64| full && group.pool[width - 1].score >= bound;
    let now = |score| penalised(request, score, length, Finish::Length);
    match request.rules.stopping {
        Stopping::Heuristic {
            leader: Leader::Live,
        } => beaten(now(live)),
        Stopping::Heuristic {
            leader: Leader::Any,
        } => beaten(now(candidates
            .first()
            .map_or(f64::NEG_INFINITY, |best| best.score))),
        Stopping::Exhaustive => {
            let last = penalised(request, live, request.max_length, Finish::Length);
            beaten(now(live)) && beaten(last)
        }
        Stopping::FirstFinished { patience } => {
            group.finished >= ((width as f64 * patience).round() as usize).max(1)
        }
        Stopping::BestFinished { hypotheses } => {
            group.best_ended && group.finished >= hypotheses.min(width)
        }
    }
}
