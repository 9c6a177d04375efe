//! Which active prefixes stay, where a frame is one stage.

use super::bucket::Paths;
use super::live::LivePrefixes;
use super::selection::Active;
use crate::error::Error;
use crate::memory::{reserve, resize};
use crate::score_kind::IMPOSSIBLE;
use crate::search::prefixes::NONE;

/// The active prefixes that stay, by rank, and how they are related.
#[derive(Debug, Default)]
pub(super) struct Stays {
    /// What each comes to by the blank, or by a token of its parent; nothing if it does not
    /// stay.
    pub(super) stays: Vec<Stay>,
    /// The rank of the prefix one token shorter, or [`NONE`].
    pub(super) parents: Vec<u32>,
    /// The log-probability of the last token after the prefix one token shorter.
    pub(super) logs: Vec<f64>,
    /// The rank of a prefix one token longer, or [`NONE`].
    children: Vec<u32>,
    /// The rank of another prefix with the same parent, or [`NONE`].
    siblings: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Stay {
    pub(super) paths: Paths,
    /// Whether the best alignment emits the last token in this frame.
    pub(super) emits: bool,
}

impl Stays {
    pub(super) fn reserve(&mut self, ranks: usize) -> Result<(), Error> {
        let what = "the relations of the beam";
        self.stays.clear();
        reserve(&mut self.stays, ranks, what)?;
        for array in [&mut self.parents, &mut self.children, &mut self.siblings] {
            resize(array, ranks, what)?;
        }
        resize(&mut self.logs, ranks, what)?;
        self.children.fill(NONE);
        Ok(())
    }

    pub(super) fn link(&mut self, rank: usize, parent: u32, log: f64) {
        (self.parents[rank], self.logs[rank]) = (parent, log);
        if parent != NONE {
            let child = &mut self.children[parent as usize];
            self.siblings[rank] = std::mem::replace(child, rank as u32);
        }
    }

    /// Whether a token of some log-probability may lead from a prefix to another that is
    /// active: another token can have the same.
    #[inline]
    pub(super) fn may_lead(&self, rank: usize, log: f64) -> bool {
        let mut child = self.children[rank];
        while child != NONE {
            if self.logs[child as usize] == log {
                return true;
            }
            child = self.siblings[child as usize];
        }
        false
    }

    /// Whether a token leads from a prefix to another that stays.
    #[inline]
    pub(super) fn leads<T>(
        &self,
        live: &LivePrefixes<T>,
        active: &[Active],
        rank: usize,
        token: u32,
    ) -> bool {
        let mut child = self.children[rank];
        while child != NONE {
            let at = child as usize;
            if live.get(active[at].place).token == token {
                return self.stays[at].paths.mass > IMPOSSIBLE;
            }
            child = self.siblings[at];
        }
        false
    }
}
