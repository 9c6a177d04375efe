//! One step of a group whose candidates are drawn.

use super::candidates::Continuation;
use super::finish::Finish;
use super::group::{Group, LiveHypothesis};
use super::request::Request;
use super::rules::EndRank;
use super::sampling::{Drawn, Lineage, Perturbed, SamplingMethod};
use super::tree::HypothesisTree;
use crate::error::Error;
use crate::memory::reserve;
use crate::order::descending;

impl Request {
    /// Whether whole sequences are drawn.
    pub(super) fn draws_sequences(&self) -> bool {
        let method = self.sampling.map(|sampling| sampling.method());
        method == Some(SamplingMethod::StochasticBeams)
    }

    /// How many candidates of a group's step are drawn: of sequences one more than beams,
    /// which is the first that is left out.
    pub(super) fn draws(&self, length: usize) -> usize {
        self.draws_of(self.width(length))
    }

    /// How many candidates are drawn in a step that keeps so many.
    pub(super) fn draws_of(&self, width: usize) -> usize {
        match self.draws_sequences() {
            true => width + 1,
            false => self.candidates_of(width),
        }
    }
}

impl Group {
    /// Makes room for what so many drawn candidates become.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn make_room_for_drawn(
        &mut self,
        candidates: usize,
        request: &Request,
        length: usize,
    ) -> Result<(), Error> {
        self.make_room(candidates, request, length)?;
        reserve(self.next_beams(), candidates, "the hypotheses of a group")
    }

    /// Takes the candidates of a step as they were drawn. Returns the best score among them.
    pub(super) fn take_all_drawn(
        &mut self,
        drawn: &[Drawn],
        request: &Request,
        tree: &mut HypothesisTree,
        length: usize,
        first_row: usize,
    ) -> f64 {
        match request.draws_sequences() {
            true => {
                self.take_sequences(drawn, request, tree, length, first_row);
                f64::NEG_INFINITY
            }
            false => self.take_drawn(drawn, request, tree, length, first_row),
        }
    }

    /// Takes the candidates of a step of beam sampling, in the order in which they were
    /// drawn, as the hypotheses of `length` generated tokens: their ranks decide which may
    /// finish, and of those that go on the best by score are the next beams. Returns the best
    /// score among the candidates.
    pub(super) fn take_drawn(
        &mut self,
        drawn: &[Drawn],
        request: &Request,
        tree: &mut HypothesisTree,
        length: usize,
        first_row: usize,
    ) -> f64 {
        let width = request.width(length);
        let mut leader = f64::NEG_INFINITY;
        self.begin_step();
        for (rank, drawn) in drawn.iter().enumerate() {
            let candidate = &drawn.candidate;
            leader = leader.max(candidate.score);
            if request.end_tokens.binary_search(&candidate.token).is_ok() {
                self.note_best(rank == 0);
                if rank < width || request.rules.end_rank == EndRank::Any {
                    let node = self.push_node(tree, candidate);
                    self.finish(request, node, candidate.score, length, Finish::End, None);
                }
            } else {
                let beam = self.extended(tree, candidate, Perturbed::default(), first_row);
                self.beams.push(beam);
            }
        }
        // Of equal scores the one that was drawn first, whose node is the lower one.
        self.beams
            .sort_unstable_by(|a, b| descending(a.score, b.score).then(a.node.cmp(&b.node)));
        self.beams.truncate(width);
        leader
    }

    /// Takes the best children of a step of stochastic beams, one more than beams, best
    /// first: they compete with the finished sequences for the places of the beam. What is
    /// left out raises the threshold.
    pub(super) fn take_sequences(
        &mut self,
        drawn: &[Drawn],
        request: &Request,
        tree: &mut HypothesisTree,
        length: usize,
        first_row: usize,
    ) {
        let width = request.width(length);
        self.begin_step();
        while self.pool.len() > width {
            self.drop_worst();
        }
        for Drawn { candidate, sampled } in drawn {
            if self.pool.len() + self.beams.len() >= width {
                // No child that was taken is worse than this one.
                let worst = self.pool.worst();
                if worst.is_none_or(|worst| worst >= sampled.value) {
                    self.raise_threshold(sampled.value);
                    break;
                }
                self.drop_worst();
            }
            let beam = self.extended(tree, candidate, *sampled, first_row);
            if request.end_tokens.binary_search(&candidate.token).is_ok() {
                self.add_sequence(&beam, Finish::End);
            } else {
                self.beams.push(beam);
            }
        }
    }

    /// Finishes the sequences that are live.
    pub(super) fn finish_sequences(&mut self, finish: Finish) {
        for i in 0..self.beams.len() {
            let beam = self.beams[i];
            self.add_sequence(&beam, finish);
        }
    }

    fn add_sequence(&mut self, beam: &LiveHypothesis, finish: Finish) {
        let sampled = beam.lineage.sampled;
        self.pool.insert(sampled, beam.score, beam.node, finish);
    }

    fn drop_worst(&mut self) {
        if let Some(worst) = self.pool.drop_worst() {
            self.raise_threshold(worst);
        }
    }

    fn push_node(&self, tree: &mut HypothesisTree, candidate: &Continuation) -> u32 {
        let parent = self.parent(candidate).node;
        tree.push(parent, candidate.token, candidate.log_probability)
    }

    fn extended(
        &self,
        tree: &mut HypothesisTree,
        candidate: &Continuation,
        sampled: Perturbed,
        first_row: usize,
    ) -> LiveHypothesis {
        let lineage: Lineage = self.parent(candidate).lineage;
        LiveHypothesis {
            node: self.push_node(tree, candidate),
            token: candidate.token,
            parent_row: first_row as u32 + candidate.parent,
            score: candidate.score,
            lineage: lineage.longer(candidate.token, sampled),
        }
    }
}
