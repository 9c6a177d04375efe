//! Requests with settings of which the oracle knows more than the engine.

mod ends;
mod rules;

use super::model::Model;
use super::penalty::Penalised;
use super::spec::Spec;
use super::timestamps::Timestamps;
use crate::autoregressive::Normaliser;
use crate::reference::autoregressive::{self as oracle, Completeness, Place, Scored, Scores};
use crate::reference::toy::mix;

/// A request in plain data.
#[derive(Clone, Debug)]
pub struct Extended {
    /// What the engine has settings for.
    pub plain: Spec,
    /// Other rules than those.
    pub rules: Option<oracle::Rules>,
    /// Sequences that end a hypothesis.
    pub stops: Vec<Vec<u32>>,
    /// A predicate that ends it.
    pub ends_when: Option<EndsWhen>,
    /// Whether what the grammar says is complete ends it. A trie says it always.
    pub complete: bool,
    /// What may be generated, beside the constraints of the engine.
    pub grammar: Option<(Brackets, Normaliser)>,
    /// The beam width of each step.
    pub widths: Vec<usize>,
    /// How many hypotheses come back.
    pub n_best: Option<usize>,
    /// What must occur: sets of phrases.
    pub required: Vec<Vec<Vec<u32>>>,
    /// How continuations are drawn.
    pub sampling: Option<oracle::Sampling>,
    /// The factor of the coverage penalty, and the source positions.
    pub coverage: Option<(f64, usize)>,
    /// Penalties before the log-softmax.
    pub penalties_before: Vec<Penalised>,
    /// Penalties after it.
    pub penalties_after: Vec<Penalised>,
    /// Whisper's timestamps.
    pub timestamps: Option<Timestamps>,
    /// Whether the model's own log-probabilities are wanted.
    pub own_scores: bool,
    /// After how many steps it is told to finish.
    pub finish_after: Option<usize>,
    /// How many tokens of each row are given, the best of it; all if none.
    pub given: Option<usize>,
}

/// Ends a hypothesis with a token where the sum of all tokens leaves a rest.
#[derive(Clone, Copy, Debug)]
pub struct EndsWhen {
    /// What the sum is divided by.
    pub divisor: u32,
    /// The rest.
    pub rest: u32,
}

/// A grammar of brackets: its state is the depth.
#[derive(Clone, Copy, Debug)]
pub struct Brackets {
    /// The token that opens one.
    pub open: u32,
    /// The token that closes one.
    pub close: u32,
    /// The largest depth.
    pub deepest: usize,
}

impl Brackets {
    fn depth(&self, tokens: &[u32]) -> usize {
        let count = |bracket| tokens.iter().filter(|&&token| token == bracket).count();
        count(self.open) - count(self.close)
    }

    fn permits(&self, tokens: &[u32], token: u32) -> bool {
        let depth = self.depth(tokens);
        match token {
            _ if token == self.open => depth < self.deepest,
            _ if token == self.close => depth > 0,
            _ => true,
        }
    }

    pub(super) fn completeness(&self, tokens: &[u32]) -> Completeness {
        match tokens.is_empty() || self.depth(tokens) > 0 {
            true => Completeness::Incomplete,
            false => Completeness::MayEnd,
        }
    }
}

impl Extended {
    /// A request with no more than the engine has.
    pub fn of(plain: Spec) -> Extended {
        Extended {
            plain,
            rules: None,
            stops: Vec::new(),
            ends_when: None,
            complete: false,
            grammar: None,
            widths: Vec::new(),
            n_best: None,
            required: Vec::new(),
            sampling: None,
            coverage: None,
            penalties_before: Vec::new(),
            penalties_after: Vec::new(),
            timestamps: None,
            own_scores: false,
            finish_after: None,
            given: None,
        }
    }

    /// The request as the oracle takes it.
    pub fn oracle(&self) -> oracle::Request {
        let mut request = self.plain.unconstrained();
        if let Some(rules) = self.rules {
            request.rules = rules;
        }
        self.add_ends(&mut request.ends);
        request.widths.clone_from(&self.widths);
        request.n_best = self.n_best;
        let required = self.required.iter().cloned();
        request.required = required.map(oracle::Requirement).collect();
        request.sampling = self.sampling;
        request.coverage = self.coverage.map(|(beta, _)| beta);
        request.own_scores = self.own_scores;
        request.finish_after = self.finish_after;
        for penalty in self.penalties_before.clone() {
            request
                .before
                .push(Box::new(move |place, row| penalty.apply(place, row)));
        }
        if let Some(timestamps) = self.timestamps {
            request
                .before
                .push(Box::new(move |place, row| timestamps.apply(place, row)));
        }
        for penalty in self.penalties_after.clone() {
            request
                .after
                .push(Box::new(move |place, row| penalty.apply(place, row)));
        }
        // They come last, in the engine too: what else changes a row does not see them.
        self.plain.constrain(&mut request);
        if let Some((brackets, normaliser)) = self.grammar {
            let permitted = move |place: &Place<'_>, vocab: usize| {
                let tokens = place.generated.to_vec();
                (0..vocab as u32).filter(move |&token| brackets.permits(&tokens, token))
            };
            match normaliser {
                Normaliser::Permitted => request.before.push(Box::new(move |place, row| {
                    row.permit_only(permitted(place, row.scores.len()));
                })),
                Normaliser::WholeRow => request.after.push(Box::new(move |place, row| {
                    row.permit_only(permitted(place, row.scores.len()));
                })),
            }
        }
        request
    }

    fn add_ends(&self, ends: &mut oracle::Ends) {
        ends.stops.clone_from(&self.stops);
        if let Some(EndsWhen { divisor, rest }) = self.ends_when {
            ends.predicate = Some(Box::new(move |place, token| {
                let sum: u32 = place.history().iter().sum::<u32>() + token;
                sum % divisor == rest
            }));
        }
        if let (Some((brackets, _)), true) = (self.grammar, self.complete) {
            ends.completeness.push(Box::new(move |place| {
                brackets.completeness(place.generated)
            }));
        }
    }

    /// What the oracle finds.
    pub fn expected(&self, model: &Model) -> oracle::Outcome {
        oracle::run(&self.oracle(), model.kind, &|history| {
            self.scored(model, history)
        })
    }

    /// What the caller hands in after a prompt and generated tokens.
    pub fn scored(&self, model: &Model, history: &[u32]) -> Scored {
        let scores = model.scores(history);
        let attention = match self.coverage {
            Some((_, sources)) => attention(model.seed, history, sources),
            None => Vec::new(),
        };
        let scores = match self.given {
            None => Scores::Dense(scores),
            Some(most) => {
                let mut given: Vec<(u32, f32)> = (0..).zip(scores).collect();
                given.sort_by(|a, b| b.1.partial_cmp(&a.1).expect("no NaN"));
                given.truncate(most);
                let vocab = model.vocab;
                Scores::Sparse { vocab, given }
            }
        };
        Scored { scores, attention }
    }
}

/// How much a toy model attends to each source position: any function of the history whose
/// values add up to about 1.
fn attention(seed: u64, history: &[u32], sources: usize) -> Vec<f32> {
    let add = |state: u64, &token: &u32| mix(state.wrapping_add(u64::from(token)).wrapping_add(1));
    let state = history.iter().fold(mix(seed.wrapping_add(1)), add);
    let weight = |source: usize| (mix(state ^ mix(source as u64)) >> 40) as f32;
    let mut weights: Vec<f32> = (0..sources).map(weight).collect();
    if weights.iter().all(|&weight| weight == 0.0) {
        // One source at least is attended to.
        weights.fill(1.0);
    }
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}
