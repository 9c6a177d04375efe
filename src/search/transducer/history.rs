//! The trees that remember how the hypotheses came about.

use super::live::LivePrefixes;
use crate::error::Error;
use crate::memory::reserve;
use crate::search::prefixes::{NONE, PrefixTree, Tree};

/// Where an alignment emits a token, and how many frames it then goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Emission {
    pub(super) frame: u32,
    pub(super) duration: u32,
}

/// The prefixes and the alignments of one utterance, and what all hypotheses share, which
/// leaves the trees now and then.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) prefixes: PrefixTree,
    /// The emissions of each alignment that may still be the best of a prefix.
    pub(super) emissions: Tree<Emission>,
    /// Compact at this many nodes.
    limits: [usize; 2],
    nodes: Vec<u32>,
    shared: Emitted,
    /// The frame of the first token, once it is shared.
    first_frame: Option<u32>,
    /// How many tokens were shared and taken.
    taken: usize,
}

/// Tokens with the frame and the duration of each, in flat arrays.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Emitted {
    /// The token ids, first to last, without blanks.
    pub tokens: Vec<u32>,
    /// The frame at which the best alignment emits each token.
    pub frames: Vec<u32>,
    /// How many frames the best alignment goes on with each token.
    pub durations: Vec<u32>,
}

impl Emitted {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }
}

/// [`Emitted`], borrowed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EmittedView<'a> {
    /// See [`Emitted::tokens`].
    pub tokens: &'a [u32],
    /// See [`Emitted::frames`].
    pub frames: &'a [u32],
    /// See [`Emitted::durations`].
    pub durations: &'a [u32],
}

impl History {
    /// Begins an utterance that is searched with so many `beams`.
    pub(super) fn reset(&mut self, beams: usize) -> Result<(), Error> {
        self.limits = [slack(beams); 2];
        let Emitted {
            tokens,
            frames,
            durations,
        } = &mut self.shared;
        for array in [tokens, frames, durations] {
            array.clear();
        }
        (self.first_frame, self.taken) = (None, 0);
        let nodes = slack(beams).min(1 << 14);
        self.prefixes.reset(nodes)?;
        self.emissions.reset(nodes)
    }

    /// Makes room for `more` nodes in each tree.
    #[inline]
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), Error> {
        self.prefixes.reserve(more)?;
        self.emissions.reserve(more)
    }

    /// Whether the trees have grown enough for compaction to be worth it.
    pub(super) fn has_grown(&self) -> bool {
        self.prefixes.len() > self.limits[0] || self.emissions.len() > self.limits[1]
    }

    /// Drops what no hypothesis needs from the trees, and moves what all share out of them.
    /// `emissions` calls a function with each place that holds a node of an alignment, in the
    /// same order each time.
    ///
    /// # Errors
    ///
    /// If memory runs out; nothing is then done.
    pub(super) fn compact<T>(
        &mut self,
        beams: usize,
        live: &mut LivePrefixes<T>,
        mut emissions: impl FnMut(&mut dyn FnMut(&mut u32)),
    ) -> Result<(), Error> {
        let what = "what all hypotheses share";
        let mut alignments = 0;
        emissions(&mut |_| alignments += 1);
        let nodes = &mut self.nodes;
        nodes.clear();
        reserve(nodes, live.places().max(alignments), what)?;
        // Never few, so that what is taken often does not grow for long.
        let more = self.prefixes.len().max(self.emissions.len());
        let more = more.next_power_of_two().max(1024);
        reserve(&mut self.shared.tokens, more, what)?;
        reserve(&mut self.shared.frames, more, what)?;
        reserve(&mut self.shared.durations, more, what)?;
        nodes.extend(live.hypotheses().map(|(_, prefix)| prefix.node));
        if nodes.is_empty() {
            return Ok(());
        }
        self.prefixes.compact(nodes, &mut self.shared.tokens);
        for ((place, prefix), &node) in live.hypotheses().zip(&*nodes) {
            prefix.node = node;
            self.prefixes.set_rank(node, place);
        }
        nodes.clear();
        emissions(&mut |&mut node| nodes.push(node));
        let Emitted {
            frames, durations, ..
        } = &mut self.shared;
        self.emissions.compact(nodes, |emission| {
            frames.push(emission.frame);
            durations.push(emission.duration);
        });
        self.first_frame = self.first_frame.or(frames.first().copied());
        let mut moved = nodes.iter();
        emissions(&mut |node| *node = moved.next().copied().unwrap_or(NONE));
        let kept = [self.prefixes.len(), self.emissions.len()];
        self.limits = kept.map(|kept| 2 * kept + slack(beams));
        Ok(())
    }

    /// How many tokens have left the trees and were not taken.
    pub(super) fn shared_tokens(&self) -> usize {
        self.shared.tokens.len()
    }

    /// The tokens that all hypotheses share, with their frames and durations where all
    /// alignments share them; as many of each as of all.
    pub(super) fn shared(&self) -> EmittedView<'_> {
        let shared = &self.shared;
        let length = shared.tokens.len().min(shared.frames.len());
        EmittedView {
            tokens: &shared.tokens[..length],
            frames: &shared.frames[..length],
            durations: &shared.durations[..length],
        }
    }

    /// Forgets the first `length` of [`History::shared`].
    pub(super) fn forget_shared(&mut self, length: usize) {
        self.shared.tokens.drain(..length);
        self.shared.frames.drain(..length);
        self.shared.durations.drain(..length);
        self.taken += length;
    }

    /// How many tokens were forgotten.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// The number of tokens of the prefix at a node that are not forgotten.
    pub(super) fn length(&self, node: u32) -> usize {
        self.shared.tokens.len() + self.prefixes.tree().depth(node)
    }

    /// Writes the tokens of the prefix at a node.
    pub(super) fn read_tokens(&self, node: u32, tokens: &mut [u32]) {
        let (shared, own) = tokens.split_at_mut(self.shared.tokens.len());
        shared.copy_from_slice(&self.shared.tokens);
        let path = self.prefixes.tree().path_back(node);
        for (out, token) in own.iter_mut().rev().zip(path) {
            *out = token;
        }
    }

    /// Writes the frame and the duration of each token in the alignment at a node.
    pub(super) fn read_emissions(&self, node: u32, frames: &mut [u32], durations: &mut [u32]) {
        let shared = self.shared.frames.len();
        let (shared_frames, frames) = frames.split_at_mut(shared);
        let (shared_durations, durations) = durations.split_at_mut(shared);
        shared_frames.copy_from_slice(&self.shared.frames);
        shared_durations.copy_from_slice(&self.shared.durations);
        let own = frames.iter_mut().zip(durations).rev();
        for ((frame, duration), emission) in own.zip(self.emissions.path_back(node)) {
            (*frame, *duration) = (emission.frame, emission.duration);
        }
    }

    /// The frame of the first token of the alignment at a node, if it has one.
    pub(super) fn first_frame(&self, node: u32) -> Option<u32> {
        let first = || self.emissions.path_back(node).last();
        self.first_frame.or_else(|| Some(first()?.frame))
    }

    /// The node of the prefix at `node` without the last tokens that its alignment emits at
    /// `frame` or later; `None` if the tree no longer has it.
    pub(super) fn node_before(&self, mut node: u32, mut emission: u32, frame: u32) -> Option<u32> {
        let emissions = &self.emissions;
        while emissions.parent(emission) != NONE && emissions.value(emission).frame >= frame {
            emission = emissions.parent(emission);
            node = self.prefixes.tree().parent(node);
            if node == NONE {
                return None;
            }
        }
        Some(node)
    }

    /// Whether the prefix at `node` is the one at `ancestor`, or begins with it.
    pub(super) fn begins_with(&self, mut node: u32, ancestor: u32) -> bool {
        // An ancestor's index is below its descendants'.
        while node > ancestor {
            node = self.prefixes.tree().parent(node);
        }
        node == ancestor
    }
}

/// How far the trees may grow beyond what compaction leaves: by a beam or two a frame. So they
/// are compacted every dozen frames or more, and those of many utterances stay in the cache.
pub(super) fn slack(beams: usize) -> usize {
    16 * beams + 512
}

#[cfg(test)]
mod tests;
