//! Requests with additions, as the engine takes them.

use super::extended::Extended;
use super::model::Model;
use crate::ErrorKind;
use crate::autoregressive::{AutoregressiveSearch, Request};

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

    /// Whether the engine takes it.
    ///
    /// # Panics
    ///
    /// If the engine refuses a request of which the oracle finds something: it is to refuse
    /// those alone that cannot end.
    pub fn is_admitted(&self, model: &Model) -> bool {
        let search = AutoregressiveSearch::new(model.vocab);
        let Err(error) = search.and_then(|mut search| search.admit(self.engine())) else {
            return true;
        };
        assert_eq!(error.kind(), ErrorKind::InvalidSetting, "{error}");
        let to_the_end = Extended {
            finish_after: None,
            ..self.clone()
        };
        let found = to_the_end.expected(model).hypotheses;
        assert!(found.is_empty(), "{error}, but {found:?} is found");
        false
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
