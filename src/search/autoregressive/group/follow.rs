//! The verdicts of a walk, taken into the beams and the pool.

use super::{Group, LiveHypothesis};
use crate::search::autoregressive::candidates::Continuation;
use crate::search::autoregressive::own_scores::OwnScores;
use crate::search::autoregressive::request::Request;
use crate::search::autoregressive::sampling::Lineage;
use crate::search::autoregressive::tree::HypothesisTree;
use crate::search::autoregressive::walk::Verdict;

impl Group {
    /// Takes the verdicts of a walk, as [`Group::take`] takes candidates.
    pub(in crate::search::autoregressive) fn follow(
        &mut self,
        verdicts: &[Verdict],
        request: &Request,
        tree: &mut HypothesisTree,
        length: usize,
        own: &OwnScores<'_>,
    ) {
        self.begin_step();
        if request.coverage.is_some() {
            self.coverage.begin_step();
        }
        for verdict in verdicts {
            let Continuation {
                score,
                log_probability,
                parent,
                token,
                ..
            } = verdict.candidate;
            let before = self.previous[parent as usize].node;
            let node = tree.push(before, token, log_probability);
            let parent = parent as usize;
            if request.own_scores {
                tree.push_own_score(own.of(&verdict.candidate));
            }
            if let Some(finish) = verdict.finish {
                let factor = request.coverage.map(|coverage| coverage.factor);
                let coverage = factor.map(|factor| self.coverage.term_of_parent(factor, parent));
                self.finish(request, node, score, length, finish, coverage);
            }
            if verdict.goes_on {
                if request.coverage.is_some() {
                    self.coverage.keep(parent);
                }
                self.beams.push(LiveHypothesis {
                    node,
                    token,
                    parent_row: (own.first_row + parent) as u32,
                    score,
                    lineage: Lineage::default(),
                });
            }
        }
    }
}
