//! The grammar of brackets, as a constraint of the engine with a state per hypothesis.

use super::extended::{Brackets, Extended};
use crate::autoregressive::{Completeness, Constraint, Request, StatefulConstraint, TokenMask};
use crate::reference::autoregressive as oracle;

impl Extended {
    /// Adds the grammar to a request of the engine.
    pub(super) fn constrain_by_grammar(&self, request: Request) -> Request {
        match self.grammar {
            None => request,
            Some((brackets, normaliser)) => {
                let grammar = Constraint::stateful(Depth(brackets));
                let grammar = match self.complete {
                    true => grammar.with_completeness(move |tokens| {
                        match brackets.completeness(tokens.generated()) {
                            oracle::Completeness::Incomplete => Completeness::Incomplete,
                            oracle::Completeness::MayEnd => Completeness::MayEnd,
                            oracle::Completeness::Complete => Completeness::Complete,
                        }
                    }),
                    false => grammar,
                };
                request.with_constraint(grammar, normaliser)
            }
        }
    }
}

/// Brackets, whose state is the depth.
struct Depth(Brackets);

impl StatefulConstraint for Depth {
    type State = usize;

    fn start(&self, _prompt: &[u32]) -> usize {
        0
    }

    fn permit(&self, depth: &usize, mask: &mut TokenMask) {
        let Brackets {
            open,
            close,
            deepest,
        } = self.0;
        // More tokens than any toy model has; the mask leaves the others out.
        (0..10_000).for_each(|token| {
            let permitted = match token {
                _ if token == open => *depth < deepest,
                _ if token == close => *depth > 0,
                _ => true,
            };
            if permitted {
                mask.insert(token);
            }
        });
    }

    fn advance(&self, depth: &usize, token: u32) -> usize {
        match token {
            _ if token == self.0.open => depth + 1,
            _ if token == self.0.close => depth.saturating_sub(1),
            _ => *depth,
        }
    }
}
