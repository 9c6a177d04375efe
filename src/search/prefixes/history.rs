//! The trees that remember how the beam came about.

use super::{NONE, PrefixTree, Tree};
use crate::error::Error;
use crate::memory::reserve;

/// A live prefix, as far as the history knows it: its places in the two trees.
pub(crate) trait Live {
    /// Its node in [`History::prefixes`].
    fn node(&self) -> u32;

    /// The nodes of its alignments in [`History::entries`]; [`NONE`] holds on to nothing.
    fn entries(&self) -> [u32; 2];

    /// Takes the nodes that compaction gave it, and that of the prefix one token shorter.
    fn renumber(&mut self, node: u32, parent: u32, entries: [u32; 2]);
}

/// The prefixes and the alignments of one item, and what all live prefixes
/// share, which leaves the trees now and then.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) prefixes: PrefixTree,
    /// Of each alignment that may still be the best of a prefix, the frames at
    /// which it entered the prefix's tokens.
    pub(crate) entries: Tree<Entry>,
    /// Compact at this many nodes.
    limits: [usize; 2],
    live: Vec<u32>,
    path: Vec<u32>,
    shared_tokens: Vec<u32>,
    shared_frames: Vec<u32>,
    /// For each of these entries [`Entry::last_before`].
    shared_lasts_before: Vec<u32>,
}

/// Where an alignment enters a token.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    /// The frame.
    pub(crate) frame: u32,
    /// The last frame of the token before, where there is one.
    pub(crate) last_before: u32,
}

impl History {
    /// Begins an item that is searched with so many `beams`.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn reset(&mut self, beams: usize) -> Result<(), Error> {
        self.limits = [Self::slack(beams); 2];
        self.shared_tokens.clear();
        self.shared_frames.clear();
        self.shared_lasts_before.clear();
        self.live.clear();
        reserve(&mut self.live, 2 * beams, "the history of the beam")?;
        let nodes = Self::nodes(beams);
        self.prefixes.reset(nodes)?;
        self.entries.reset(nodes)
    }

    /// The nodes of each tree that there is room for from the start: enough for
    /// most items.
    pub(crate) fn nodes(beams: usize) -> usize {
        Self::slack(beams).min(1 << 14)
    }

    /// Bytes that [`History::reset`] allocates: of each node four numbers in the
    /// tree of prefixes, five in that of entries and its rank, and a table of twice as many
    /// slots.
    pub(crate) fn bytes_needed(beams: usize) -> usize {
        let nodes = Self::nodes(beams);
        (10 * nodes + (2 * nodes).next_power_of_two()) * size_of::<u32>()
    }

    /// How many nodes the larger of its trees has, and how many tokens have left them and were
    /// not taken.
    pub(crate) fn held(&self) -> [usize; 2] {
        let nodes = self.prefixes.len().max(self.entries.len());
        let shared = self.shared_tokens.len().max(self.shared_frames.len());
        [nodes, shared]
    }

    /// How far the trees may grow beyond what compaction leaves. They do by
    /// about half of the beam a frame, so compaction is rare.
    fn slack(beams: usize) -> usize {
        8 * beams + 4096
    }

    /// Makes room for one more frame, so that none of what follows it
    /// allocates.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn reserve(&mut self, beams: usize) -> Result<(), Error> {
        // A prefix that survives has at most one new node in each tree.
        self.prefixes.reserve(beams)?;
        self.entries.reserve(beams)?;
        let what = "the tokens that all prefixes share";
        reserve(&mut self.shared_tokens, self.prefixes.len() + beams, what)?;
        let entries = self.entries.len() + beams;
        reserve(&mut self.shared_lasts_before, entries, what)?;
        reserve(&mut self.shared_frames, entries, what)
    }

    /// Compacts if the trees have grown enough for it to be worth it.
    pub(crate) fn compact_if_grown(&mut self, beams: usize, beam: &mut [impl Live]) {
        if self.prefixes.len() > self.limits[0] || self.entries.len() > self.limits[1] {
            mark!("the trees have grown");
            self.compact(beam);
            let kept = [self.prefixes.len(), self.entries.len()];
            self.limits = kept.map(|kept| 2 * kept + Self::slack(beams));
        }
    }

    /// Drops what no live prefix needs from the trees, and moves what all share
    /// out of them.
    pub(crate) fn compact(&mut self, beam: &mut [impl Live]) {
        if beam.is_empty() {
            return;
        }
        let live = &mut self.live;
        live.clear();
        live.extend(beam.iter().map(Live::node));
        self.prefixes.compact(live, &mut self.shared_tokens);
        for (prefix, &node) in beam.iter_mut().zip(&*live) {
            let parent = self.prefixes.tree().parent(node);
            prefix.renumber(node, parent, prefix.entries());
        }
        live.clear();
        live.extend(beam.iter().flat_map(Live::entries));
        self.entries.compact(live, |entry| {
            self.shared_frames.push(entry.frame);
            self.shared_lasts_before.push(entry.last_before);
        });
        for (prefix, &entries) in beam.iter_mut().zip(live.as_chunks::<2>().0) {
            let node = prefix.node();
            prefix.renumber(node, self.prefixes.tree().parent(node), entries);
        }
    }

    /// The tokens that all live prefixes share, and their frames where all
    /// alignments share them; as many of each as of both.
    pub(crate) fn shared(&self) -> (&[u32], &[u32]) {
        let length = self.shared_tokens.len().min(self.shared_frames.len());
        (&self.shared_tokens[..length], &self.shared_frames[..length])
    }

    /// All tokens and frames that left the trees.
    #[cfg(test)]
    pub(crate) fn all_shared(&self) -> (&[u32], &[u32]) {
        (&self.shared_tokens, &self.shared_frames)
    }

    /// Forgets the first `length` of [`History::shared`].
    pub(crate) fn forget_shared(&mut self, length: usize) {
        self.shared_tokens.drain(..length);
        self.shared_frames.drain(..length);
        self.shared_lasts_before.drain(..length);
    }

    /// The tokens of the prefix at a node that are not forgotten: what all share, and its own.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn tokens(&mut self, node: u32) -> Result<[&[u32]; 2], Error> {
        let (tree, path) = (self.prefixes.tree(), &mut self.path);
        path.clear();
        reserve(path, tree.len(), "the tokens of a hypothesis")?;
        path.extend(tree.path_back(node));
        path.reverse();
        Ok([&self.shared_tokens, path])
    }

    /// Writes the first and the last frame of each token in the alignment at `entry`,
    /// whose last token ends at `last`.
    pub(crate) fn read_frames(
        &self,
        entry: u32,
        mut last: u32,
        frames: &mut [u32],
        last_frames: &mut [u32],
    ) {
        let shared = self.shared_frames.len();
        let (shared_frames, frames) = frames.split_at_mut(shared);
        let (shared_lasts, last_frames) = last_frames.split_at_mut(shared);
        let own = frames.iter_mut().zip(last_frames).rev();
        for ((frame, last_frame), entry) in own.zip(self.entries.path_back(entry)) {
            *frame = entry.frame;
            // The entry after a token has the token's last frame.
            *last_frame = std::mem::replace(&mut last, entry.last_before);
        }
        shared_frames.copy_from_slice(&self.shared_frames);
        if let Some((end, before)) = shared_lasts.split_last_mut() {
            *end = last;
            before.copy_from_slice(&self.shared_lasts_before[1..]);
        }
    }

    /// The node of the prefix at `node` without the last tokens that its alignment at
    /// `entry` entered at `frame` or later; `None` if the tree no longer has it.
    pub(crate) fn node_before(&self, mut node: u32, mut entry: u32, frame: u32) -> Option<u32> {
        while self.entries.parent(entry) != NONE && self.entries.value(entry).frame >= frame {
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
            let mut history = History::default();
            history.reset(beams).unwrap();
            let start = History::nodes(beams);
            assert!(start >= 4096 && history.live.capacity() >= 2 * beams);
            let mut node = 0;
            for frame in 0..6000 / beams as u32 {
                history.reserve(beams).unwrap();
                let rooms = |history: &History| {
                    let both = [&history.shared_tokens, &history.shared_frames];
                    both.map(Vec::capacity)
                };
                let before = rooms(&history);
                for token in 0..beams as u32 {
                    node = history.prefixes.child(node, token);
                    history.entries.push(
                        0,
                        Entry {
                            frame,
                            ..Entry::default()
                        },
                    );
                }
                // All of it may be shared.
                let most = history.prefixes.len().max(history.entries.len());
                assert!(before.iter().all(|&room| room + 1 >= most), "{frame}");
            }
        }
    }

    #[test]
    fn the_trees_begin_with_room_for_most_items_and_no_more() {
        assert_eq!(History::nodes(1), 4096 + 8);
        assert_eq!(History::nodes(100), 4096 + 800);
        assert_eq!(History::nodes(100_000), 1 << 14);
    }
}
