//! How a request ends: by its last step, by the caller's word, or with an error.

use super::{Slot, State};
use crate::error::Error;
use crate::phase;
use crate::search::autoregressive::outcome::Ended;
use crate::search::autoregressive::request::Request;

impl Slot {
    /// Ends the request, with what its groups have found.
    pub(super) fn end(&mut self, request: &Request, ended: Result<Ended, Error>) {
        let ended = ended.and_then(|ended| {
            self.gather(request)?;
            Ok(match self.results.is_empty() {
                true => Ended::NothingFound,
                false => ended,
            })
        });
        if ended.is_err() {
            self.results.clear();
        }
        self.state = State::Done(ended);
    }

    /// Ends the request because the caller says so. Its live hypotheses stay as they are for
    /// the feed of a step that is under way. False if it was not running.
    pub(in crate::search::autoregressive) fn finish(&mut self) -> bool {
        if !self.is_running() {
            return false;
        }
        let State::Running(mut request) = std::mem::take(&mut self.state) else {
            return false;
        };
        let length = self.length;
        let groups = &mut self.groups[..request.groups];
        let finished = groups
            .iter_mut()
            .try_for_each(|group| group.finish_now(&request, length));
        self.end(&request, finished.map(|()| Ended::Told));
        self.prompt = std::mem::take(&mut request.prompt);
        true
    }

    /// Ends the request without results.
    pub(in crate::search::autoregressive) fn fail(&mut self, error: Error) {
        self.results.clear();
        self.state = State::Done(Err(error));
    }

    /// Collects what all groups have found.
    pub(super) fn gather(&mut self, request: &Request) -> Result<(), Error> {
        let _backtracking = phase::backtrack();
        let groups = &self.groups[..request.groups];
        let finished = groups.iter().flat_map(|group| group.pool.iter());
        let (limit, longest) = (request.wanted(), self.length);
        // Sequences are drawn by one group.
        let dropped = groups[0].threshold_of(request);
        self.results
            .gather(finished, &self.tree, request, limit, longest, dropped)
    }
}
