//! What a request asks for, in plain data and closures over dense rows.

use std::collections::BTreeSet;

use super::finish::Completeness;
use super::requirement::Requirement;
use super::rules::Rules;
use super::sampling::{Method, Sampling};
use crate::autoregressive as engine;

/// A request.
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
    /// What ends a hypothesis beside end tokens.
    pub ends: Ends,
    /// The beam width of each step, the last one repeated; empty: that of the request.
    pub widths: Vec<usize>,
    /// How many hypotheses come back; by default as many as beams.
    pub n_best: Option<usize>,
    /// What must occur.
    pub required: Vec<Requirement>,
    /// Whether and how continuations are drawn.
    pub sampling: Option<Sampling>,
    /// The factor of the coverage penalty.
    pub coverage: Option<f64>,
    /// Whether the model's own log-probabilities are wanted.
    pub own_scores: bool,
    /// After how many steps the caller tells the request to finish, if it does.
    pub finish_after: Option<usize>,
}

impl Request {
    /// A request with no more than a beam width and a maximum length.
    pub fn new(beams: usize, max_length: usize) -> Request {
        Request {
            beams,
            max_length,
            prompt: Vec::new(),
            end_tokens: Vec::new(),
            rules: engine::Rules::plain().into(),
            groups: (1, 0.0),
            before: Vec::new(),
            after: Vec::new(),
            ends: Ends::default(),
            widths: Vec::new(),
            n_best: None,
            required: Vec::new(),
            sampling: None,
            coverage: None,
            own_scores: false,
            finish_after: None,
        }
    }

    /// The beams of one group.
    pub(super) fn group_beams(&self) -> usize {
        self.beams / self.groups.0
    }

    /// How many live hypotheses of a group the step to `length` tokens keeps.
    pub(super) fn width(&self, length: usize) -> usize {
        let last = self.widths.len().saturating_sub(1);
        let width = self.widths.get((length - 1).min(last));
        width.copied().unwrap_or(self.beams) / self.groups.0
    }

    /// How many hypotheses come back.
    pub(super) fn wanted(&self) -> usize {
        self.n_best.unwrap_or(self.beams)
    }

    /// Whether a step keeps more than the one before.
    pub(super) fn widens(&self) -> bool {
        !self.widths.is_sorted_by(|before, width| before >= width)
    }

    /// Whether whole sequences are drawn.
    pub(super) fn is_stochastic(&self) -> bool {
        let method = self.sampling.map(|sampling| sampling.method);
        method == Some(Method::StochasticBeams)
    }
}

/// Whether a hypothesis ends with a token.
pub type Predicate = dyn Fn(&Place<'_>, u32) -> bool;

/// What a constraint says of generated tokens.
pub type Completes = dyn Fn(&Place<'_>) -> Completeness;

/// What ends a hypothesis beside end tokens.
#[derive(Default)]
pub struct Ends {
    /// Sequences of tokens that end it.
    pub stops: Vec<Vec<u32>>,
    /// Says which tokens end it.
    pub predicate: Option<Box<Predicate>>,
    /// What each constraint that knows says of generated tokens. It counts only where there
    /// are no end tokens.
    pub completeness: Vec<Box<Completes>>,
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
