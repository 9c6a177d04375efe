//! The prefixes alive after a frame.

use super::tree::NONE;
use crate::simd::F64_LANES;

const IMPOSSIBLE: f64 = f64::NEG_INFINITY;

/// The prefixes alive after a frame, best first. What is added up in vectors
/// has an array of its own, padded to whole vectors.
#[derive(Debug)]
pub(super) struct Beam<T> {
    pub(super) length: usize,
    pub(super) prefixes: Vec<Prefix>,
    /// The log mass of the alignments that end in a blank.
    pub(super) blank: Vec<f64>,
    /// The log mass of those that end in the last token.
    pub(super) token: Vec<f64>,
    /// The log mass of all.
    pub(super) mass: Vec<f64>,
    /// The sum of the scorer's scores.
    pub(super) scored: Vec<f64>,
    pub(super) states: Vec<T>,
}

/// A prefix and its best alignments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix {
    pub(super) node: u32,
    /// The last token, or [`NONE`] for the empty prefix.
    pub(super) last: u32,
    /// The best alignment that ends in a blank, and where it entered the
    /// prefix's tokens: a node in the tree of frames, [`NONE`] for an impossible
    /// one.
    pub(super) best_blank: Path,
    /// The best alignment that ends in the last token.
    pub(super) best_token: Path,
}

/// An alignment's score and its node in the tree of frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub(super) score: f64,
    pub(super) entry: u32,
}

impl Path {
    pub(super) const IMPOSSIBLE: Path = Path {
        score: IMPOSSIBLE,
        entry: NONE,
    };

    /// The path one frame further. An impossible one must not hold on to its
    /// entries.
    #[inline(always)]
    pub(super) fn add(self, log_probability: f64) -> Path {
        let score = self.score + log_probability;
        let entry = if score == IMPOSSIBLE {
            NONE
        } else {
            self.entry
        };
        Path { score, entry }
    }
}

impl Prefix {
    /// The empty prefix before any frame; its nodes are the roots.
    const EMPTY: Prefix = Prefix {
        node: 0,
        last: NONE,
        best_blank: Path {
            score: 0.0,
            entry: 0,
        },
        best_token: Path::IMPOSSIBLE,
    };

    /// The best alignment; of two equals the one that ends in a blank.
    #[inline(always)]
    pub(super) fn best(&self) -> Path {
        if self.best_token.score > self.best_blank.score {
            self.best_token
        } else {
            self.best_blank
        }
    }
}

impl<T> Default for Beam<T> {
    fn default() -> Self {
        Beam {
            length: 0,
            prefixes: Vec::new(),
            blank: Vec::new(),
            token: Vec::new(),
            mass: Vec::new(),
            scored: Vec::new(),
            states: Vec::new(),
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
        self.prefixes.resize(beams, Prefix::EMPTY);
        for array in self.arrays() {
            array.resize(padded(beams), IMPOSSIBLE);
        }
    }

    /// The empty prefix alone.
    pub(super) fn start(&mut self, state: T) {
        self.length = 1;
        self.states.clear();
        self.states.push(state);
        self.prefixes[0] = Prefix::EMPTY;
        (self.blank[0], self.token[0], self.mass[0]) = (0.0, IMPOSSIBLE, 0.0);
        self.scored[0] = 0.0;
    }

    /// The prefixes alive.
    pub(super) fn prefixes(&self) -> &[Prefix] {
        &self.prefixes[..self.length]
    }

    /// Leaves the first `length` prefixes.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = length;
        self.states.truncate(length);
    }

    /// Exchanges two prefixes.
    pub(super) fn swap(&mut self, a: usize, b: usize) {
        self.prefixes.swap(a, b);
        self.states.swap(a, b);
        for array in self.arrays() {
            array.swap(a, b);
        }
    }

    fn arrays(&mut self) -> [&mut Vec<f64>; 4] {
        [
            &mut self.blank,
            &mut self.token,
            &mut self.mass,
            &mut self.scored,
        ]
    }
}
