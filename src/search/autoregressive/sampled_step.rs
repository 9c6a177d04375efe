//! One step of a group of stochastic beams.

use super::fate::Fate;
use super::finish::Finish;
use super::group::{Group, LiveHypothesis};
use super::own_scores::OwnScores;
use super::pool::FinalScores;
use super::request::Request;
use super::sampling::{Drawn, SamplingMethod};
use super::scan::Weighing;
use super::tree::HypothesisTree;
use crate::scores::ScoreKind;

impl Request {
    /// Whether whole sequences are drawn.
    pub(super) fn draws_sequences(&self) -> bool {
        let method = self.sampling.map(|sampling| sampling.method());
        method == Some(SamplingMethod::StochasticBeams)
    }

    /// What the read of its rows adds up.
    pub(super) fn weighing(&self, kind: ScoreKind) -> Weighing {
        match self.sampling {
            _ if kind == ScoreKind::Probabilities => Weighing::Normalisers,
            None => Weighing::Normalisers,
            Some(sampling) if sampling.temperature() == 1.0 => Weighing::AsRead,
            Some(sampling) => Weighing::Cooled(sampling.factor()),
        }
    }

    /// How many candidates a step that keeps so many draws, if it does not have to look further:
    /// of sequences one more than beams, which is the first that is left out.
    pub(super) fn draws_of(&self, width: usize) -> usize {
        match self.draws_sequences() {
            true => width + 1,
            false => self.candidates_of(width),
        }
    }
}

impl Group {
    /// Takes the best children of a step of stochastic beams, one more than beams, best
    /// first: they compete with the finished sequences for the places of the beam. What is
    /// left out raises the threshold. There is one fate for each child.
    pub(super) fn take_sequences(
        &mut self,
        (drawn, fates): (&[Drawn], &[Fate]),
        request: &Request,
        tree: &mut HypothesisTree,
        length: usize,
        own: &OwnScores<'_>,
    ) {
        let width = request.width(length);
        self.begin_step();
        if request.coverage.is_some() {
            self.coverage.begin_step();
        }
        while self.pool.len() > width {
            self.drop_worst();
        }
        for (Drawn { candidate, sampled }, fate) in drawn.iter().zip(fates) {
            if self.pool.len() + self.beams.len() >= width {
                // No child that was taken is worse than this one.
                let worst = self.pool.worst();
                if worst.is_none_or(|worst| worst >= sampled.value) {
                    self.raise_threshold(sampled.value);
                    break;
                }
                self.drop_worst();
            }
            let node = self.push_node(tree, candidate, request, own);
            let beam = self.extended(candidate, node, *sampled, request, own);
            match fate.ends {
                Some(finish) if !fate.goes_on => {
                    let coverage = self.coverage_of_parent(request, candidate);
                    self.add_sequence(&beam, finish, coverage);
                }
                _ => self.go_on(beam, candidate, request),
            }
        }
    }

    /// Finishes the sequences that are live.
    pub(super) fn finish_sequences(&mut self, request: &Request, finish: Finish) {
        for rank in 0..self.beams.len() {
            let beam = self.beams[rank];
            let coverage = self.coverage_of(request, rank);
            self.add_sequence(&beam, finish, coverage);
        }
    }

    fn add_sequence(&mut self, beam: &LiveHypothesis, finish: Finish, coverage: Option<f64>) {
        let scores = FinalScores {
            score: beam.lineage.sampled.value,
            log_probability: beam.score,
            coverage: coverage.unwrap_or(0.0),
        };
        let sampled = beam.lineage.sampled.log_probability;
        self.pool.insert(scores, sampled, beam.node, finish);
    }

    fn drop_worst(&mut self) {
        if let Some(worst) = self.pool.drop_worst() {
            self.raise_threshold(worst);
        }
    }
}
