//! One symbol a frame: a frame is one stage, and a token leaves it as the blank does.
//!
//! As in the CTC search, all extensions of all prefixes count, those that make a prefix
//! which stays included. Few need be looked at:
//! - The extension of a prefix to one that stays is found by itself, and merged.
//! - Of the other extensions of a prefix, one by a token of rank above W (the beam width) in
//!   its row cannot enter the beam: W others of the prefix come before it. Those that were
//!   merged have only become better.
//! - As many prefixes as the beam holds, of those that stay and the best extension of each,
//!   reach some score; what falls short of it does not enter the beam.

use super::bucket::{Arrival, Paths};
use super::candidate;
use super::history::Emission;
use super::late::LateRows;
use super::selection::Selection;
use super::stays::Stay;
use super::step_rows::StepRows;
use super::utterance::{Search, Utterance};
use crate::error::Error;
use crate::kernels::log_add::log_add_scalar;
use crate::memory::reserve;
use crate::order::{from_sortable_f64, sortable_f64};
use crate::score_kind::IMPOSSIBLE;
use crate::scorers::{self, Scorer};
use crate::search::prefixes::NONE;
use crate::simd::Dispatch;

/// Marks the second number of an extension, so that prefixes that stay come before.
const EXTENDS: u32 = 1 << 31;

impl<T> Utterance<T> {
    /// Finds how the active prefixes are related; their rows begin at `first_row`.
    fn link(&mut self, rows: &StepRows<'_>, first_row: usize) -> Result<(), Error> {
        self.stays.reserve(self.active.len())?;
        let prefixes = &self.history.prefixes;
        for (rank, active) in self.active.iter().enumerate() {
            let prefix = self.live.get(active.place);
            let parent = prefixes.tree().parent(prefix.node);
            let parent = match self.live.place_of(prefixes, parent) {
                NONE => NONE,
                place => {
                    let rank = self.live.get(place).rank;
                    let there = self.active.get(rank as usize);
                    let is_active = there.is_some_and(|active| active.place == place);
                    if is_active { rank } else { NONE }
                }
            };
            let log = match parent {
                NONE => IMPOSSIBLE,
                parent => {
                    let list = self.live.get(self.active[parent as usize].place).list;
                    let normaliser = self.lists.normaliser(list);
                    let source = rows.source(first_row + parent as usize, normaliser);
                    source.log_probability(prefix.token)
                }
            };
            self.stays.link(rank, parent, log);
        }
        Ok(())
    }

    /// The frame as a whole. The rows of the active prefixes begin at `first_row`.
    pub(super) fn one_symbol<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        rows: &StepRows<'_>,
        first_row: usize,
        late: &mut LateRows,
    ) -> Result<(), Error> {
        let beams = search.settings.beams;
        self.link(rows, first_row)?;
        self.stay();
        let bound = self.bound::<S>(beams)?;
        if let Some(dispatch) = rows.late() {
            self.list(bound, dispatch, rows, first_row, late)?;
        }
        let (stays, live, active) = (&self.stays, &self.live, &self.active);
        let mut selection = Selection {
            settings: search.settings,
            scorer: search.scorer,
            live,
            active,
            lists: &mut self.lists,
            rows: Some((rows, first_row)),
            duration: 0,
            bound,
            candidates: &mut self.candidates,
        };
        selection.run(|rank, token| stays.leads(live, active, rank, token))?;
        for candidate in self.candidates.iter_mut() {
            *candidate |= u128::from(EXTENDS);
        }
        for (rank, Stay { paths, .. }) in (0..).zip(&stays.stays) {
            if paths.mass > IMPOSSIBLE {
                let total = paths.mass + live.get(active[rank as usize].place).scored;
                let source = paths.source as usize;
                self.candidates.push(candidate::pack(total, source, rank));
            }
        }
        candidate::sort_best(&mut self.candidates, beams);
        self.fill_next(search.scorer)?;
        self.end_frame(search)
    }

    /// Finds what the active prefixes come to that stay.
    fn stay(&mut self) {
        for (rank, active) in self.active.iter().enumerate() {
            let prefix = self.live.get(active.place);
            let blank = self.lists.get(prefix.list).blank;
            let mut stay = Stay {
                paths: Paths {
                    mass: active.mass + blank,
                    best: active.best + blank,
                    emission: active.emission,
                    source: rank as u32,
                },
                emits: false,
            };
            let paths = &mut stay.paths;
            if !(paths.mass + prefix.scored).is_finite() {
                paths.mass = IMPOSSIBLE;
            }
            let parent = self.stays.parents[rank];
            if paths.mass > IMPOSSIBLE && parent != NONE {
                let (before, log) = (&self.active[parent as usize], self.stays.logs[rank]);
                let entering = before.mass + log;
                if (entering + prefix.scored).is_finite() {
                    paths.mass = log_add_scalar(paths.mass, entering);
                    paths.source = paths.source.min(parent);
                    let best = before.best + log;
                    if best > paths.best {
                        (paths.best, paths.emission) = (best, before.emission);
                        stay.emits = true;
                    }
                }
            }
            self.stays.stays.push(stay);
        }
    }

    /// A score that whatever enters the beam reaches: as many prefixes as it holds do, of those
    /// that stay and, without a scorer, the best extension of each.
    fn bound<S: Scorer<State = T>>(&mut self, beams: usize) -> Result<f64, Error> {
        let (stays, live, active) = (&self.stays, &self.live, &self.active);
        let keys = &mut self.keys;
        keys.clear();
        reserve(keys, 2 * active.len(), "the hypotheses of a frame")?;
        let mut reached = |total: f64| keys.push(!sortable_f64(total + 0.0));
        for (rank, (one, stay)) in active.iter().zip(&stays.stays).enumerate() {
            let prefix = live.get(one.place);
            if stay.paths.mass > IMPOSSIBLE {
                reached(stay.paths.mass + prefix.scored);
            }
            if let (false, Some(log)) = (scorers::scores::<S>(), self.lists.best(prefix.list)) {
                let total = one.mass + log;
                if total > IMPOSSIBLE && !stays.may_lead(rank, log) {
                    reached(total);
                }
            }
        }
        if keys.len() < beams {
            return Ok(IMPOSSIBLE);
        }
        let (_, &mut key, _) = keys.select_nth_unstable(beams - 1);
        Ok(from_sortable_f64(!key))
    }

    /// Lists the tokens with which the active prefixes reach a bound, of rows that are read late.
    fn list(
        &mut self,
        bound: f64,
        dispatch: Dispatch,
        rows: &StepRows<'_>,
        first_row: usize,
        late: &mut LateRows,
    ) -> Result<(), Error> {
        for (rank, active) in self.active.iter().enumerate() {
            let number = self.live.get(active.place).list;
            // No token is better than the best one, which is known unless it is the blank.
            let best = self.lists.best(number);
            if best.is_some_and(|best| active.mass + best < bound) {
                continue;
            }
            let source = rows.source(first_row + rank, self.lists.normaliser(number));
            let (tokens, logs) = late.collect(rank, &source, bound, active.mass, dispatch);
            self.lists.list_scanned(number, tokens, logs)?;
        }
        Ok(())
    }

    /// Lets the candidates wait for the next frame.
    fn fill_next<S: Scorer<State = T>>(&mut self, scorer: &S) -> Result<(), Error> {
        let bucket = self.bucket(1);
        self.reserve(bucket, self.candidates.len())?;
        let emission = Emission {
            frame: self.frame,
            duration: 1,
        };
        for at in 0..self.candidates.len() {
            let (first, second) = candidate::numbers(self.candidates[at]);
            let arrival = if second & EXTENDS == 0 {
                let Stay { paths, emits } = self.stays.stays[second as usize];
                Arrival {
                    place: self.active[second as usize].place,
                    paths,
                    emits: emits.then_some(emission),
                }
            } else {
                let active = self.active[first];
                let list = self.live.get(active.place).list;
                let (token, log) = self.lists.at(list, (second & !EXTENDS) as usize);
                let paths = Paths {
                    mass: active.mass + log,
                    best: active.best + log,
                    emission: active.emission,
                    source: first as u32,
                };
                Arrival {
                    place: self.child(scorer, active.place, token),
                    paths,
                    emits: Some(emission),
                }
            };
            self.arrive(bucket, arrival);
        }
        Ok(())
    }
}
