//! Requests with the settings that the engine has.

use std::cell::Cell;

use super::model::Model;
use super::processor::Processor;
use crate::ErrorKind;
use crate::autoregressive::{
    AtMaximum, AutoregressiveSearch, Constraint, MaximumLength, Normaliser, Request, Rules,
    TokenMask, TokenTrie,
};
use crate::reference::autoregressive::{self as oracle, Completeness, Found, Place};

/// The tokens that a request permits.
#[derive(Clone, Debug)]
pub enum Permitted {
    /// Those that continue one of some sequences.
    Trie(Vec<Vec<u32>>),
    /// The same ones at every step.
    Mask(Vec<u32>),
    /// Those of the first 200 tokens whose sum with the number of tokens so far, the prompt
    /// included, is not divisible.
    Function(u32),
}

/// A request, to be built for the engine and for the oracle.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Beam width.
    pub beams: usize,
    /// The most tokens of a hypothesis.
    pub max_length: usize,
    /// Tokens that come before those that are generated.
    pub prompt: Vec<u32>,
    /// End tokens.
    pub ends: Vec<u32>,
    /// How hypotheses end and are compared.
    pub rules: Rules,
    /// Groups of beams, and the penalty of their diversity.
    pub groups: (usize, f64),
    /// Processors of the logits.
    pub before: Vec<Processor>,
    /// Processors of the log-probabilities.
    pub after: Vec<Processor>,
    /// The tokens that are permitted, by all of these, and what normalises their scores.
    pub constraints: Vec<(Permitted, Normaliser)>,
}

impl Spec {
    /// A request with end tokens and no more.
    pub fn plain(beams: usize, max_length: usize, ends: &[u32]) -> Spec {
        Spec {
            beams,
            max_length,
            prompt: Vec::new(),
            ends: ends.to_vec(),
            rules: Rules::plain(),
            groups: (1, 0.0),
            before: Vec::new(),
            after: Vec::new(),
            constraints: Vec::new(),
        }
    }

    /// What is permitted, with what it takes so that the request is not refused: a sequence of
    /// a trie, a token of a mask, and the end tokens where the last token must be one.
    fn permitted(&self) -> Vec<(Permitted, Normaliser)> {
        let forced = self.rules.at_maximum() == AtMaximum::ForceEnd;
        let mut all = self.constraints.clone();
        for (permitted, _) in &mut all {
            match permitted {
                Permitted::Trie(sequences) if sequences.is_empty() => sequences.push(vec![0]),
                Permitted::Mask(tokens) => {
                    tokens.extend(self.ends.iter().filter(|_| forced));
                    if tokens.is_empty() {
                        tokens.push(0);
                    }
                }
                Permitted::Trie(_) | Permitted::Function(_) => {}
            }
        }
        all
    }

    /// The request as the engine takes it.
    pub fn engine(&self) -> Request {
        let mut request = Request::new(self.beams, MaximumLength(self.max_length))
            .with_prompt(self.prompt.clone())
            .with_end_tokens(self.ends.clone())
            .with_rules(self.rules)
            .with_diverse_groups(self.groups.0, self.groups.1);
        for processor in &self.before {
            request = processor.engine(request, true);
        }
        for processor in &self.after {
            request = processor.engine(request, false);
        }
        for (permitted, normaliser) in self.permitted() {
            request = match permitted {
                Permitted::Trie(sequences) => {
                    request.with_constraint(TokenTrie::new(sequences), normaliser)
                }
                Permitted::Mask(tokens) => {
                    request.with_constraint(tokens.into_iter().collect::<TokenMask>(), normaliser)
                }
                Permitted::Function(divisor) => {
                    let constraint = Constraint::function(move |so_far, mask| {
                        let length = so_far.generated().len() + so_far.prompt().len();
                        let tokens =
                            (0..200u32).filter(|t| !(t + length as u32).is_multiple_of(divisor));
                        tokens.for_each(|token| mask.insert(token));
                    });
                    request.with_constraint(constraint, normaliser)
                }
            };
        }
        request
    }

    /// It, without what changes rows if the engine refuses it because it cannot end.
    #[must_use]
    pub fn able_to_end(mut self, vocab: usize) -> Spec {
        let search = AutoregressiveSearch::new(vocab);
        let id = search.and_then(|mut search| search.admit(self.engine()));
        if id.is_err_and(|error| error.kind() == ErrorKind::InvalidSetting) {
            self.before.clear();
            self.after.clear();
            self.constraints.clear();
        }
        self
    }

    /// Whether complete permitted sequences finish without an end token.
    pub(super) fn completes(&self) -> bool {
        let is_trie =
            |(permitted, _): &(Permitted, Normaliser)| matches!(permitted, Permitted::Trie(_));
        self.ends.is_empty() && self.constraints.iter().any(is_trie)
    }

    /// The request as the oracle takes it.
    pub fn oracle(&self) -> oracle::Request {
        let mut request = self.unconstrained();
        self.constrain(&mut request);
        request
    }

    /// It, but for what is permitted.
    pub(super) fn unconstrained(&self) -> oracle::Request {
        let mut ends = self.ends.clone();
        ends.sort_unstable();
        ends.dedup();
        let mut request = oracle::Request::new(self.beams, self.max_length);
        request.prompt = self.prompt.clone();
        request.end_tokens = ends;
        request.rules = self.rules.into();
        request.groups = self.groups;
        for processor in self.before.clone() {
            request
                .before
                .push(Box::new(move |place, row| processor.apply(place, row)));
        }
        for processor in self.after.clone() {
            request
                .after
                .push(Box::new(move |place, row| processor.apply(place, row)));
        }
        request
    }

    /// Adds what is permitted, behind all other changes.
    pub(super) fn constrain(&self, request: &mut oracle::Request) {
        for (permitted, _) in self.permitted() {
            if let Permitted::Trie(sequences) = permitted {
                let says = move |place: &Place<'_>| completeness(&sequences, place.generated);
                request.ends.completeness.push(Box::new(says));
            }
        }
        for (permitted, normaliser) in self.permitted() {
            let tokens = move |place: &Place<'_>, vocab: usize| -> Vec<u32> {
                let generated = place.generated;
                let all = 0..vocab as u32;
                match &permitted {
                    Permitted::Mask(tokens) => tokens.clone(),
                    Permitted::Function(divisor) => all
                        .take(200)
                        .filter(|t| !(t + place.history().len() as u32).is_multiple_of(*divisor))
                        .collect(),
                    Permitted::Trie(sequences) => all
                        .filter(|&token| {
                            let begins = |s: &Vec<u32>| {
                                s.starts_with(generated) && s.get(generated.len()) == Some(&token)
                            };
                            let ends = place.request.end_tokens.contains(&token)
                                && sequences.iter().any(|s| s == generated);
                            ends || sequences.iter().any(begins)
                        })
                        .collect(),
                }
            };
            match normaliser {
                Normaliser::Permitted => request.before.push(Box::new(move |place, row| {
                    let tokens = tokens(place, row.scores.len());
                    row.permit_only(tokens);
                })),
                Normaliser::WholeRow => request.after.push(Box::new(move |place, row| {
                    let tokens = tokens(place, row.scores.len());
                    row.permit_only(tokens);
                })),
            }
        }
    }

    /// What the oracle finds.
    pub fn expected(&self, model: &Model) -> Vec<Found> {
        self.expected_in_steps(model).0
    }

    /// What the oracle finds, and how many steps it takes.
    pub fn expected_in_steps(&self, model: &Model) -> (Vec<Found>, usize) {
        let steps = Cell::new(0);
        let found = oracle::search(&self.oracle(), model.kind, &|history| {
            let generated = history.len() - self.prompt.len();
            steps.set(steps.get().max(generated + 1));
            model.scores(history)
        });
        (found, steps.get())
    }
}

/// Whether generated tokens are one of some sequences, and a longer one begins with them.
fn completeness(sequences: &[Vec<u32>], generated: &[u32]) -> Completeness {
    let longer = |s: &Vec<u32>| s.starts_with(generated) && s != generated;
    match sequences.iter().any(|sequence| sequence == generated) {
        false => Completeness::Incomplete,
        true if sequences.iter().any(longer) => Completeness::MayEnd,
        true => Completeness::Complete,
    }
}
