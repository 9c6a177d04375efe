//! What can be seen of a running request.

use super::{Slot, State};
use crate::error::Error;
use crate::search::autoregressive::completion::CompletionNBest;
use crate::search::autoregressive::results;

impl Slot {
    /// Appends the live hypotheses, group by group, best first, with the scores that they would
    /// be ranked by if they finished now.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(in crate::search::autoregressive) fn live_into(
        &self,
        nbest: &mut CompletionNBest,
    ) -> Result<(), Error> {
        if let State::Running(request) = &self.state {
            for group in &self.groups[..request.groups] {
                let threshold = group.threshold_of(request);
                for live in group.live_as_finished(request, self.length) {
                    results::append(nbest, &live, &self.tree, request, self.length, threshold)?;
                }
            }
        }
        nbest.end_item()
    }

    /// Appends the finished hypotheses of a running request, group by group, best first.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(in crate::search::autoregressive) fn finished_into(
        &self,
        nbest: &mut CompletionNBest,
    ) -> Result<(), Error> {
        if let State::Running(request) = &self.state {
            for group in &self.groups[..request.groups] {
                let threshold = group.threshold_of(request);
                for done in group.pool.sorted()? {
                    results::append(nbest, &done, &self.tree, request, self.length, threshold)?;
                }
            }
        }
        nbest.end_item()
    }

    /// Writes the tokens of the longest prefix that every live and every
    /// finished hypothesis shares.
    pub(in crate::search::autoregressive) fn stable_prefix(&self, prefix: &mut Vec<u32>) {
        let beams = self
            .groups
            .iter()
            .flat_map(|group| group.beams.iter().map(|beam| beam.node));
        let finished = self
            .groups
            .iter()
            .flat_map(|group| group.pool.iter().map(|f| f.node));
        let mut nodes = beams.chain(finished);
        if let Some(first) = nodes.next() {
            self.tree.tokens_into(first, prefix);
        }
        for node in nodes {
            prefix.truncate(self.tree.shared_with(node, prefix));
        }
    }
}
