//! Which extensions of the beam's prefixes can enter the beam.

use super::beam::Beam;
use super::candidate::{self, Candidate};
use super::carried::Carried;
use super::frame::Frame;
use super::links::Links;
use super::settings::Settings;
use crate::error::Error;
use crate::memory::reserve;
use crate::score_kind::IMPOSSIBLE;

/// Finds the extensions of a frame. It holds memory only.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    /// The scores of the extensions by the frame's best token.
    column: Vec<f64>,
}

/// The candidates that are held before all but the best are dropped, in
/// multiples of the beam: enough that a frame that is sure of anything never
/// gets there.
pub(super) const HELD: usize = 4;

/// The most candidates there are at once: what is held, the extensions by one
/// token more, and the carried prefixes.
pub(super) fn most_candidates(settings: &Settings) -> usize {
    (HELD + 2) * settings.beams
}

impl Extensions {
    pub(super) fn reset(&mut self, beams: usize) -> Result<(), Error> {
        let what = "the extensions of a frame";
        self.column.clear();
        reserve(&mut self.column, beams, what)
    }

    /// A score below which nothing enters the beam:
    /// - that which the worst of a full beam has after the frame if all are carried over,
    ///   because as many candidates as the beam holds reach it;
    /// - the score threshold below the best that is carried over.
    pub(super) fn bound_of_carried(settings: &Settings, carried: &Carried, length: usize) -> f64 {
        let bound = match settings.pruning.score_threshold {
            Some(distance) => carried.most(length) - distance,
            None => IMPOSSIBLE,
        };
        if length < settings.beams {
            return bound;
        }
        carried.least(length).max(bound)
    }

    /// A higher such score, if the extensions by the frame's best token give
    /// one: where a frame is sure of a token, they are nearly all that survives.
    pub(super) fn raise(
        &mut self,
        settings: &Settings,
        beam: &Beam,
        links: &Links,
        carried: &Carried,
        (token, log): (u32, f64),
        bound: f64,
    ) -> f64 {
        let slot = links.slot(token);
        self.column.clear();
        let masses = beam.masses.all[..beam.length].iter();
        for (rank, (mass, &own)) in masses.zip(links.slots()).enumerate() {
            let score = mass + log;
            if score <= bound {
                break;
            }
            if slot == 0 || own != slot && !links.leads(rank, slot) {
                self.column.push(score);
            }
        }
        // The least j such that the first j + 1 of the column and the carried prefixes
        // no worse than its j-th fill the beam.
        let scores = &carried.scores[..beam.length];
        let (mut low, mut high) = (0, self.column.len());
        while low < high {
            let middle = (low + high) / 2;
            let score = self.column[middle];
            let count = scores.iter().filter(|&&own| own >= score).count();
            if middle + 1 + count >= settings.beams {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.column
            .get(low)
            .map_or(bound, |&score| score.max(bound))
    }

    /// Adds the extensions that reach `bound` and can enter the beam to the
    /// candidates, token by token, so that they come in runs of falling score.
    pub(super) fn extend(
        settings: &Settings,
        beam: &Beam,
        links: &Links,
        frame: &Frame,
        mut bound: f64,
        candidates: &mut Vec<Candidate>,
    ) {
        let masses = &beam.masses.all[..beam.length];
        let Some(best) = masses.first() else {
            return;
        };
        for (place, (token, log)) in frame.listed().enumerate() {
            if best + log < bound {
                break;
            }
            if candidates.len() > HELD * settings.beams {
                mark!("more candidates than four times the beam");
                candidate::keep_best(candidates, settings.beams);
                bound = candidates
                    .last()
                    .map_or(bound, |&last| bound.max(candidate::score(last)));
            }
            let slot = links.slot(token);
            let most = settings.extended_by(place);
            for (rank, mass) in masses.iter().enumerate().take(most) {
                let mut score = mass + log;
                if score < bound {
                    break;
                }
                if slot != 0 {
                    if links.leads(rank, slot) {
                        continue;
                    }
                    if links.slots()[rank] == slot {
                        score = beam.masses.blank[rank] + log;
                        if score < bound || score == IMPOSSIBLE {
                            continue;
                        }
                    }
                }
                candidates.push(candidate::extension(score, rank, place));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_the_extensions_of_a_whole_beam() {
        let mut extensions = Extensions::default();
        for beams in [1, 30, 500] {
            extensions.reset(beams).unwrap();
            assert!(extensions.column.is_empty() && extensions.column.capacity() >= beams);
        }
    }
}
