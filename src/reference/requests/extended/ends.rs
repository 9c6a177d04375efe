//! What ends a hypothesis, for the engine.

use super::{EndsWhen, Extended};
use crate::autoregressive::{Completeness, Constraint, Request};
use crate::reference::autoregressive as oracle;

impl Extended {
    pub(in crate::reference::requests) fn add_engine_ends(&self, request: Request) -> Request {
        let request = request.with_stop_sequences(self.stops.clone());
        match self.ends_when {
            None => request,
            Some(EndsWhen { divisor, rest }) => request.ends_when(move |tokens, token| {
                let sum: u32 = tokens.all().iter().sum::<u32>() + token;
                sum % divisor == rest
            }),
        }
    }

    pub(in crate::reference::requests) fn add_engine_grammar(&self, request: Request) -> Request {
        let Some((brackets, normaliser)) = self.grammar else {
            return request;
        };
        let grammar = Constraint::function(move |generated, mask| {
            // More tokens than any toy model has.
            let tokens = (0..300).filter(|&token| brackets.permits(generated, token));
            tokens.for_each(|token| mask.insert(token));
        });
        let complete = move |generated: &[u32]| match brackets.completeness(generated) {
            oracle::Completeness::Incomplete => Completeness::Incomplete,
            oracle::Completeness::MayEnd => Completeness::MayEnd,
            oracle::Completeness::Complete => Completeness::Complete,
        };
        let grammar = match self.complete {
            true => grammar.with_completeness(move |tokens| complete(tokens.generated())),
            false => grammar,
        };
        request.with_constraint(grammar, normaliser)
    }
}
