//! What ends a hypothesis.

use super::request::{Place, Request};
use crate::autoregressive as engine;

/// Why a hypothesis finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Its last token is an end token.
    End,
    /// It ends with the stop sequence of this number.
    Stop(usize),
    /// The request's predicate said so.
    Predicate,
    /// It is a complete permitted sequence.
    Complete,
    /// It was live at the maximum length.
    Length,
    /// It was live when its request ended before the maximum length.
    Live,
}

impl From<engine::Finish> for Finish {
    fn from(finish: engine::Finish) -> Finish {
        match finish {
            engine::Finish::End => Finish::End,
            engine::Finish::Length => Finish::Length,
        }
    }
}

/// Whether a hypothesis ends with a token.
pub type Predicate = dyn Fn(&Place<'_>, u32) -> bool;

/// Whether generated tokens are a whole permitted sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// They are not.
    Incomplete,
    /// They are, and a longer one begins with them.
    MayEnd,
    /// They are, and nothing may follow.
    Complete,
}

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

/// What a candidate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) ends: Option<Finish>,
    pub(super) goes_on: bool,
}

impl Request {
    /// How many different tokens can end a row's hypothesis, end tokens and stop sequences
    /// taken together.
    pub(super) fn ending_tokens(&self) -> usize {
        let stops = self.ends.stops.iter().filter_map(|stop| stop.last());
        let mut tokens: Vec<u32> = self.end_tokens.iter().chain(stops).copied().collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens.len()
    }

    /// The number of the stop sequence that the tokens end with: of several the longest, of
    /// equal ones the first.
    pub(super) fn stop(&self, tokens: &[u32]) -> Option<usize> {
        let stops = self.ends.stops.iter().enumerate();
        let complete = stops.filter(|(_, stop)| tokens.ends_with(stop));
        complete
            .min_by_key(|&(index, stop)| (usize::MAX - stop.len(), index))
            .map(|(index, _)| index)
    }

    /// What all constraints together say of generated tokens.
    pub(super) fn completeness(&self, generated: &[u32]) -> Completeness {
        let place = Place {
            request: self,
            generated,
        };
        if !self.end_tokens.is_empty() || self.ends.completeness.is_empty() {
            return Completeness::Incomplete;
        }
        let all = self.ends.completeness.iter().map(|says| says(&place));
        let all: Vec<Completeness> = all.collect();
        if all.contains(&Completeness::Incomplete) {
            Completeness::Incomplete
        } else if all.contains(&Completeness::Complete) {
            Completeness::Complete
        } else {
            Completeness::MayEnd
        }
    }

    /// What becomes of generated tokens and one more.
    pub(super) fn fate(&self, generated: &[u32], token: u32) -> Fate {
        let place = Place {
            request: self,
            generated,
        };
        let longer = [generated, &[token]].concat();
        let ends = |finish| Fate {
            ends: Some(finish),
            goes_on: false,
        };
        if self.end_tokens.contains(&token) {
            return ends(Finish::End);
        }
        if let Some(index) = self.stop(&longer) {
            return ends(Finish::Stop(index));
        }
        let predicate = self.ends.predicate.as_ref();
        if predicate.is_some_and(|predicate| predicate(&place, token)) {
            return ends(Finish::Predicate);
        }
        match self.completeness(&longer) {
            Completeness::Incomplete => Fate {
                ends: None,
                goes_on: true,
            },
            Completeness::MayEnd if longer.len() < self.max_length => Fate {
                ends: Some(Finish::Complete),
                goes_on: true,
            },
            Completeness::MayEnd | Completeness::Complete => ends(Finish::Complete),
        }
    }

    /// How many tokens at the end of a hypothesis are its ending.
    pub(super) fn ending_length(&self, finish: Finish) -> usize {
        match finish {
            Finish::End => 1,
            Finish::Stop(index) => self.ends.stops[index].len(),
            Finish::Predicate | Finish::Complete | Finish::Length | Finish::Live => 0,
        }
    }
}
