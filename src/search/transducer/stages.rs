//! The stages of a frame of RNN-T and TDT.

use super::bucket::{Arrival, Paths};
use super::candidate;
use super::history::Emission;
use super::live::LivePrefix;
use super::selection::{Active, Selection};
use super::settings::Settings;
use super::utterance::{Search, Utterance};
use crate::error::Error;
use crate::memory::reserve;
use crate::scorers::{self, Scorer};
use crate::search::prefixes::NONE;

impl<T> Utterance<T> {
    /// One stage of a frame: the active prefixes leave it by the blank or emit a token.
    pub(super) fn stage<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
    ) -> Result<(), Error> {
        let settings = search.settings;
        self.leave_by_blank(settings)?;
        self.next.clear();
        if self.stage < settings.topology.max_symbols() {
            let durations = settings.topology.durations();
            let (stays, moves) = durations.split_at(usize::from(durations[0] == 0));
            for (index, &duration) in (stays.len()..).zip(moves) {
                self.emit(search, index, duration)?;
            }
            if !stays.is_empty() {
                self.emit(search, 0, 0)?;
            }
        }
        std::mem::swap(&mut self.active, &mut self.next);
        self.stage += 1;
        if self.active.is_empty() {
            return self.end_frame(search);
        }
        self.want()
    }

    /// Lets the active prefixes leave the frame by the blank.
    fn leave_by_blank(&mut self, settings: &Settings) -> Result<(), Error> {
        let durations = settings.topology.durations();
        for &duration in durations {
            let bucket = self.bucket(duration.max(1) as usize);
            self.buckets[bucket].reserve(self.active.len(), self.live.places())?;
        }
        for rank in 0..self.active.len() {
            let active = self.active[rank];
            let (list, scored) = {
                let prefix = self.live.get(active.place);
                (prefix.list, prefix.scored)
            };
            for (index, &duration) in durations.iter().enumerate() {
                let row = self.lists.get(list);
                let (duration_log, log) = (row.durations[index], row.blank);
                let mass = (active.mass + duration_log) + log;
                if !(mass + scored).is_finite() {
                    continue;
                }
                let paths = Paths {
                    mass,
                    best: (active.best + duration_log) + log,
                    emission: active.emission,
                    source: rank as u32,
                };
                let arrival = Arrival {
                    place: active.place,
                    paths,
                    emits: None,
                };
                self.arrive(self.bucket(duration.max(1) as usize), arrival);
            }
        }
        Ok(())
    }

    /// Lets the active prefixes emit tokens of one duration: the best of them wait for their
    /// frame, or are active in the next stage.
    fn emit<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        index: usize,
        duration: u32,
    ) -> Result<(), Error> {
        let beams = search.settings.beams;
        let bucket = self.bucket(duration.max(1) as usize);
        let bound = self.buckets[bucket].threshold(&self.live, beams, &mut self.keys)?;
        let mut selection = Selection {
            settings: search.settings,
            scorer: search.scorer,
            live: &self.live,
            active: &self.active,
            lists: &mut self.lists,
            rows: None,
            duration: index,
            bound,
            candidates: &mut self.candidates,
        };
        selection.run(|_, _| false)?;
        candidate::sort_best(&mut self.candidates, beams);
        self.reserve(bucket, self.candidates.len())?;
        let what = "the beam";
        reserve(&mut self.next, self.candidates.len(), what)?;
        let frame = self.frame;
        for at in 0..self.candidates.len() {
            let (rank, at) = candidate::numbers(self.candidates[at]);
            let active = self.active[rank];
            let list = self.live.get(active.place).list;
            let duration_log = self.lists.get(list).durations[index];
            let (token, log) = self.lists.at(list, at as usize);
            let place = self.child(search.scorer, active.place, token);
            let mass = (active.mass + duration_log) + log;
            let best = (active.best + duration_log) + log;
            let emission = Emission { frame, duration };
            if duration == 0 {
                let emission = self.history.emissions.push(active.emission, emission);
                self.next.push(Active {
                    place,
                    emission,
                    mass,
                    best,
                });
                continue;
            }
            let paths = Paths {
                mass,
                best,
                emission: active.emission,
                source: rank as u32,
            };
            let emits = Some(emission);
            self.arrive(
                bucket,
                Arrival {
                    place,
                    paths,
                    emits,
                },
            );
        }
        Ok(())
    }

    /// The place of a prefix extended by a token; there is room for it.
    pub(super) fn child<S: Scorer<State = T>>(
        &mut self,
        scorer: &S,
        place: u32,
        token: u32,
    ) -> u32 {
        let parent = self.live.get(place);
        let node = self.history.prefixes.child(parent.node, token);
        let found = self.live.place_of(&self.history.prefixes, node);
        if found != NONE {
            return found;
        }
        let mut prefix = LivePrefix {
            node,
            token,
            parent: place,
            ..LivePrefix::EMPTY
        };
        if scorers::scores::<S>() {
            prefix.scored = parent.scored + scorer.score(self.live.state(place), token);
        }
        let child = self.live.extend(scorer, prefix);
        if scorers::scores::<S>() {
            let state = self.live.state(child);
            let (most, follow) = (scorer.max_score(state), scorer.may_follow(state));
            let prefix = self.live.get_mut(child);
            prefix.most_scored = prefix.scored + most;
            prefix.follow = follow;
        }
        self.history.prefixes.set_rank(node, child);
        child
    }
}
