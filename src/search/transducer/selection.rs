//! The best tokens that the active prefixes can emit.
//!
//! At most the best W tokens of a row can be among the best W of all, and of a wide beam most
//! rows have few that are. So lists are short; tokens come by falling log-probability, the first
//! one that falls short of the bound ends those of its prefix, and where a list ends before,
//! more of its row are listed.
//!
//! A scorer can lift any token. A prefix of log mass m whose scorer has given it g, and gives at
//! most b more for one token, reaches at most m + log p + g + b by a token of log-probability
//! log p: this is compared with the bound.
//!
//! A scorer that knows no such b ([`Scorer::max_score`] is infinite) is asked about the
//! tokens that are listed at first, and others are lost.

use super::candidate::{self, Candidate};
use super::lists::Lists;
use super::live::LivePrefixes;
use super::settings::Settings;
use super::step_rows::StepRows;
use crate::error::Error;
use crate::memory::reserve;
use crate::score_kind::IMPOSSIBLE;
use crate::scorers::{self, Scorer};

/// The candidates that are held before all but the best are dropped, in multiples of the
/// beam.
const HELD: usize = 4;

/// A prefix that may emit in the current frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active {
    pub(super) place: u32,
    /// The last emission of the best alignment.
    pub(super) emission: u32,
    pub(super) mass: f64,
    /// The score of the best alignment.
    pub(super) best: f64,
}

/// Finds the best tokens of all active prefixes, with one duration.
pub(super) struct Selection<'a, S: Scorer> {
    pub(super) settings: &'a Settings,
    pub(super) scorer: &'a S,
    pub(super) live: &'a LivePrefixes<S::State>,
    /// Best first, each with a list.
    pub(super) active: &'a [Active],
    pub(super) lists: &'a mut Lists,
    /// The rows of the active prefixes, and the first of them, where they are not copied.
    pub(super) rows: Option<(&'a StepRows<'a>, usize)>,
    /// Which of the durations.
    pub(super) duration: usize,
    /// A score below which nothing is selected.
    pub(super) bound: f64,
    /// Ranks of prefixes, and places in their lists.
    pub(super) candidates: &'a mut Vec<Candidate>,
}

impl<S: Scorer> Selection<'_, S> {
    /// Replaces the candidates by all that can be among the best, less those that `skips`
    /// says of the rank of a prefix and a token.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn run(&mut self, skips: impl Fn(usize, u32) -> bool) -> Result<(), Error> {
        let (beams, ranks) = (self.settings.beams, self.active.len());
        self.candidates.clear();
        let most = ranks.saturating_mul(self.settings.vocab);
        // The prefixes that stay may be added to them.
        let most = (HELD * beams + 1).min(most) + ranks;
        reserve(self.candidates, most, "the candidates of a frame")?;
        for rank in 0..ranks {
            self.extend(rank, 0, &skips);
        }
        if (0..ranks).any(|rank| self.needs_more(rank)) {
            self.raise();
        }
        for rank in 0..ranks {
            if self.needs_more(rank) {
                self.extend_beyond(rank, &skips)?;
            }
        }
        Ok(())
    }

    /// Extends a prefix by the tokens from a place of its list on.
    #[inline]
    fn extend(&mut self, rank: usize, start: usize, skips: &impl Fn(usize, u32) -> bool) {
        if scorers::scores::<S>() {
            return self.extend_scored(rank, start, skips);
        }
        let beams = self.settings.beams;
        let (base, _) = self.reach(rank);
        let list = self.lists.get(self.live.get(self.active[rank].place).list);
        let tokens = list.tokens.iter().zip(list.logs).take(beams);
        for (place, (&token, log)) in tokens.enumerate().skip(start) {
            let total = base + log;
            if total < self.bound || total == IMPOSSIBLE {
                break;
            }
            if !skips(rank, token) {
                add(
                    self.candidates,
                    &mut self.bound,
                    beams,
                    (total, rank, place),
                );
            }
        }
    }

    /// The log mass of a prefix before a token, and the most that its scores can come to.
    fn reach(&self, rank: usize) -> (f64, f64) {
        let active = &self.active[rank];
        let prefix = self.live.get(active.place);
        let list = self.lists.get(prefix.list);
        (
            active.mass + list.durations[self.duration],
            prefix.most_scored,
        )
    }

    /// [`Selection::extend`] with a scorer.
    #[inline]
    fn extend_scored(&mut self, rank: usize, start: usize, skips: &impl Fn(usize, u32) -> bool) {
        let beams = self.settings.beams;
        let (base, most) = self.reach(rank);
        let place = self.active[rank].place;
        let prefix = self.live.get(place);
        let state = self.live.state(place);
        let list = self.lists.get(prefix.list);
        let tokens = list.tokens.iter().zip(list.logs).enumerate();
        for (place, (&token, log)) in tokens.skip(start) {
            let mass = base + log;
            if mass + most < self.bound || mass == IMPOSSIBLE {
                break;
            }
            if prefix.follow >> (token % 64) & 1 == 0 || skips(rank, token) {
                continue;
            }
            let score = self.scorer.score(state, token);
            let total = mass + (prefix.scored + score);
            if score.is_finite() && total.is_finite() && total >= self.bound {
                add(
                    self.candidates,
                    &mut self.bound,
                    beams,
                    (total, rank, place),
                );
            }
        }
    }

    /// Whether tokens that are not listed can be among the best.
    fn needs_more(&self, rank: usize) -> bool {
        let number = self.live.get(self.active[rank].place).list;
        if !self.lists.lacks(number) {
            return false;
        }
        let list = self.lists.get(number);
        if !scorers::scores::<S>() && list.tokens.len() >= self.settings.beams {
            return false;
        }
        let (base, most) = self.reach(rank);
        let last = list.logs.last().copied().unwrap_or(0.0);
        most < f64::INFINITY && reaches(base, last, most, self.bound)
    }

    /// Extends a prefix by the tokens that its list lacks.
    #[cold]
    fn extend_beyond(
        &mut self,
        rank: usize,
        skips: &impl Fn(usize, u32) -> bool,
    ) -> Result<(), Error> {
        mark!("more tokens of a row are needed than are listed");
        let (base, most) = self.reach(rank);
        let number = self.live.get(self.active[rank].place).list;
        let listed = self.lists.get(number).tokens.len();
        let bound = self.bound;
        let row = self.rows.map(|(rows, first)| rows.tokens(first + rank));
        self.lists
            .list_more(number, row, |log| reaches(base, log, most, bound))?;
        self.extend(rank, listed, skips);
        Ok(())
    }

    /// Raises the bound to the score of the last candidate that fits in the beam.
    fn raise(&mut self) {
        let beams = self.settings.beams;
        if self.candidates.len() >= beams {
            candidate::keep_best(self.candidates, beams);
            let worst = self.candidates.iter().max().copied().map(candidate::score);
            self.bound = worst.map_or(self.bound, |worst| worst.max(self.bound));
        }
    }
}

/// Whether a prefix of log mass `base` can reach a bound by a token, with the most that its
/// scores can come to.
fn reaches(base: f64, log: f64, most: f64, bound: f64) -> bool {
    let mass = base + log;
    mass > IMPOSSIBLE && (mass + most).partial_cmp(&bound) != Some(std::cmp::Ordering::Less)
}

/// Adds the candidate of a score, a prefix's rank and a token's place, and drops all but the
/// best if there are too many.
#[inline(always)]
fn add(
    candidates: &mut Vec<Candidate>,
    bound: &mut f64,
    beams: usize,
    (total, rank, place): (f64, usize, usize),
) {
    if candidates.len() > HELD * beams {
        mark!("more emissions than four times the beam");
        candidate::keep_best(candidates, beams);
        let worst = candidates.last().copied().map(candidate::score);
        *bound = worst.map_or(*bound, |worst| worst.max(*bound));
    }
    candidates.push(candidate::pack(total, rank, place as u32));
}

#[cfg(test)]
mod tests;
