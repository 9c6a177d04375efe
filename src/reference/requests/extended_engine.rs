//! Requests with additions, as the engine takes them.

use super::extended::Extended;
use crate::autoregressive::Request;

impl Extended {
    /// The request as the engine takes it.
    pub fn engine(&self) -> Request {
        let request = self.change_rows(self.plain.engine());
        let request = self.add_engine_rules(request);
        let request = self.add_engine_widths(request);
        let request = self.add_engine_extras(request);
        let request = self.add_engine_ends(request);
        let request = self.require_words(request);
        let request = self.constrain_by_grammar(request);
        self.draw(request)
    }

    fn add_engine_widths(&self, request: Request) -> Request {
        let request = request.with_widths(self.widths.clone());
        match self.n_best {
            None => request,
            Some(hypotheses) => request.with_n_best(hypotheses),
        }
    }

    /// What is kept beside the log-probabilities.
    fn add_engine_extras(&self, request: Request) -> Request {
        let request = match self.own_scores {
            true => request.with_own_scores(),
            false => request,
        };
        match self.coverage {
            None => request,
            Some((factor, sources)) => request.with_coverage(factor, sources),
        }
    }
}
