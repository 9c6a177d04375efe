//! The prefixes that are alive, and what goes with each.

use crate::error::Error;
use crate::memory::{reserve, reserve_in_all};
use crate::scorers::Scorer;
use crate::search::prefixes::{NONE, PrefixTree};

/// A prefix that is alive: some hypothesis is it, or the state of one that has not been
/// computed yet continues its state.
#[derive(Debug)]
pub(super) struct LivePrefix {
    /// Its node in the tree of prefixes; [`NONE`] once no hypothesis is it.
    pub(super) node: u32,
    /// The last token; [`NONE`] for the empty prefix.
    pub(super) token: u32,
    /// Where the caller keeps the predictor's state; [`NONE`] before it is computed.
    pub(super) slot: u32,
    /// Before the state is computed, the place of the prefix one token shorter, whose state
    /// it continues; else [`NONE`].
    pub(super) parent: u32,
    /// Its list of tokens in the current frame; [`NONE`] if its row was not asked for.
    pub(super) list: u32,
    /// The rank that it had last among the active prefixes.
    pub(super) rank: u32,
    /// Whether it took part in the current frame.
    pub(super) pinned: bool,
    /// The sum of the scorer's scores; 0 without one.
    pub(super) scored: f64,
    /// The most that the scores can sum up to with one token more.
    pub(super) most_scored: f64,
    /// Which tokens the scorer lets follow: those whose bit `token % 64` is set.
    pub(super) follow: u64,
    /// How many hypotheses are it.
    pub(super) hypotheses: u32,
    /// How many prefixes wait for its state.
    pub(super) waiting: u32,
}

impl LivePrefix {
    /// The empty prefix, at the root of the tree.
    pub(super) const EMPTY: LivePrefix = LivePrefix {
        node: 0,
        token: NONE,
        slot: NONE,
        parent: NONE,
        list: NONE,
        rank: NONE,
        pinned: false,
        scored: 0.0,
        most_scored: 0.0,
        follow: u64::MAX,
        hypotheses: 0,
        waiting: 0,
    };
}

/// Prefixes in places that they keep while they live, each with the scorer's state.
#[derive(Debug)]
pub(super) struct LivePrefixes<T> {
    prefixes: Vec<LivePrefix>,
    states: Vec<T>,
    free: Vec<u32>,
    /// Slots of prefixes that have died.
    freed_slots: Vec<u32>,
}

impl<T> Default for LivePrefixes<T> {
    fn default() -> Self {
        LivePrefixes {
            prefixes: Vec::new(),
            states: Vec::new(),
            free: Vec::new(),
            freed_slots: Vec::new(),
        }
    }
}

impl<T> LivePrefixes<T> {
    /// Drops all prefixes. Their slots must have been taken before.
    pub(super) fn reset(&mut self) {
        debug_assert!(self.freed_slots.is_empty());
        self.prefixes.clear();
        self.states.clear();
        self.free.clear();
    }

    /// Makes room for `more` prefixes, and for the end of all.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), Error> {
        let what = "the prefixes of the beam";
        let new = more.saturating_sub(self.free.len());
        reserve(&mut self.prefixes, new, what)?;
        reserve(&mut self.states, new, what)?;
        let all = self.prefixes.len() + new;
        reserve_in_all(&mut self.free, all, what)?;
        reserve_in_all(&mut self.freed_slots, all, what)
    }

    /// The places there are, free ones included.
    pub(super) fn places(&self) -> usize {
        self.prefixes.len()
    }

    #[inline(always)]
    pub(super) fn get(&self, place: u32) -> &LivePrefix {
        &self.prefixes[place as usize]
    }

    #[inline(always)]
    pub(super) fn get_mut(&mut self, place: u32) -> &mut LivePrefix {
        &mut self.prefixes[place as usize]
    }

    pub(super) fn state(&self, place: u32) -> &T {
        &self.states[place as usize]
    }

    /// The place of the prefix at a node; [`NONE`] if none lives there.
    #[inline]
    pub(super) fn place_of(&self, tree: &PrefixTree, node: u32) -> u32 {
        let node_of = |place: usize| self.prefixes.get(place).map(|prefix| prefix.node);
        tree.rank(node, node_of)
    }

    /// Takes in a prefix, for which there is room; returns its place. No hypothesis is it
    /// yet. The prefix that it continues stays alive until its own state is computed.
    pub(super) fn insert(&mut self, prefix: LivePrefix, state: T) -> u32 {
        self.wait_for(prefix.parent);
        match self.free.pop() {
            Some(place) => {
                self.prefixes[place as usize] = prefix;
                self.states[place as usize] = state;
                place
            }
            None => {
                self.prefixes.push(prefix);
                self.states.push(state);
                self.prefixes.len() as u32 - 1
            }
        }
    }

    /// [`LivePrefixes::insert`] of a prefix that continues its parent by its token.
    pub(super) fn extend<S: Scorer<State = T>>(&mut self, scorer: &S, prefix: LivePrefix) -> u32 {
        let (parent, token) = (prefix.parent, prefix.token);
        if let Some(&place) = self.free.last()
            && let Ok([before, state]) = self
                .states
                .get_disjoint_mut([parent, place].map(|at| at as usize))
        {
            scorer.advance_into(before, token, state);
            self.free.pop();
            self.wait_for(parent);
            self.prefixes[place as usize] = prefix;
            return place;
        }
        let state = scorer.advance(self.state(parent), token);
        self.insert(prefix, state)
    }

    /// One more prefix waits for the state of another, if there is one.
    fn wait_for(&mut self, parent: u32) {
        if parent != NONE {
            self.get_mut(parent).waiting += 1;
        }
    }

    /// One more hypothesis is the prefix.
    #[inline]
    pub(super) fn hold(&mut self, place: u32) {
        self.get_mut(place).hypotheses += 1;
    }

    /// One hypothesis less is the prefix.
    #[inline]
    pub(super) fn release(&mut self, place: u32) {
        let prefix = self.get_mut(place);
        prefix.hypotheses -= 1;
        if prefix.hypotheses == 0 {
            // It may stay for the sake of its slot; another prefix that is the same has a
            // place of its own.
            prefix.node = NONE;
            self.end(place);
        }
    }

    /// The state of a prefix was computed: it no longer needs that of its parent.
    pub(super) fn computed(&mut self, place: u32) {
        let parent = std::mem::replace(&mut self.get_mut(place).parent, NONE);
        if parent != NONE {
            self.get_mut(parent).waiting -= 1;
            self.end(parent);
        }
    }

    /// Frees the place of a prefix that nothing needs any more.
    fn end(&mut self, place: u32) {
        let prefix = self.get_mut(place);
        if prefix.hypotheses > 0 || prefix.waiting > 0 {
            return;
        }
        let slot = std::mem::replace(&mut prefix.slot, NONE);
        if slot != NONE {
            self.freed_slots.push(slot);
        }
        self.free.push(place);
        // It dies without its state.
        self.computed(place);
    }

    /// The slots of prefixes that have died since.
    pub(super) fn take_freed_slots(&mut self) -> impl Iterator<Item = u32> {
        self.freed_slots.drain(..)
    }

    /// The slots of all prefixes; their states are of no use from now on.
    pub(super) fn take_all_slots(&mut self) -> impl Iterator<Item = u32> {
        let own = self.prefixes.iter_mut();
        let own = own.map(|prefix| std::mem::replace(&mut prefix.slot, NONE));
        own.filter(|&slot| slot != NONE)
            .chain(self.freed_slots.drain(..))
    }

    /// The prefixes that some hypothesis is, each with its place.
    pub(super) fn hypotheses(&mut self) -> impl Iterator<Item = (u32, &mut LivePrefix)> {
        let all = (0..).zip(&mut self.prefixes);
        all.filter(|(_, prefix)| prefix.node != NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(parent: u32, node: u32) -> LivePrefix {
        LivePrefix {
            node,
            token: 7,
            parent,
            ..LivePrefix::EMPTY
        }
    }

    fn freed(live: &mut LivePrefixes<()>) -> Vec<u32> {
        live.take_freed_slots().collect()
    }

    #[test]
    fn a_state_stays_until_those_that_continue_it_are_computed() {
        let mut live = LivePrefixes::default();
        live.reserve(3).unwrap();
        let root = live.insert(LivePrefix::EMPTY, ());
        live.hold(root);
        live.get_mut(root).slot = 40;
        let children = [1, 2].map(|node| live.insert(child(root, node), ()));
        children.iter().for_each(|&place| live.hold(place));
        live.release(root);
        assert_eq!(live.get(root).node, NONE);
        // Of the two that wait, one dies without its state, one is computed.
        live.release(children[0]);
        assert!(freed(&mut live).is_empty());
        live.get_mut(children[1]).slot = 41;
        live.computed(children[1]);
        assert_eq!(freed(&mut live), [40]);
        live.release(children[1]);
        assert_eq!(freed(&mut live), [41]);
        assert_eq!((live.places(), live.free.len()), (3, 3));
        let again = [0, 1, 2].map(|node| live.insert(child(NONE, node), ()));
        assert_eq!((live.places(), live.free.len()), (3, 0));
        again.iter().for_each(|&place| live.hold(place));
        assert_eq!(live.hypotheses().count(), 3);
    }

    #[test]
    fn a_prefix_is_found_by_its_node_while_a_hypothesis_is_it() {
        let mut tree = PrefixTree::default();
        tree.reset(8).unwrap();
        let node = tree.child(0, 7);
        let mut live = LivePrefixes::default();
        live.reserve(2).unwrap();
        assert_eq!(live.place_of(&tree, node), NONE);
        let place = live.insert(child(NONE, node), ());
        tree.set_rank(node, place);
        live.hold(place);
        assert_eq!(live.place_of(&tree, node), place);
        assert_eq!(live.place_of(&tree, NONE), NONE);
        live.release(place);
        assert_eq!(live.place_of(&tree, node), NONE);
    }

    #[test]
    fn slots_of_the_dead_and_the_living_are_all_taken_at_the_end() {
        let mut live = LivePrefixes::default();
        live.reserve(3).unwrap();
        for slot in 0..3 {
            let place = live.insert(child(NONE, slot), ());
            live.hold(place);
            live.get_mut(place).slot = slot;
        }
        live.release(1);
        let mut slots: Vec<u32> = live.take_all_slots().collect();
        slots.sort();
        assert_eq!(slots, [0, 1, 2]);
        assert_eq!(live.take_all_slots().count(), 0);
        live.reset();
        assert_eq!(live.places(), 0);
    }
}
