//! The trees that remember how the beam came about.

use super::beam::{Beam, Prefix};
use super::settings::Settings;
use crate::error::Error;
use crate::memory::reserve;
use crate::score_kind::IMPOSSIBLE;
use crate::search::prefixes::{NONE, PrefixTree, Tree};

/// The prefixes and the alignments of one item, and what all live prefixes
/// share, which leaves the trees now and then.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) prefixes: PrefixTree,
    /// Of each alignment that may still be the best of a prefix, the frames at
    /// which it entered the prefix's tokens.
    pub(super) entries: Tree,
    /// Compact at this many nodes.
    limits: [usize; 2],
    live: Vec<u32>,
    shared_tokens: Vec<u32>,
    shared_frames: Vec<u32>,
}

impl History {
    pub(super) fn reset(&mut self, settings: &Settings) -> Result<(), Error> {
        self.limits = [Self::slack(settings); 2];
        self.shared_tokens.clear();
        self.shared_frames.clear();
        self.live.clear();
        reserve(
            &mut self.live,
            2 * settings.beams,
            "the history of the beam",
        )?;
        let nodes = Self::nodes(settings);
        self.prefixes.reset(nodes)?;
        self.entries.reset(nodes)
    }

    /// The nodes of each tree that there is room for from the start: enough for
    /// most items.
    fn nodes(settings: &Settings) -> usize {
        Self::slack(settings).min(1 << 14)
    }

    /// Bytes that [`History::reset`] allocates: of each node four numbers in both
    /// trees and its rank, and a table of twice as many slots.
    pub(super) fn bytes_needed(settings: &Settings) -> usize {
        let nodes = Self::nodes(settings);
        (9 * nodes + (2 * nodes).next_power_of_two()) * size_of::<u32>()
    }

    /// How far the trees may grow beyond what compaction leaves. They do by
    /// about half of the beam a frame, so compaction is rare.
    fn slack(settings: &Settings) -> usize {
        8 * settings.beams + 4096
    }

    /// Makes room for one more frame, so that none of what follows it
    /// allocates.
    pub(super) fn reserve(&mut self, settings: &Settings) -> Result<(), Error> {
        // A prefix that survives has at most one new node in each tree.
        self.prefixes.reserve(settings.beams)?;
        self.entries.reserve(settings.beams)?;
        let what = "the tokens that all prefixes share";
        reserve(
            &mut self.shared_tokens,
            self.prefixes.len() + settings.beams,
            what,
        )?;
        reserve(
            &mut self.shared_frames,
            self.entries.len() + settings.beams,
            what,
        )
    }

    /// Compacts if the trees have grown enough for it to be worth it.
    pub(super) fn compact_if_grown<T>(&mut self, settings: &Settings, beam: &mut Beam<T>) {
        if self.prefixes.len() > self.limits[0] || self.entries.len() > self.limits[1] {
            mark!("the trees have grown");
            self.compact(beam);
            let kept = [self.prefixes.len(), self.entries.len()];
            self.limits = kept.map(|kept| 2 * kept + Self::slack(settings));
        }
    }

    /// Drops what no live prefix needs from the trees, and moves what all share
    /// out of them.
    pub(super) fn compact<T>(&mut self, beam: &mut Beam<T>) {
        let beam = &mut beam.prefixes[..beam.length];
        if beam.is_empty() {
            return;
        }
        let live = &mut self.live;
        live.clear();
        live.extend(beam.iter().map(|prefix| prefix.node));
        self.prefixes.compact(live, &mut self.shared_tokens);
        for (prefix, &node) in beam.iter_mut().zip(&*live) {
            prefix.node = node;
            prefix.parent = self.prefixes.tree().parent(node);
        }
        // An impossible alignment holds on to nothing.
        let entry = |score, entry| match score {
            IMPOSSIBLE => NONE,
            _ => entry,
        };
        live.clear();
        live.extend(beam.iter().flat_map(|prefix| {
            [
                entry(prefix.best_blank, prefix.blank_entry),
                entry(prefix.best_token, prefix.token_entry),
            ]
        }));
        self.entries.compact(live, &mut self.shared_frames);
        for (prefix, entries) in beam.iter_mut().zip(live.chunks_exact(2)) {
            (prefix.blank_entry, prefix.token_entry) = (entries[0], entries[1]);
        }
    }

    /// The tokens that all live prefixes share, and their frames where all
    /// alignments share them; as many of each as of both.
    pub(super) fn shared(&self) -> (&[u32], &[u32]) {
        let length = self.shared_tokens.len().min(self.shared_frames.len());
        (&self.shared_tokens[..length], &self.shared_frames[..length])
    }

    /// All tokens and frames that left the trees.
    #[cfg(test)]
    pub(super) fn all_shared(&self) -> (&[u32], &[u32]) {
        (&self.shared_tokens, &self.shared_frames)
    }

    /// Forgets the first `length` of [`History::shared`].
    pub(super) fn forget_shared(&mut self, length: usize) {
        self.shared_tokens.drain(..length);
        self.shared_frames.drain(..length);
    }

    /// The number of tokens of a prefix that are not forgotten.
    pub(super) fn length(&self, prefix: &Prefix) -> usize {
        self.shared_tokens.len() + self.prefixes.tree().depth(prefix.node)
    }

    /// Writes the tokens of a prefix and the frames of its best alignment.
    pub(super) fn read(&self, prefix: &Prefix, tokens: &mut [u32], frames: &mut [u32]) {
        let (shared, own) = tokens.split_at_mut(self.shared_tokens.len());
        shared.copy_from_slice(&self.shared_tokens);
        self.prefixes.tree().read_path(prefix.node, own);
        let (shared, own) = frames.split_at_mut(self.shared_frames.len());
        shared.copy_from_slice(&self.shared_frames);
        self.entries.read_path(prefix.best().entry, own);
    }

    /// The node of `prefix` without the last tokens that its best alignment entered at
    /// `frame` or later; `None` if the tree no longer has it.
    pub(super) fn node_before(&self, prefix: &Prefix, frame: u32) -> Option<u32> {
        let (mut entry, mut node) = (prefix.best().entry, prefix.node);
        while self.entries.parent(entry) != NONE && self.entries.value(entry) >= frame {
            entry = self.entries.parent(entry);
            node = self.prefixes.tree().parent(node);
            if node == NONE {
                return None;
            }
        }
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_a_frame_is_room_for_all_of_it() {
        for beams in [1, 3, 40] {
            let settings = Settings::new(beams, 0).unwrap();
            let mut history = History::default();
            history.reset(&settings).unwrap();
            let start = History::nodes(&settings);
            assert!(start >= 4096 && history.live.capacity() >= 2 * beams);
            let mut node = 0;
            for frame in 0..6000 / beams as u32 {
                history.reserve(&settings).unwrap();
                let rooms = |history: &History| {
                    let both = [&history.shared_tokens, &history.shared_frames];
                    both.map(Vec::capacity)
                };
                let before = rooms(&history);
                for token in 0..beams as u32 {
                    node = history.prefixes.child(node, token);
                    history.entries.push(0, frame);
                }
                // All of it may be shared.
                let most = history.prefixes.len().max(history.entries.len());
                assert!(before.iter().all(|&room| room + 1 >= most), "{frame}");
            }
        }
    }

    /// An entry of an alignment that has become impossible may be left in its prefix.
    #[test]
    fn what_only_impossible_alignments_entered_is_not_kept() {
        let settings = Settings::new(3, 0).unwrap();
        for blank_is_possible in [false, true] {
            let mut history = History::default();
            history.reset(&settings).unwrap();
            let mut beam = Beam::<()>::default();
            beam.reset(settings.beams).unwrap();
            let node = history.prefixes.child(0, 5);
            let (possible, impossible) = (history.entries.push(0, 3), history.entries.push(0, 1));
            let mut prefix = Prefix {
                node,
                parent: 0,
                last: 5,
                blank_entry: impossible,
                token_entry: possible,
                best_blank: f64::NEG_INFINITY,
                best_token: -1.0,
            };
            if blank_is_possible {
                std::mem::swap(&mut prefix.best_blank, &mut prefix.best_token);
                std::mem::swap(&mut prefix.blank_entry, &mut prefix.token_entry);
            }
            beam.length = 1;
            beam.prefixes.clear();
            beam.prefixes.push(prefix);
            history.compact(&mut beam);
            assert_eq!(history.all_shared(), (&[5][..], &[3][..]));
        }
    }

    #[test]
    fn the_trees_begin_with_room_for_most_items_and_no_more() {
        let nodes = |beams| History::nodes(&Settings::new(beams, 0).unwrap());
        assert_eq!(nodes(1), 4096 + 8);
        assert_eq!(nodes(100), 4096 + 800);
        assert_eq!(nodes(100_000), 1 << 14);
    }
}
