//! Which extensions of the beam's prefixes can enter the beam, with a scorer.
//!
//! A scorer can lift any token, so ranks say nothing. A prefix of log mass m whose scorer
//! has given it g, and gives at most b more for one token, reaches at most m + log p + g + b
//! by a token of log-probability log p. Tokens come by falling log-probability, so the first
//! one that cannot reach the bound ends the tokens of its prefix. A frame lists as many tokens
//! as a search without a scorer needs, which are nearly always enough; where they are not,
//! the others that can matter are listed too.
//!
//! A scorer that knows no such b ([`Scorer::max_score`] is infinite) is asked about the
//! tokens that are listed at first, and others are lost.

use super::beam::Beam;
use super::candidate::{self, Candidate, Origin};
use super::carried::Carried;
use super::extensions::HELD;
use super::frame::{Frame, Source};
use super::links::Links;
use super::settings::Settings;
use super::states::States;
use crate::cancellation::{Cancellation, Interrupt, Watch};
use crate::score_kind::IMPOSSIBLE;
use crate::scorers::Scorer;

/// What a frame extends.
pub(super) struct ScoredExtensions<'a, S: Scorer> {
    pub(super) settings: &'a Settings,
    pub(super) scorer: &'a S,
    pub(super) beam: &'a Beam,
    pub(super) states: &'a States<S::State>,
    pub(super) links: &'a Links,
    pub(super) carried: &'a Carried,
    pub(super) watch: &'a mut Watch,
    pub(super) cancellation: &'a Cancellation,
    /// A score below this cannot enter the beam.
    pub(super) bound: f64,
}

impl<S: Scorer> ScoredExtensions<'_, S> {
    /// Adds the extensions that reach the bound to the candidates.
    ///
    /// # Errors
    ///
    /// If the search is cancelled.
    pub(super) fn extend(
        &mut self,
        frame: &mut Frame,
        source: &Source<'_>,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Interrupt> {
        for rank in 0..self.beam.length {
            self.extend_prefix(rank, frame, 0, candidates)?;
        }
        if !frame.lacks_tokens() {
            return Ok(());
        }
        let (reach, last) = (self.reach(), frame.last_log_probability());
        // A sum of three rounds in another way than this one of two.
        let most = last + reach + 4.0 * f64::EPSILON * (last.abs() + reach.abs());
        if reach == IMPOSSIBLE || most < self.bound {
            return Ok(());
        }
        self.raise(candidates);
        if most < self.bound {
            return Ok(());
        }
        mark!("a scorer needs tokens that are not listed");
        let start = frame.listed().len();
        frame.list_more(self.settings, source, self.bound, reach);
        for rank in 0..self.beam.length {
            if self.beam.most_scored[rank] < f64::INFINITY {
                self.extend_prefix(rank, frame, start, candidates)?;
            }
        }
        Ok(())
    }

    /// Extends a prefix by the tokens from a place of the frame on.
    #[inline]
    fn extend_prefix(
        &mut self,
        rank: usize,
        frame: &Frame,
        start: usize,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Interrupt> {
        self.watch.look(self.cancellation)?;
        let (beam, links) = (self.beam, self.links);
        let (most, last) = (beam.most_scored[rank], beam.prefixes[rank].last);
        let follow = beam.follow[rank];
        let state = self.states.get(beam.states[rank]);
        for (place, (token, log)) in frame.listed().enumerate().skip(start) {
            if beam.masses.all[rank] + log + most < self.bound {
                break;
            }
            if follow >> (token % 64) & 1 == 0 {
                continue;
            }
            let slot = links.slot(token);
            if slot != 0 && links.leads(rank, slot) {
                continue;
            }
            let mass = beam.masses.extended(rank, last == token) + log;
            if mass + most < self.bound || mass == IMPOSSIBLE {
                continue;
            }
            let score = self.scorer.score(state, token);
            let total = mass + (beam.scored[rank] + score);
            if score.is_finite() && total.is_finite() && total >= self.bound {
                if candidates.len() > HELD * self.settings.beams {
                    mark!("more scored candidates than four times the beam");
                    candidate::keep_best(candidates, self.settings.beams);
                    let last = candidates.last().copied().map(candidate::score);
                    self.bound = last.map_or(self.bound, |last| last.max(self.bound));
                }
                candidates.push(candidate::extension(total, rank, place));
                if let Some(distance) = self.settings.pruning.score_threshold {
                    self.bound = self.bound.max(total - distance);
                }
            }
        }
        Ok(())
    }

    /// The most that a prefix of the beam comes to with a token that is certain, where the
    /// scorer has a bound; a little more, for what is rounded on the way.
    fn reach(&self) -> f64 {
        let masses = &self.beam.masses.all[..self.beam.length];
        let pairs = masses.iter().zip(&self.beam.most_scored);
        let bounded = pairs.filter(|&(_, &most)| most < f64::INFINITY);
        let reach = bounded.map(|(mass, most)| {
            let rounded = 8.0 * f64::EPSILON * (mass.abs() + most.abs());
            mass + most + rounded
        });
        reach.fold(IMPOSSIBLE, f64::max)
    }

    /// Raises the bound to the score of the last of all candidates, those carried over
    /// included, that fits in the beam.
    fn raise(&mut self, candidates: &mut Vec<Candidate>) {
        let beams = self.settings.beams;
        let carried = self.carried.scores[..self.beam.length].iter().enumerate();
        for (rank, &score) in carried.filter(|&(_, &score)| score >= self.bound) {
            candidates.push(candidate::carried(score, rank, rank));
        }
        if candidates.len() >= beams {
            candidate::keep_best(candidates, beams);
            let worst = candidates.iter().max().copied().map(candidate::score);
            self.bound = worst.map_or(self.bound, |worst| worst.max(self.bound));
        }
        let is_extension = |candidate: &Candidate| {
            matches!(candidate::unpack(*candidate), Origin::Extended { .. })
        };
        candidates.retain(is_extension);
    }
}
