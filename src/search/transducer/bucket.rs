//! The hypotheses that wait for a frame.

use super::candidate::{self, Candidate};
use super::history::Emission;
use super::live::LivePrefixes;
use crate::error::Error;
use crate::kernels::log_add::log_add_scalar;
use crate::memory::{reserve, resize};
use crate::order::{from_sortable_f64, sortable_f64};
use crate::score_kind::IMPOSSIBLE;
use crate::search::prefixes::{NONE, Tree};

/// In place of a frame: none is under way.
pub(super) const NO_FRAME: u32 = u32::MAX;

/// In place of a frame: before the first.
pub(super) const BEFORE_FRAMES: u32 = u32::MAX - 1;

/// What the alignments of a prefix come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paths {
    /// The log mass of all.
    pub(super) mass: f64,
    /// The score of the best one.
    pub(super) best: f64,
    /// The last emission of the best one; [`NONE`] where there is no alignment.
    pub(super) emission: u32,
    /// The best rank of a prefix that they left.
    pub(super) source: u32,
}

impl Paths {
    const NO_PATHS: Paths = Paths {
        mass: IMPOSSIBLE,
        best: IMPOSSIBLE,
        emission: NONE,
        source: NONE,
    };
}

/// A prefix that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) place: u32,
    /// The frame that has changed it last.
    changed: u32,
    pub(super) paths: Paths,
    /// Before that frame.
    before: Paths,
}

impl Waiting {
    /// Its alignments, those of a frame that is under way left out; `None` if there are no
    /// others.
    pub(super) fn settled(&self, under_way: u32) -> Option<Paths> {
        if self.changed != under_way {
            Some(self.paths)
        } else if self.before.mass > IMPOSSIBLE {
            Some(self.before)
        } else {
            None
        }
    }
}

/// Alignments that arrive at a prefix.
pub(super) struct Arrival {
    pub(super) place: u32,
    pub(super) paths: Paths,
    /// What the best of them emits after `paths.emission`.
    pub(super) emits: Option<Emission>,
}

/// The prefixes that wait for a frame, in the order of their first arrival.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    waiting: Vec<Waiting>,
    /// By the place of a prefix, where it is among them, if it is.
    indices: Vec<u32>,
}

impl Bucket {
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Makes room for `more` prefixes in so many `places`.
    #[inline]
    pub(super) fn reserve(&mut self, more: usize, places: usize) -> Result<(), Error> {
        let what = "the hypotheses that wait for a frame";
        reserve(&mut self.waiting, more, what)?;
        if self.indices.len() < places {
            resize(&mut self.indices, places.next_power_of_two(), what)?;
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds alignments in a frame; there is room for them. True if the prefix was not here.
    pub(super) fn arrive(
        &mut self,
        arrival: Arrival,
        frame: u32,
        emissions: &mut Tree<Emission>,
    ) -> bool {
        let Arrival {
            place,
            mut paths,
            emits,
        } = arrival;
        let emitted = |paths: Paths, emissions: &mut Tree<Emission>| match emits {
            Some(emission) => emissions.push(paths.emission, emission),
            None => paths.emission,
        };
        let index = self.indices[place as usize];
        let here = self.waiting.get_mut(index as usize);
        let Some(here) = here.filter(|here| here.place == place) else {
            paths.emission = emitted(paths, emissions);
            self.indices[place as usize] = self.waiting.len() as u32;
            self.waiting.push(Waiting {
                place,
                changed: frame,
                paths,
                before: Paths::NO_PATHS,
            });
            return true;
        };
        if here.changed != frame {
            here.before = here.paths;
            here.changed = frame;
        }
        let own = &mut here.paths;
        own.mass = log_add_scalar(own.mass, paths.mass);
        if paths.best > own.best {
            own.best = paths.best;
            own.emission = emitted(paths, emissions);
        }
        own.source = own.source.min(paths.source);
        false
    }

    /// Replaces the contents of `ranking` by the prefixes in order, the best `most`: their
    /// indices are the second numbers.
    pub(super) fn rank<T>(
        &self,
        live: &LivePrefixes<T>,
        most: usize,
        ranking: &mut Vec<Candidate>,
    ) -> Result<(), Error> {
        ranking.clear();
        reserve(ranking, self.len(), "the hypotheses of a frame")?;
        for (index, Waiting { place, paths, .. }) in (0..).zip(&self.waiting) {
            let total = paths.mass + live.get(*place).scored;
            ranking.push(candidate::pack(total, paths.source as usize, index));
        }
        candidate::sort_best(ranking, most);
        Ok(())
    }

    /// The score that the prefix of rank `beams` has, counted from 1; -infinity if there are
    /// fewer.
    pub(super) fn threshold<T>(
        &self,
        live: &LivePrefixes<T>,
        beams: usize,
        keys: &mut Vec<u64>,
    ) -> Result<f64, Error> {
        if self.len() < beams {
            return Ok(IMPOSSIBLE);
        }
        keys.clear();
        reserve(keys, self.len(), "the hypotheses of a frame")?;
        let totals = self.waiting.iter();
        let totals = totals.map(|waiting| waiting.paths.mass + live.get(waiting.place).scored);
        keys.extend(totals.map(|total| !sortable_f64(total + 0.0)));
        let (_, &mut key, _) = keys.select_nth_unstable(beams - 1);
        Ok(from_sortable_f64(!key))
    }

    /// Leaves the prefixes that a ranking names, in its order; adds the places of the others
    /// to `dropped`, which has room for them.
    pub(super) fn cut(
        &mut self,
        ranking: &[Candidate],
        dropped: &mut Vec<u32>,
    ) -> Result<(), Error> {
        let count = self.len();
        self.reserve(ranking.len(), 0)?;
        for &ranked in ranking {
            let index = candidate::numbers(ranked).1 as usize;
            let waiting = self.waiting[index];
            self.indices[waiting.place as usize] = (self.waiting.len() - count) as u32;
            self.waiting.push(waiting);
            // It leaves its old place only.
            self.waiting[index].place = NONE;
        }
        let left = self.waiting.drain(..count).map(|waiting| waiting.place);
        dropped.extend(left.filter(|&place| place != NONE));
        Ok(())
    }

    /// Leaves the prefixes at places that `keeps` says; adds the places of the others to
    /// `dropped`, which has room for them.
    pub(super) fn retain(&mut self, mut keeps: impl FnMut(u32) -> bool, dropped: &mut Vec<u32>) {
        let mut kept = 0;
        for index in 0..self.waiting.len() {
            let waiting = self.waiting[index];
            if keeps(waiting.place) {
                self.waiting[kept] = waiting;
                self.indices[waiting.place as usize] = kept as u32;
                kept += 1;
            } else {
                dropped.push(waiting.place);
            }
        }
        self.waiting.truncate(kept);
    }

    /// Calls `each` with each node of an alignment, those before a frame that is under way
    /// included.
    pub(super) fn each_emission(&mut self, under_way: u32, each: &mut dyn FnMut(&mut u32)) {
        for waiting in &mut self.waiting {
            each(&mut waiting.paths.emission);
            if waiting.changed != under_way {
                waiting.before.emission = NONE;
            }
            each(&mut waiting.before.emission);
        }
    }
}

#[cfg(test)]
mod tests;
