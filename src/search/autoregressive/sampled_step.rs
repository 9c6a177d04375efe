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

    /// The best perturbed log-probability that was dropped, if sequences are drawn.
    pub(super) fn threshold_of(&self, request: &Request) -> Option<f64> {
        request.draws_sequences().then_some(self.threshold)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::autoregressive::MaximumLength;
    use crate::search::autoregressive::candidates::Continuation;
    use crate::search::autoregressive::sampling::{Perturbed, Sampling};

    /// A child whose value is exactly that of the worst that is kept comes after it: it is what
    /// is left out.
    #[test]
    fn of_equal_perturbed_values_the_finished_one_is_kept() {
        let request =
            Request::new(2, MaximumLength(9)).with_sampling(Sampling::stochastic_beams(1));
        let own = OwnScores {
            kind: ScoreKind::Logits,
            first_row: 0,
            scanned: None,
        };
        let drawn = |token, value| Drawn {
            candidate: Continuation {
                score: -1.0,
                log_probability: -1.0,
                parent: 0,
                token,
                value: 0.0,
            },
            sampled: Perturbed {
                log_probability: -1.0,
                value,
            },
        };
        let goes_on = Fate {
            ends: None,
            goes_on: true,
        };
        let ends = Fate {
            ends: Some(Finish::End),
            goes_on: false,
        };
        for (second, live, left_out) in [
            (-3.0, &[8][..], -3.0),
            (-2.5, &[8], -2.5),
            (-2.0, &[8, 9], -2.5),
        ] {
            let (mut group, mut tree) = (Group::default(), HypothesisTree::default());
            group.begin(0, &request).unwrap();
            tree.reserve(16).unwrap();
            // The first step keeps one that ends and one that goes on, whose best child is the
            // better one.
            let steps = [
                ([drawn(3, -2.5), drawn(4, -2.75)], [ends, goes_on]),
                ([drawn(8, -1.0), drawn(9, second)], [goes_on, goes_on]),
            ];
            for (length, (drawn, fates)) in (1..).zip(&steps) {
                group.make_room(drawn.len(), &request, length).unwrap();
                group.take_sequences((drawn, fates), &request, &mut tree, length, &own);
            }
            let found: Vec<u32> = group.beams.iter().map(|beam| beam.token).collect();
            assert_eq!((&found[..], group.threshold), (live, left_out));
            assert_eq!(group.pool.len() + live.len(), 2);
        }
    }
}
