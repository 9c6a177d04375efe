//! The verdicts of a walk, taken into the beams and the pool.

use super::{Group, LiveHypothesis};
use crate::order::descending;
use crate::search::autoregressive::candidates::Continuation;
use crate::search::autoregressive::own_scores::OwnScores;
use crate::search::autoregressive::request::Request;
use crate::search::autoregressive::sampling::{Lineage, Perturbed};
use crate::search::autoregressive::tree::HypothesisTree;
use crate::search::autoregressive::walk::Verdict;

impl Group {
    /// Takes the verdicts of a walk, as [`Group::take`] takes candidates. Those that were drawn
    /// go on in the order of their scores.
    pub(in crate::search::autoregressive) fn follow(
        &mut self,
        verdicts: &mut [Verdict],
        request: &Request,
        tree: &mut HypothesisTree,
        length: usize,
        own: &OwnScores<'_>,
    ) {
        self.begin_step();
        if request.coverage.is_some() {
            self.coverage.begin_step();
        }
        for verdict in verdicts.iter_mut() {
            let candidate = &verdict.candidate;
            verdict.node = self.push_node(tree, candidate, request, own);
            if let Some(finish) = verdict.finish {
                let coverage = self.coverage_of_parent(request, candidate);
                let score = candidate.score;
                self.finish(request, verdict.node, score, length, finish, coverage);
            }
        }
        if request.sampling.is_some() {
            // Of equal scores the one that was drawn first, whose node is the lower one.
            verdicts.sort_unstable_by(|a, b| {
                let (one, other) = (a.candidate.score, b.candidate.score);
                descending(one, other).then(a.node.cmp(&b.node))
            });
        }
        let going_on = verdicts.iter().filter(|verdict| verdict.goes_on);
        for verdict in going_on.take(request.width(length)) {
            let (candidate, node) = (&verdict.candidate, verdict.node);
            let beam = self.extended(candidate, node, Perturbed::default(), request, own);
            self.go_on(beam, candidate, request);
        }
    }

    /// Adds a beam that continues the parent of a candidate.
    pub(in crate::search::autoregressive) fn go_on(
        &mut self,
        beam: LiveHypothesis,
        candidate: &Continuation,
        request: &Request,
    ) {
        if request.coverage.is_some() {
            self.coverage.keep(candidate.parent as usize);
        }
        let parent = candidate.parent as usize;
        self.progress
            .keep(&request.required, parent, candidate.token);
        self.beams.push(beam);
    }

    /// The node of a candidate, with the model's own score if that is kept.
    pub(in crate::search::autoregressive) fn push_node(
        &self,
        tree: &mut HypothesisTree,
        candidate: &Continuation,
        request: &Request,
        own: &OwnScores<'_>,
    ) -> u32 {
        let parent = self.parent(candidate).node;
        let node = tree.push(parent, candidate.token, candidate.log_probability);
        if request.own_scores {
            tree.push_own_score(own.of(candidate));
        }
        node
    }

    /// The coverage term of a candidate, if its request has one.
    pub(in crate::search::autoregressive) fn coverage_of_parent(
        &self,
        request: &Request,
        candidate: &Continuation,
    ) -> Option<f64> {
        let factor = request.coverage?.factor;
        let parent = candidate.parent as usize;
        Some(self.coverage.term_of_parent(factor, parent))
    }

    /// The hypothesis that a candidate makes.
    pub(in crate::search::autoregressive) fn extended(
        &self,
        candidate: &Continuation,
        node: u32,
        sampled: Perturbed,
        request: &Request,
        own: &OwnScores<'_>,
    ) -> LiveHypothesis {
        let lineage = match request.sampling {
            Some(_) => {
                let lineage = self.parent(candidate).lineage;
                lineage.longer(candidate.token, sampled)
            }
            None => Lineage::default(),
        };
        LiveHypothesis {
            node,
            token: candidate.token,
            parent_row: own.first_row as u32 + candidate.parent,
            score: candidate.score,
            lineage,
        }
    }
}
