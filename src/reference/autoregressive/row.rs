//! One row: what the model says, processed.

use super::request::{Place, Row};
use super::rules::AtMaximum;
use crate::reference::{log_probability, log_sum_exp};
use crate::scores::ScoreKind;

/// What the model says of the next token.
#[derive(Clone, Debug)]
pub struct Scored {
    /// The scores of the tokens.
    pub scores: Scores,
    /// How much each source position was attended to, if the caller says so.
    pub attention: Vec<f32>,
}

/// The scores of all tokens, or of some.
#[derive(Clone, Debug)]
pub enum Scores {
    /// One for each token.
    Dense(Vec<f32>),
    /// Tokens and their scores, each token once, in any order; no other is possible.
    Sparse {
        /// Tokens that there are.
        vocab: usize,
        /// Those that are given.
        given: Vec<(u32, f32)>,
    },
}

impl From<Vec<f32>> for Scored {
    fn from(scores: Vec<f32>) -> Scored {
        Scored {
            scores: Scores::Dense(scores),
            attention: Vec::new(),
        }
    }
}

/// A row with all changes made.
pub(super) struct Processed {
    /// The log-probability of every token.
    pub(super) log_probabilities: Vec<f64>,
    /// The score of every token as it was read.
    pub(super) read: Vec<f32>,
    /// The model's own log-probability of every token, if wanted.
    pub(super) own: Option<Vec<f64>>,
    pub(super) attention: Vec<f32>,
    /// What the scores were just before the log-softmax, its normaliser, and their kind.
    pub(super) values: Vec<f32>,
    pub(super) normaliser: f64,
    pub(super) kind: ScoreKind,
    /// The tokens that were given, in their order, if not all were.
    pub(super) given: Option<Vec<u32>>,
}

impl Processed {
    /// Makes all changes to a row. `chosen` are the tokens that beams of earlier groups have
    /// continued with.
    pub(super) fn new(place: &Place<'_>, kind: ScoreKind, scored: Scored, chosen: &[u32]) -> Self {
        let request = place.request;
        let (read, given) = dense(scored.scores, kind);
        let read_kind = kind;
        let mut row = Row {
            scores: read.clone(),
            permitted: None,
        };
        request
            .before
            .iter()
            .for_each(|change| change(place, &mut row));
        let kind = match request.before.is_empty() {
            true => read_kind,
            false => ScoreKind::Logits,
        };
        let normaliser = match (kind, &row.permitted) {
            (ScoreKind::Logits, None) => {
                let possible = |token: usize| row.scores[token] > f32::NEG_INFINITY;
                log_sum_exp(&in_order(&row.scores, given.as_deref(), possible))
            }
            (ScoreKind::Logits, Some(permitted)) => {
                let permitted: Vec<u32> = permitted.iter().copied().collect();
                log_sum_exp(&pick(&row.scores, &permitted))
            }
            _ => 0.0,
        };
        let values = row.scores;
        let log = |&value| log_probability(kind, value, normaliser);
        let mut row = Row {
            scores: values.iter().map(log).collect(),
            permitted: row.permitted,
        };
        let ends = &request.end_tokens;
        let is_last = place.generated.len() + 1 == request.max_length;
        if request.rules.at_maximum == AtMaximum::ForceEnd && is_last && !ends.is_empty() {
            row.permit_only(ends.iter().copied());
        }
        request
            .after
            .iter()
            .for_each(|change| change(place, &mut row));
        for (token, score) in row.scores.iter_mut().enumerate() {
            let same = chosen.iter().filter(|&&other| other as usize == token);
            let beams = same.count();
            if beams > 0 {
                *score -= request.groups.1 * beams as f64;
            }
            let permitted = row.permitted.as_ref();
            if permitted.is_some_and(|permitted| !permitted.contains(&(token as u32))) {
                *score = f64::NEG_INFINITY;
            }
        }
        Processed {
            log_probabilities: row.scores,
            own: request
                .own_scores
                .then(|| own(read_kind, &read, given.as_deref())),
            read,
            attention: scored.attention,
            values,
            normaliser,
            kind,
            given,
        }
    }

    /// The possible tokens, best first: by log-probability, by what was read, by id.
    pub(super) fn ranked(&self) -> Vec<u32> {
        let possible = |&token: &u32| self.log_probabilities[token as usize] > f64::NEG_INFINITY;
        let mut tokens: Vec<u32> = (0..self.read.len() as u32).filter(possible).collect();
        let key = |token: u32| {
            let token = token as usize;
            (self.log_probabilities[token], self.read[token])
        };
        tokens.sort_by(|&a, &b| {
            let order = key(b).partial_cmp(&key(a)).expect("no NaN");
            order.then(a.cmp(&b))
        });
        tokens
    }
}

/// One score a token, and the tokens that were given if not all were.
fn dense(scores: Scores, kind: ScoreKind) -> (Vec<f32>, Option<Vec<u32>>) {
    match scores {
        Scores::Dense(scores) => (scores, None),
        Scores::Sparse { vocab, given } => {
            let impossible = match kind {
                ScoreKind::Probabilities => 0.0,
                _ => f32::NEG_INFINITY,
            };
            let mut scores = vec![impossible; vocab];
            for &(token, score) in &given {
                scores[token as usize] = score;
            }
            let tokens = given.iter().map(|&(token, _)| token).collect();
            (scores, Some(tokens))
        }
    }
}

/// The tokens in the order in which a row has them: by id, or as they were given and then
/// others that are possible all the same.
pub(super) fn positions(
    vocab: usize,
    given: Option<&[u32]>,
    possible: impl Fn(usize) -> bool,
) -> Vec<u32> {
    let all = 0..vocab as u32;
    match given {
        None => all.collect(),
        Some(given) => {
            let more = all.filter(|token| possible(*token as usize) && !given.contains(token));
            given.iter().copied().chain(more).collect()
        }
    }
}

fn in_order(scores: &[f32], given: Option<&[u32]>, possible: impl Fn(usize) -> bool) -> Vec<f32> {
    pick(scores, &positions(scores.len(), given, possible))
}

fn pick(scores: &[f32], tokens: &[u32]) -> Vec<f32> {
    tokens.iter().map(|&token| scores[token as usize]).collect()
}

/// The log-probabilities of a row as it was read.
fn own(kind: ScoreKind, read: &[f32], given: Option<&[u32]>) -> Vec<f64> {
    let normaliser = match kind {
        ScoreKind::Logits => log_sum_exp(&in_order(read, given, |_| false)),
        _ => 0.0,
    };
    let log = |&value| log_probability(kind, value, normaliser);
    read.iter().map(log).collect()
}
