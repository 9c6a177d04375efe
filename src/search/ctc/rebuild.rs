//! The beam after a frame, from the candidates that made it.

use super::beam::{Beam, Prefix, Spot};
use super::candidate::{self, Candidate, Origin};
use super::carried::Carried;
use super::frame::Frame;
use super::links::Links;
use super::pace;
use super::states::States;
use crate::kernels::prefetch::Prefetcher;
use crate::scorers::{self, Scorer};
use crate::search::prefixes::{History, NONE};

/// What a frame leads from, and to.
pub(super) struct Rebuild<'a, T> {
    pub(super) beam: &'a Beam,
    pub(super) links: &'a Links,
    pub(super) carried: &'a Carried,
    pub(super) frame: &'a Frame,
    /// The frame's number.
    pub(super) at: u32,
    pub(super) history: &'a mut History,
    pub(super) next: &'a mut Beam,
    pub(super) states: &'a mut States<T>,
    pub(super) prefetcher: &'a mut Prefetcher,
}

impl<T> Rebuild<'_, T> {
    /// Makes the candidates, in order, the next beam.
    pub(super) fn run<S: Scorer<State = T>>(mut self, candidates: &[Candidate], scorer: &S) {
        self.states.begin(self.beam.length);
        self.next.length = candidates.len();
        for (to, &candidate) in candidates.iter().enumerate() {
            self.prefetcher.prefetch_next::<{ pace::MOVED }>();
            match candidate::unpack(candidate) {
                Origin::Carried { rank } => self.carry::<S>(to, rank),
                Origin::Extended { rank, place } => self.extend(to, rank, place, scorer),
            }
        }
        self.states.end(&self.beam.states[..self.beam.length]);
    }

    #[inline(always)]
    fn carry<S: Scorer<State = T>>(&mut self, to: usize, rank: usize) {
        let (beam, next, carried) = (self.beam, &mut *self.next, self.carried);
        let old = &beam.prefixes[rank];
        let repeat = carried.repeats[rank];
        let mut new = *old;
        new.carry(self.frame.blank(), repeat, self.at);
        let parent = self.links.parent(rank);
        if parent != NONE {
            let parent = &beam.prefixes[parent as usize];
            let alignment = parent.leaving(parent.last == old.last, self.at);
            new.enter(alignment, repeat, &mut self.history.entries, self.at);
        }
        next.prefixes[to] = new;
        next.masses.blank[to] = carried.masses.blank[rank];
        next.masses.token[to] = carried.masses.token[rank];
        next.masses.all[to] = carried.masses.all[rank];
        if scorers::scores::<S>() {
            next.scored[to] = beam.scored[rank];
            next.most_scored[to] = beam.most_scored[rank];
            next.follow[to] = beam.follow[rank];
            next.states[to] = beam.states[rank];
            self.states.keep(rank);
        }
    }

    #[inline(always)]
    fn extend<S: Scorer<State = T>>(&mut self, to: usize, rank: usize, place: usize, scorer: &S) {
        let (beam, next, history) = (self.beam, &mut *self.next, &mut *self.history);
        let old = &beam.prefixes[rank];
        let (token, log) = self.frame.at(place);
        let repeats = token == old.last;
        let alignment = old.leaving(repeats, self.at);
        next.prefixes[to] = Prefix {
            node: history.prefixes.child(old.node, token),
            parent: old.node,
            last: token,
            token_entry: history
                .entries
                .push(alignment.spot.entry(), alignment.at(self.at)),
            blank_spot: Spot::new(NONE, 0),
            best_blank: f64::NEG_INFINITY,
            best_token: alignment.score + log,
        };
        let mass = beam.masses.extended(rank, repeats) + log;
        next.masses.blank[to] = f64::NEG_INFINITY;
        next.masses.token[to] = mass;
        next.masses.all[to] = mass;
        if scorers::scores::<S>() {
            let place = beam.states[rank];
            let scored = beam.scored[rank] + scorer.score(self.states.get(place), token);
            let place = self.states.advance(scorer, place, token);
            let state = self.states.get(place);
            next.scored[to] = scored;
            next.most_scored[to] = scored + scorer.max_score(state);
            next.follow[to] = scorer.may_follow(state);
            next.states[to] = place;
        }
    }
}
