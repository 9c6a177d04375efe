//! Hypotheses: live, and found.

use super::finish::Finish;
use super::random::{self, Key};
use super::request::Request;
use super::sampling::Sampled;

/// A finished hypothesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The generated tokens.
    pub tokens: Vec<u32>,
    /// The log-probability of each, as processed.
    pub token_scores: Vec<f64>,
    /// Their sum.
    pub log_probability: f64,
    /// What it is ranked by.
    pub score: f64,
    /// Why it finished.
    pub finish: Finish,
}

/// A finished hypothesis with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// What every hypothesis has.
    pub found: Found,
    /// How many tokens at the end are its ending.
    pub ending: usize,
    /// Its group.
    pub group: usize,
    /// The model's own log-probability of each token, if wanted.
    pub own_scores: Option<Vec<f64>>,
    /// The coverage term of its score; 0 without one.
    pub coverage: f64,
    /// How it was drawn, if it was.
    pub sampled: Option<Sampled>,
    /// The logarithm of its importance weight, if it was drawn.
    pub log_weight: Option<f64>,
}

/// A live hypothesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// The generated tokens.
    pub tokens: Vec<u32>,
    /// The log-probability of each, as processed.
    pub token_scores: Vec<f64>,
    /// Their sum.
    pub log_probability: f64,
    /// The model's own log-probability of each, if wanted.
    pub own_scores: Vec<f64>,
    /// How much each source position was attended to.
    pub attended: Vec<f64>,
    /// What its random numbers depend on.
    pub(super) key: Key,
    /// How it was drawn, if it was.
    pub sampled: Option<Sampled>,
}

impl Live {
    /// The empty hypothesis of a group.
    pub(super) fn empty(request: &Request, group: usize) -> Live {
        let key = random::root(group);
        let sampling = request.sampling.as_ref();
        Live {
            tokens: Vec::new(),
            token_scores: Vec::new(),
            log_probability: 0.0,
            own_scores: Vec::new(),
            attended: Vec::new(),
            key,
            sampled: sampling.and_then(|sampling| sampling.root(key)),
        }
    }

    /// It, finished.
    pub(super) fn finished(self, request: &Request, group: usize, finish: Finish) -> Hypothesis {
        let ending = request.ending_length(finish);
        let coverage = request.coverage.map(|beta| coverage(beta, &self.attended));
        let (prompt, generated) = (request.prompt.len(), self.tokens.len());
        let rules = &request.rules;
        let penalised = rules.penalised(self.log_probability, prompt, generated, ending);
        let score = match self.sampled {
            Some(sampled) => sampled.perturbed,
            // Without the term a score of -0.0 keeps its sign.
            None => coverage.map_or(penalised, |coverage| penalised + coverage),
        };
        Hypothesis {
            found: Found {
                tokens: self.tokens,
                token_scores: self.token_scores,
                log_probability: self.log_probability,
                score,
                finish,
            },
            ending,
            group,
            own_scores: request.own_scores.then_some(self.own_scores),
            coverage: coverage.unwrap_or(0.0),
            sampled: self.sampled,
            log_weight: None,
        }
    }
}

/// The coverage penalty of Wu et al. 2016, section 7.
fn coverage(beta: f64, attended: &[f64]) -> f64 {
    let least = f64::from(f32::MIN_POSITIVE);
    let term = |&sum: &f64| crate::kernels::ln::ln(sum.clamp(least, 1.0));
    beta * attended.iter().map(term).fold(0.0, |sum, term| sum + term)
}
