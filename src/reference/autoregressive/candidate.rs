//! Candidates: the continuations of live hypotheses.

use std::cmp::Ordering;

use super::hypothesis::Live;
use super::random;
use super::row::Processed;
use super::sampling::Sampled;

/// A live hypothesis and one more token.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The log-probability of the longer hypothesis.
    pub(super) score: f64,
    /// The rank of the live hypothesis.
    pub(super) parent: usize,
    /// That of the token, as processed.
    pub(super) log_probability: f64,
    /// Its score as it was read.
    pub(super) value: f32,
    pub(super) token: u32,
    /// How it was drawn, in a search whose ranks are drawn once and for all.
    pub(super) sampled: Option<Sampled>,
}

impl Candidate {
    pub(super) fn new(live: &[Live], rows: &[Processed], parent: usize, token: u32) -> Candidate {
        let row = &rows[parent];
        let log_probability = row.log_probabilities[token as usize];
        Candidate {
            score: live[parent].log_probability + log_probability,
            parent,
            log_probability,
            value: row.read[token as usize],
            token,
            sampled: None,
        }
    }

    /// What it makes of its live hypothesis; `row` is the row that it is from.
    pub(super) fn extend(&self, live: &Live, row: &Processed) -> Live {
        let mut live = live.clone();
        live.tokens.push(self.token);
        live.token_scores.push(self.log_probability);
        live.log_probability = self.score;
        if let Some(own) = &row.own {
            live.own_scores.push(own[self.token as usize]);
        }
        live.attended.resize(row.attention.len(), 0.0);
        for (sum, &attention) in live.attended.iter_mut().zip(&row.attention) {
            *sum += f64::from(attention);
        }
        live.key = random::longer(live.key, self.token);
        live.sampled = self.sampled;
        live
    }

    pub(super) fn is_possible(&self) -> bool {
        self.score > f64::NEG_INFINITY
    }

    /// The total order: score, rank of the parent, log-probability, value read, id.
    pub(super) fn order(&self, other: &Candidate) -> Ordering {
        let descending = |a: f64, b: f64| b.partial_cmp(&a).expect("no NaN");
        descending(self.score, other.score)
            .then(self.parent.cmp(&other.parent))
            .then(descending(self.log_probability, other.log_probability))
            .then(descending(f64::from(self.value), f64::from(other.value)))
            .then(self.token.cmp(&other.token))
    }
}

/// All possible candidates, best first.
pub(super) fn all(live: &[Live], rows: &[Processed]) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (parent, row) in rows.iter().enumerate() {
        let tokens = 0..row.read.len() as u32;
        let own = tokens.map(|token| Candidate::new(live, rows, parent, token));
        candidates.extend(own.filter(Candidate::is_possible));
    }
    candidates.sort_by(Candidate::order);
    candidates
}
