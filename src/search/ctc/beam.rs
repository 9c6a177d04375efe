//! The prefixes alive after a frame.

use crate::error::Error;
use crate::memory::resize;
use crate::score_kind::IMPOSSIBLE;
use crate::search::prefixes::{Entry, Live, NONE, Tree};
use crate::simd::F64_LANES;

/// The prefixes alive after a frame, best first.
#[derive(Clone, Debug, Default)]
pub(super) struct Beam {
    pub(super) length: usize,
    pub(super) prefixes: Vec<Prefix>,
    pub(super) masses: Masses,
    /// The sums of the scorer's scores; zeros without one.
    pub(super) scored: Vec<f64>,
    /// The most that the scores can sum up to with one token more.
    pub(super) most_scored: Vec<f64>,
    /// Which tokens the scorer lets follow: those whose bit `token % 64` is set.
    pub(super) follow: Vec<u64>,
    /// Where the scorer's states are among [`States`](super::states::States).
    pub(super) states: Vec<u32>,
}

/// The log masses of the alignments of each prefix, by rank, in arrays padded
/// to whole vectors.
#[derive(Clone, Debug, Default)]
pub(super) struct Masses {
    /// Of those that end in a blank.
    pub(super) blank: Vec<f64>,
    /// Of those that end in the last token.
    pub(super) token: Vec<f64>,
    /// Of all.
    pub(super) all: Vec<f64>,
}

impl Masses {
    pub(super) fn reserve(&mut self, beams: usize) -> Result<(), Error> {
        for array in [&mut self.blank, &mut self.token, &mut self.all] {
            resize_padded(array, beams)?;
        }
        Ok(())
    }

    /// The mass that an extension by `last`, or by another token, starts from.
    #[inline(always)]
    pub(super) fn extended(&self, rank: usize, repeats: bool) -> f64 {
        if repeats {
            self.blank[rank]
        } else {
            self.all[rank]
        }
    }
}

/// Makes room for `beams` numbers, in whole vectors.
pub(super) fn resize_padded(array: &mut Vec<f64>, beams: usize) -> Result<(), Error> {
    let padded = beams.next_multiple_of(F64_LANES);
    resize(array, padded, "the beam")?;
    // Lanes that no prefix has are added up with the others; no NaN there.
    array.fill(IMPOSSIBLE);
    Ok(())
}

/// A prefix and its best alignments, each with the place where it entered the
/// prefix's tokens: a node in the tree of frames.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prefix {
    pub(super) node: u32,
    /// The node of the prefix one token shorter, or [`NONE`].
    pub(super) parent: u32,
    /// The last token, or [`NONE`] for the empty prefix.
    pub(super) last: u32,
    pub(super) token_entry: u32,
    /// Of the best alignment that ends in a blank.
    pub(super) blank_spot: Spot,
    /// The score of the best alignment that ends in a blank.
    pub(super) best_blank: f64,
    /// The score of the best one that ends in the last token.
    pub(super) best_token: f64,
}

/// Where an alignment entered its prefix's tokens, a node in the tree of frames, and the last
/// frame of the last token. They are one number, so that they are chosen at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spot(u64);

impl Spot {
    #[inline(always)]
    pub(super) fn new(entry: u32, last: u32) -> Self {
        Spot(u64::from(last) << 32 | u64::from(entry))
    }

    #[inline(always)]
    pub(super) fn entry(self) -> u32 {
        self.0 as u32
    }

    #[inline(always)]
    pub(super) fn last(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// An alignment's score, and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alignment {
    pub(super) score: f64,
    pub(super) spot: Spot,
}

impl Alignment {
    /// Its entry in another token.
    #[inline(always)]
    pub(super) fn at(&self, frame: u32) -> Entry {
        Entry {
            frame,
            last_before: self.spot.last(),
        }
    }
}

impl Prefix {
    /// The empty prefix before any frame; its nodes are the roots.
    const EMPTY: Prefix = Prefix {
        node: 0,
        parent: NONE,
        last: NONE,
        token_entry: NONE,
        blank_spot: Spot(0),
        best_blank: 0.0,
        best_token: IMPOSSIBLE,
    };

    /// The best alignment before `frame`; of two equals the one that ends in a blank.
    #[inline(always)]
    pub(super) fn best(&self, frame: u32) -> Alignment {
        self.leaving(false, frame)
    }

    /// The best alignment with which the prefix can be extended at `frame`: by its own
    /// last token, one that ends in a blank.
    #[inline(always)]
    pub(super) fn leaving(&self, repeats: bool, frame: u32) -> Alignment {
        let token = (self.best_token > self.best_blank) & !repeats;
        Alignment {
            score: if token {
                self.best_token
            } else {
                self.best_blank
            },
            spot: if token {
                Spot::new(self.token_entry, frame.wrapping_sub(1))
            } else {
                self.blank_spot
            },
        }
    }

    /// One frame further in the beam, by `frame`: the alignments go on by the blank or
    /// repeat the last token.
    #[inline(always)]
    pub(super) fn carry(&mut self, blank: f64, repeat: f64, frame: u32) {
        let best = self.best(frame);
        (self.best_blank, self.blank_spot) = (best.score + blank, best.spot);
        self.best_token += repeat;
    }

    /// Lets an alignment of the prefix one token shorter enter, at `frame`, if it is better than the one that is there.
    #[inline(always)]
    pub(super) fn enter(
        &mut self,
        alignment: Alignment,
        token: f64,
        entries: &mut Tree<Entry>,
        frame: u32,
    ) {
        let score = alignment.score + token;
        if score > self.best_token {
            self.best_token = score;
            self.token_entry = entries.push(alignment.spot.entry(), alignment.at(frame));
        }
    }
}

impl Live for Prefix {
    fn node(&self) -> u32 {
        self.node
    }

    /// An impossible alignment holds on to nothing.
    fn entries(&self) -> [u32; 2] {
        [
            (self.best_blank, self.blank_spot.entry()),
            (self.best_token, self.token_entry),
        ]
        .map(|(score, entry)| if score == IMPOSSIBLE { NONE } else { entry })
    }

    fn renumber(&mut self, node: u32, parent: u32, entries: [u32; 2]) {
        (self.node, self.parent) = (node, parent);
        let [blank, token] = entries;
        self.blank_spot = Spot::new(blank, self.blank_spot.last());
        self.token_entry = token;
    }
}

impl Beam {
    /// Empties the beam and makes room for `beams` prefixes.
    pub(super) fn reset(&mut self, beams: usize) -> Result<(), Error> {
        self.length = 0;
        resize(&mut self.states, beams, "the beam")?;
        resize(&mut self.prefixes, beams, "the beam")?;
        resize(&mut self.scored, beams, "the beam")?;
        resize(&mut self.most_scored, beams, "the beam")?;
        resize(&mut self.follow, beams, "the beam")?;
        self.scored.fill(0.0);
        self.masses.reserve(beams)
    }

    /// The empty prefix alone, with its scorer's state, the most that a token can score, and
    /// which may follow.
    pub(super) fn start(&mut self, state: u32, most_scored: f64, follow: u64) {
        self.follow[0] = follow;
        self.length = 1;
        self.states[0] = state;
        self.most_scored[0] = most_scored;
        self.prefixes[0] = Prefix::EMPTY;
        let Masses { blank, token, all } = &mut self.masses;
        (blank[0], token[0], all[0]) = (0.0, IMPOSSIBLE, 0.0);
        self.scored[0] = 0.0;
    }

    /// The prefixes alive.
    pub(super) fn prefixes(&self) -> &[Prefix] {
        &self.prefixes[..self.length]
    }

    /// The score of a prefix.
    pub(super) fn score(&self, rank: usize) -> f64 {
        self.masses.all[rank] + self.scored[rank]
    }

    /// Leaves the first `length` prefixes.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = length;
    }

    /// Exchanges two prefixes.
    pub(super) fn swap(&mut self, a: usize, b: usize) {
        self.prefixes.swap(a, b);
        self.states.swap(a, b);
        self.follow.swap(a, b);
        let Masses { blank, token, all } = &mut self.masses;
        for array in [blank, token, all, &mut self.scored, &mut self.most_scored] {
            array.swap(a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::prefixes::History;

    /// An entry of an alignment that has become impossible may be left in its prefix.
    #[test]
    fn what_only_impossible_alignments_entered_is_not_kept() {
        for blank_is_possible in [false, true] {
            let mut history = History::default();
            history.reset(3).unwrap();
            let node = history.prefixes.child(0, 5);
            let mut entry = |frame| {
                let entry = Entry {
                    frame,
                    ..Entry::default()
                };
                history.entries.push(0, entry)
            };
            let (possible, impossible) = (entry(3), entry(1));
            let mut prefix = Prefix {
                node,
                parent: 0,
                last: 5,
                token_entry: possible,
                blank_spot: Spot::new(impossible, 0),
                best_blank: f64::NEG_INFINITY,
                best_token: -1.0,
            };
            if blank_is_possible {
                std::mem::swap(&mut prefix.best_blank, &mut prefix.best_token);
                prefix.blank_spot = Spot::new(possible, 0);
                prefix.token_entry = impossible;
            }
            let mut beam = [prefix];
            history.compact(&mut beam);
            assert_eq!(history.all_shared(), (&[5][..], &[3][..]));
            // The trees have one node each, their roots.
            assert_eq!((beam[0].node, beam[0].parent), (0, NONE));
            assert_eq!(beam[0].best(4).spot.entry(), 0);
        }
    }
}
