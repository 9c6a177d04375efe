//! The prefixes alive after a frame.

use super::tree::NONE;
use crate::simd::F64_LANES;

const IMPOSSIBLE: f64 = f64::NEG_INFINITY;

/// The prefixes alive after a frame, best first, an array for each of their
/// properties. The arrays of f64 are padded to whole vectors.
#[derive(Debug)]
pub(super) struct Beam<T> {
    pub(super) length: usize,
    pub(super) nodes: Vec<u32>,
    /// The last token, or [`NONE`] for the empty prefix.
    pub(super) last: Vec<u32>,
    /// The log mass of the alignments that end in a blank.
    pub(super) blank: Vec<f64>,
    /// The log mass of those that end in the last token.
    pub(super) token: Vec<f64>,
    /// The log mass of all.
    pub(super) mass: Vec<f64>,
    /// The sum of the scorer's scores.
    pub(super) scored: Vec<f64>,
    pub(super) states: Vec<T>,
    /// The best alignment that ends in a blank.
    pub(super) best_blank: Vec<f64>,
    /// The best alignment that ends in the last token.
    pub(super) best_token: Vec<f64>,
    /// Where each of the two entered the prefix's tokens: a node in the tree of
    /// frames, or [`NONE`] for an impossible one.
    pub(super) frames_blank: Vec<u32>,
    pub(super) frames_token: Vec<u32>,
}

impl<T> Default for Beam<T> {
    fn default() -> Self {
        Beam {
            length: 0,
            nodes: Vec::new(),
            last: Vec::new(),
            blank: Vec::new(),
            token: Vec::new(),
            mass: Vec::new(),
            scored: Vec::new(),
            states: Vec::new(),
            best_blank: Vec::new(),
            best_token: Vec::new(),
            frames_blank: Vec::new(),
            frames_token: Vec::new(),
        }
    }
}

/// The length of arrays of f64 for that many prefixes.
pub(super) fn padded(beams: usize) -> usize {
    beams.next_multiple_of(F64_LANES)
}

impl<T> Beam<T> {
    /// Empties the beam and makes room for `beams` prefixes.
    pub(super) fn reset(&mut self, beams: usize) {
        self.length = 0;
        self.states.clear();
        let padded = padded(beams);
        for array in [
            &mut self.blank,
            &mut self.token,
            &mut self.mass,
            &mut self.scored,
            &mut self.best_blank,
            &mut self.best_token,
        ] {
            array.resize(padded, IMPOSSIBLE);
        }
        for array in [
            &mut self.nodes,
            &mut self.last,
            &mut self.frames_blank,
            &mut self.frames_token,
        ] {
            array.resize(padded, NONE);
        }
    }

    /// The empty prefix alone, before any frame; its nodes are the roots.
    pub(super) fn start(&mut self, state: T) {
        self.length = 1;
        self.states.clear();
        self.states.push(state);
        (self.nodes[0], self.last[0]) = (0, NONE);
        (self.blank[0], self.token[0], self.mass[0]) = (0.0, IMPOSSIBLE, 0.0);
        self.scored[0] = 0.0;
        (self.best_blank[0], self.best_token[0]) = (0.0, IMPOSSIBLE);
        (self.frames_blank[0], self.frames_token[0]) = (0, NONE);
    }

    /// Leaves the first `length` prefixes.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = length;
        self.states.truncate(length);
    }

    /// Exchanges two prefixes.
    pub(super) fn swap(&mut self, a: usize, b: usize) {
        for array in [
            &mut self.blank,
            &mut self.token,
            &mut self.mass,
            &mut self.scored,
            &mut self.best_blank,
            &mut self.best_token,
        ] {
            array.swap(a, b);
        }
        for array in [
            &mut self.nodes,
            &mut self.last,
            &mut self.frames_blank,
            &mut self.frames_token,
        ] {
            array.swap(a, b);
        }
        self.states.swap(a, b);
    }

    /// The best alignment of a prefix and its node in the tree of frames; of
    /// two equals the one that ends in a blank.
    #[inline]
    pub(super) fn best(&self, rank: usize) -> (f64, u32) {
        if self.best_token[rank] > self.best_blank[rank] {
            (self.best_token[rank], self.frames_token[rank])
        } else {
            (self.best_blank[rank], self.frames_blank[rank])
        }
    }
}
