//! What ends a hypothesis.

use super::finish::{Completeness, Finish};
use super::request::{Place, Request};

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
