//! How the prefixes of a beam are related.

use super::beam::Prefix;
use crate::error::Error;
use crate::memory::{reserve, resize};
use crate::search::prefixes::{NONE, PrefixTree};

/// Which prefixes of a beam end in the same token, and which extend which. It
/// changes when the beam does, not with every frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    /// The tokens that some prefix ends in. The first stands for the end of the
    /// empty prefix and is no token.
    lasts: Vec<u32>,
    /// Of each prefix, by rank, where its last token is among them.
    slots: Vec<u32>,
    /// Of every token of the vocabulary, where it is among them, or 0.
    table: Vec<u32>,
    /// By rank, the rank of the prefix one token shorter, or [`NONE`].
    parents: Vec<u32>,
    /// The same for those that have one.
    pairs: Vec<Link>,
    /// By rank, the rank of a prefix one token longer, or [`NONE`].
    children: Vec<u32>,
    /// By rank, the rank of another prefix with the same parent, or [`NONE`].
    siblings: Vec<u32>,
}

/// A prefix of the beam and the one a token shorter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) rank: u32,
    pub(super) parent: u32,
    /// Whether both end in the same token.
    pub(super) doubled: bool,
}

impl Links {
    pub(super) fn reset(&mut self, beams: usize, vocab: usize) -> Result<(), Error> {
        let what = "the relations of the beam";
        self.lasts.clear();
        self.pairs.clear();
        reserve(&mut self.lasts, beams + 1, what)?;
        reserve(&mut self.pairs, beams, what)?;
        resize(&mut self.slots, beams, what)?;
        for ranks in [&mut self.parents, &mut self.children, &mut self.siblings] {
            resize(ranks, beams, what)?;
        }
        resize(&mut self.table, vocab, what)?;
        self.table.fill(0);
        self.lasts.push(NONE);
        Ok(())
    }

    /// Looks at a new beam.
    pub(super) fn rebuild(&mut self, prefixes: &[Prefix], tree: &mut PrefixTree) {
        for &token in &self.lasts[1..] {
            self.table[token as usize] = 0;
        }
        self.lasts.truncate(1);
        self.pairs.clear();
        for (rank, prefix) in (0..).zip(prefixes) {
            tree.set_rank(prefix.node, rank);
        }
        let slots = &mut self.slots[..prefixes.len()];
        let parents = &mut self.parents[..prefixes.len()];
        let siblings = &mut self.siblings[..prefixes.len()];
        let children = &mut self.children[..prefixes.len()];
        children.fill(NONE);
        for (rank, prefix) in prefixes.iter().enumerate() {
            let parent = tree.rank(prefix.parent, |rank| {
                prefixes.get(rank).map(|prefix| prefix.node)
            });
            parents[rank] = parent;
            if parent != NONE {
                let child = &mut children[parent as usize];
                siblings[rank] = std::mem::replace(child, rank as u32);
                self.pairs.push(Link {
                    rank: rank as u32,
                    parent,
                    doubled: prefixes[parent as usize].last == prefix.last,
                });
            }
            slots[rank] = match self.table.get_mut(prefix.last as usize) {
                // The empty prefix.
                None => 0,
                Some(slot) => {
                    if *slot == 0 {
                        *slot = self.lasts.len() as u32;
                        self.lasts.push(prefix.last);
                    }
                    *slot
                }
            };
        }
    }

    /// The tokens that some prefix ends in; the first entry is none.
    pub(super) fn lasts(&self) -> &[u32] {
        &self.lasts
    }

    /// Where the last token of each prefix is among [`Links::lasts`].
    pub(super) fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Where `token` is among [`Links::lasts`], or 0 if no prefix ends in it.
    #[inline(always)]
    pub(super) fn slot(&self, token: u32) -> u32 {
        self.table[token as usize]
    }

    /// The rank of the prefix one token shorter, or [`NONE`].
    #[inline(always)]
    pub(super) fn parent(&self, rank: usize) -> u32 {
        self.parents[rank]
    }

    /// Whether the token of a slot, which some prefix ends in, leads from a prefix to
    /// another of the beam.
    #[inline(always)]
    pub(super) fn leads(&self, rank: usize, slot: u32) -> bool {
        let mut child = self.children[rank];
        while child != NONE {
            if self.slots[child as usize] == slot {
                return true;
            }
            child = self.siblings[child as usize];
        }
        false
    }

    /// The prefixes of which the one a token shorter is in the beam too.
    pub(super) fn pairs(&self) -> &[Link] {
        &self.pairs
    }
}
