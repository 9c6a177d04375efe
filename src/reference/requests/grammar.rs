//! The grammar of brackets, as a constraint of the engine with a state per hypothesis.

use super::extended::{Brackets, Extended};
use crate::autoregressive::{Completeness, Constraint, Request, StatefulConstraint, TokenMask};

impl Extended {
    /// Adds the grammar to a request of the engine.
    pub(super) fn constrain_by_grammar(&self, request: Request) -> Request {
        match self.grammar {
            None => request,
            Some((brackets, normaliser)) => {
                let grammar = Constraint::stateful(Grammar {
                    brackets,
                    complete: self.complete,
                });
                request.with_constraint(grammar, normaliser)
            }
        }
    }
}

struct Grammar {
    brackets: Brackets,
    /// Whether it says which sequences are complete.
    complete: bool,
}

/// How deep a hypothesis is in brackets, and whether it has begun.
#[derive(Clone, Copy)]
struct Depth {
    depth: usize,
    begun: bool,
}

impl StatefulConstraint for Grammar {
    type State = Depth;

    fn start(&self, _prompt: &[u32]) -> Depth {
        Depth {
            depth: 0,
            begun: false,
        }
    }

    fn permit(&self, state: &Depth, mask: &mut TokenMask) {
        let Brackets {
            open,
            close,
            deepest,
        } = self.brackets;
        // More tokens than any toy model has; the mask leaves the others out.
        (0..10_000).for_each(|token| {
            let permitted = match token {
                _ if token == open => state.depth < deepest,
                _ if token == close => state.depth > 0,
                _ => true,
            };
            if permitted {
                mask.insert(token);
            }
        });
    }

    fn advance(&self, state: &Depth, token: u32) -> Depth {
        let depth = match token {
            _ if token == self.brackets.open => state.depth + 1,
            _ if token == self.brackets.close => state.depth.saturating_sub(1),
            _ => state.depth,
        };
        Depth { depth, begun: true }
    }

    fn completeness(&self, state: &Depth) -> Option<Completeness> {
        self.complete.then_some(match state {
            Depth {
                depth: 0,
                begun: true,
            } => Completeness::MayEnd,
            _ => Completeness::Incomplete,
        })
    }
}
