//! Required words, as the engine takes them.

use super::extended::Extended;
use crate::autoregressive::{Request, Requirement};

impl Extended {
    /// Adds what must occur to a request of the engine.
    pub(super) fn require_words(&self, request: Request) -> Request {
        let required = self.required.iter();
        let requirement = |phrases: &Vec<Vec<u32>>| Requirement::any_of(phrases.clone()).unwrap();
        request.with_required_words(required.map(requirement))
    }
}
