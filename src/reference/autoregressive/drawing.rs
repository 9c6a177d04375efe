//! Continuations that are drawn: stochastic beams and beam sampling.

use super::candidate::Candidate;
use super::draws::{Draw, draw};
use super::hypothesis::Live;
use super::random::Stream;
use super::row::{Processed, positions};
use super::sampling::{Sampled, Sampling};
use crate::reference::{log_probability, log_sum_exp};
use crate::scores::ScoreKind;

impl Sampling {
    /// The row that is drawn from, and the token of each of its positions.
    fn row(&self, row: &Processed) -> (Vec<f32>, Vec<u32>) {
        assert_ne!(row.kind, ScoreKind::Probabilities, "refused by the search");
        let scores = &row.log_probabilities;
        let possible = |token: usize| scores[token] > f64::NEG_INFINITY;
        let tokens = positions(scores.len(), row.given.as_deref(), possible);
        let value = |&token: &u32| {
            let (score, value) = (scores[token as usize], row.values[token as usize]);
            let value = if score == f64::NEG_INFINITY {
                f32::NEG_INFINITY
            } else if score == log_probability(row.kind, value, row.normaliser) {
                value
            } else {
                (score + row.normaliser) as f32
            };
            self.cooled(value).min(f32::MAX)
        };
        (tokens.iter().map(value).collect(), tokens)
    }

    fn cooled(&self, value: f32) -> f32 {
        match self.temperature {
            1.0 => value,
            temperature => value * (1.0 / temperature) as f32,
        }
    }

    fn stream(&self, live: &Live) -> Stream {
        Stream {
            seed: self.seed,
            key: live.key,
            length: live.tokens.len(),
        }
    }

    /// The best `count` children of live hypotheses by their perturbed log-probabilities.
    pub(super) fn children(
        &self,
        live: &[Live],
        rows: &[Processed],
        count: usize,
    ) -> Vec<Candidate> {
        let mut children = Vec::new();
        for (parent, (hypothesis, processed)) in live.iter().zip(rows).enumerate() {
            let (row, tokens) = self.row(processed);
            let own = hypothesis.sampled.expect("the empty one was drawn");
            let location = own.log_probability;
            let stream = self.stream(hypothesis);
            for draw in draw(&row, location, own.perturbed, count, stream) {
                let token = tokens[draw.position];
                let sampled = Sampled {
                    log_probability: location + draw.log_share,
                    perturbed: draw.value,
                };
                let candidate = Candidate::new(live, rows, parent, token);
                children.push(Candidate {
                    sampled: Some(sampled),
                    ..candidate
                });
            }
        }
        children.sort_by(|a, b| descending(perturbed(a), perturbed(b)));
        children.truncate(count);
        children
    }

    /// `count` candidates of all live hypotheses, in the order in which they are drawn.
    pub(super) fn candidates(
        &self,
        live: &[Live],
        rows: &[Processed],
        count: usize,
    ) -> Vec<Candidate> {
        let mut all: Vec<(usize, u32, Draw)> = Vec::new();
        for (parent, (hypothesis, processed)) in live.iter().zip(rows).enumerate() {
            let (row, tokens) = self.row(processed);
            let stream = self.stream(hypothesis);
            let normaliser = processed.normaliser / self.temperature;
            let log_sum = log_sum_exp(&row) - normaliser;
            let location = hypothesis.log_probability / self.temperature + log_sum;
            let first = stream.own_gumbel(location);
            let draws = draw(&row, location, first, count, stream).into_iter();
            all.extend(draws.map(|draw| (parent, tokens[draw.position], draw)));
        }
        all.sort_by(|(_, _, a), (_, _, b)| descending(a.value, b.value));
        let all = all.into_iter();
        all.map(|(parent, token, _)| Candidate::new(live, rows, parent, token))
            .collect()
    }
}

fn descending(a: f64, b: f64) -> std::cmp::Ordering {
    b.partial_cmp(&a).expect("no NaN")
}

fn perturbed(candidate: &Candidate) -> f64 {
    candidate.sampled.expect("it was drawn").perturbed
}
