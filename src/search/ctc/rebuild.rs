//! The beam after a frame, from the candidates that made it.

use super::beam::{Beam, Prefix};
use super::candidate::{self, Candidate, Origin};
use super::carried::Carried;
use super::frame::Frame;
use super::links::Links;
use super::pace;
use crate::kernels::prefetch::Prefetcher;
use crate::scorers::{self, Scorer};
use crate::search::prefixes::{History, NONE};

/// What a frame leads from, and to.
pub(super) struct Rebuild<'a, T> {
    pub(super) beam: &'a Beam<T>,
    pub(super) links: &'a Links,
    pub(super) carried: &'a Carried,
    pub(super) frame: &'a Frame,
    /// The frame's number.
    pub(super) at: u32,
    pub(super) history: &'a mut History,
    pub(super) next: &'a mut Beam<T>,
    pub(super) prefetcher: &'a mut Prefetcher,
}

impl<T: Clone> Rebuild<'_, T> {
    /// Makes the candidates, in order, the next beam.
    pub(super) fn run<S: Scorer<State = T>>(mut self, candidates: &[Candidate], scorer: &S) {
        self.next.states.clear();
        self.next.length = candidates.len();
        for (to, &candidate) in candidates.iter().enumerate() {
            self.prefetcher.prefetch_next::<{ pace::MOVED }>();
            match candidate::unpack(candidate) {
                Origin::Carried { rank } => self.carry::<S>(to, rank),
                Origin::Extended { rank, place } => self.extend(to, rank, place, scorer),
            }
        }
    }

    #[inline(always)]
    fn carry<S: Scorer<State = T>>(&mut self, to: usize, rank: usize) {
        let (beam, next, carried) = (self.beam, &mut *self.next, self.carried);
        let old = &beam.prefixes[rank];
        let repeat = carried.repeats[rank];
        let mut new = *old;
        new.carry(self.frame.blank(), repeat);
        let parent = self.links.parent(rank);
        if parent != NONE {
            let parent = &beam.prefixes[parent as usize];
            let alignment = parent.leaving(parent.last == old.last);
            new.enter(alignment, repeat, &mut self.history.entries, self.at);
        }
        next.prefixes[to] = new;
        next.masses.blank[to] = carried.masses.blank[rank];
        next.masses.token[to] = carried.masses.token[rank];
        next.masses.all[to] = carried.masses.all[rank];
        if scorers::scores::<S>() {
            next.scored[to] = beam.scored[rank];
        }
        next.states.push(beam.states[rank].clone());
    }

    #[inline(always)]
    fn extend<S: Scorer<State = T>>(&mut self, to: usize, rank: usize, place: usize, scorer: &S) {
        let (beam, next, history) = (self.beam, &mut *self.next, &mut *self.history);
        let old = &beam.prefixes[rank];
        let (token, log) = self.frame.at(place);
        let repeats = token == old.last;
        let alignment = old.leaving(repeats);
        next.prefixes[to] = Prefix {
            node: history.prefixes.child(old.node, token),
            parent: old.node,
            last: token,
            blank_entry: NONE,
            token_entry: history.entries.push(alignment.entry, self.at),
            best_blank: f64::NEG_INFINITY,
            best_token: alignment.score + log,
        };
        let mass = beam.masses.extended(rank, repeats) + log;
        next.masses.blank[to] = f64::NEG_INFINITY;
        next.masses.token[to] = mass;
        next.masses.all[to] = mass;
        let state = &beam.states[rank];
        if scorers::scores::<S>() {
            next.scored[to] = beam.scored[rank] + scorer.score(state, token);
        }
        next.states.push(scorer.advance(state, token));
    }
}
