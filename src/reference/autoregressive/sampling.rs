//! Continuations that are drawn: stochastic beams and beam sampling.

use super::candidate::Candidate;
use super::draws::{Draw, draw};
use super::hypothesis::Live;
use super::random::{Key, Stream};
use super::request::Request;
use super::row::{Processed, positions};
use crate::kernels::exp::exp_nonpositive_f64;
use crate::kernels::ln::ln;
use crate::reference::{log_probability, log_sum_exp};
use crate::scores::ScoreKind;
use crate::simd::ScalarF64;

/// How continuations are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// What is drawn.
    pub method: Method,
    /// Chooses the random numbers.
    pub seed: u64,
    /// What log-probabilities are divided by before something is drawn.
    pub temperature: f64,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Whole sequences without replacement (Kool et al. 2019).
    StochasticBeams,
    /// The candidates of each step without replacement, which are then ranked as ever
    /// (`do_sample` with beams in Hugging Face transformers).
    BeamSampling,
}

/// How a hypothesis was drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    /// Its log-probability under the distribution that was drawn from.
    pub log_probability: f64,
    /// That, perturbed.
    pub perturbed: f64,
}

impl Sampling {
    /// How the empty hypothesis is drawn.
    pub(super) fn root(&self, key: Key) -> Option<Sampled> {
        let stream = Stream {
            seed: self.seed,
            key,
            length: 0,
        };
        (self.method == Method::StochasticBeams).then(|| Sampled {
            log_probability: 0.0,
            perturbed: stream.own_gumbel(0.0),
        })
    }

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

impl Request {
    /// Whether whole sequences are drawn.
    pub(super) fn is_stochastic(&self) -> bool {
        let method = self.sampling.map(|sampling| sampling.method);
        method == Some(Method::StochasticBeams)
    }
}

/// The logarithm of the importance weight of a hypothesis with this log-probability, in a
/// sample whose threshold is given: its probability over that of being above the threshold.
pub(super) fn log_weight(log_probability: f64, threshold: f64) -> f64 {
    if threshold == f64::NEG_INFINITY {
        return log_probability;
    }
    let distance = log_probability - threshold;
    let exp = |x: f64| exp_nonpositive_f64(ScalarF64(x)).0;
    let odds = match distance > 0.0 {
        true => 1.0 / exp(-distance),
        false => exp(distance),
    };
    // ln(1 - e^-odds); its series where that would cancel.
    let log_chance = if odds < 0.1 {
        let square = odds * odds;
        distance - odds / 2.0 + square / 24.0 - square * square / 2880.0
            + square * square * square / 181_440.0
    } else {
        ln(1.0 - exp(-odds))
    };
    log_probability - log_chance
}

#[cfg(test)]
mod tests {
    use super::log_weight;

    #[test]
    fn weights_are_probabilities_over_those_of_being_in_the_sample() {
        assert_eq!(log_weight(-3.0, f64::NEG_INFINITY), -3.0);
        for step in -400..400 {
            let distance = f64::from(step) / 20.0;
            let log_probability = -2.5;
            let found = log_weight(log_probability, log_probability - distance);
            let chance = -(-distance.exp()).exp_m1();
            let expected = log_probability - chance.ln();
            assert!(
                (found - expected).abs() < 1e-13,
                "{distance}: {found} {expected}"
            );
        }
        // Beyond the range of an exponential.
        assert!((log_weight(-2.0, 900.0) - 900.0).abs() < 1e-9);
        assert_eq!(log_weight(-2.0, -900.0), -2.0);
    }
}
