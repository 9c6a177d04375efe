//! What ends a hypothesis beside end tokens: stop sequences, and a predicate.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use super::tokens_so_far::TokensSoFar;
use super::tree::HypothesisTree;
use crate::error::{Error, Kind};

/// Whether a hypothesis ends with a token.
type Predicate = dyn Fn(&TokensSoFar<'_>, u32) -> bool + Send + Sync;

/// What ends a hypothesis beside end tokens.
#[derive(Clone, Default)]
pub(super) struct Ends {
    /// As they were given.
    stops: Vec<Vec<u32>>,
    /// Their indices: by last token, then the longest first, then the first given.
    by_last: Vec<u32>,
    predicate: Option<Arc<Predicate>>,
}

impl Ends {
    /// Replaces the stop sequences.
    pub(super) fn set_stops(&mut self, stops: Vec<Vec<u32>>) {
        let mut by_last: Vec<u32> = (0..stops.len() as u32).collect();
        by_last.sort_by_key(|&index| {
            let stop = &stops[index as usize];
            (stop.last().copied(), Reverse(stop.len()), index)
        });
        (self.stops, self.by_last) = (stops, by_last);
    }

    pub(super) fn set_predicate(
        &mut self,
        predicate: impl Fn(&TokensSoFar<'_>, u32) -> bool + Send + Sync + 'static,
    ) {
        self.predicate = Some(Arc::new(predicate));
    }

    pub(super) fn stops(&self) -> &[Vec<u32>] {
        &self.stops
    }

    pub(super) fn predicate(&self) -> Option<&Predicate> {
        self.predicate.as_deref()
    }

    /// Whether there is nothing that ends a hypothesis.
    pub(super) fn is_empty(&self) -> bool {
        self.stops.is_empty() && self.predicate.is_none()
    }

    pub(super) fn check(&self, vocab: usize) -> Result<(), Error> {
        if let Some(index) = self.stops.iter().position(Vec::is_empty) {
            return Err(Kind::EmptyStop { index }.into());
        }
        let unknown = |&&token: &&u32| token as usize >= vocab;
        match self.stops.iter().flatten().find(unknown) {
            Some(&token) => {
                let what = "stop sequences";
                Err(Kind::UnknownToken { what, token, vocab }.into())
            }
            None => Ok(()),
        }
    }

    /// The stop sequence that a token behind `node`'s hypothesis completes: of several the
    /// longest, of equal ones the first. O(length of the stop sequences that end with the
    /// token), and less where they differ from the hypothesis.
    pub(super) fn stop(&self, tree: &HypothesisTree, node: u32, token: u32) -> Option<u32> {
        let last = |&index: &u32| self.stops[index as usize].last().copied();
        let first = self
            .by_last
            .partition_point(|index| last(index) < Some(token));
        let with_token = self.by_last[first..].iter();
        let mut candidates = with_token.take_while(|&index| last(index) == Some(token));
        let complete = |&&index: &&u32| {
            let stop = &self.stops[index as usize];
            tree.ends_with(node, &stop[..stop.len() - 1])
        };
        candidates.find(complete).copied()
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ends")
            .field("stops", &self.stops)
            .field("predicate", &self.predicate.is_some())
            .finish()
    }
}
