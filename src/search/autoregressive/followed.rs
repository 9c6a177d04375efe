//! Where the beams of a group stand in the constraints of their request.

use std::fmt;

use super::stateful::States;
use super::trie::ROOT;
use crate::error::Error;
use crate::memory::reserve;

/// Where beams stand in one constraint.
pub(super) enum Followed {
    /// It looks at all tokens, or at none.
    Nothing,
    /// The node of a trie for each beam.
    Trie(Nodes),
    States(Box<dyn States>),
}

/// A node of a trie for each beam; `None` where no sequence begins so.
#[derive(Debug)]
pub(super) struct Nodes {
    current: Vec<Option<u32>>,
    next: Vec<Option<u32>>,
}

impl Nodes {
    /// The root, for the one beam before the first token.
    pub(super) fn begin() -> Result<Self, Error> {
        let mut nodes = Nodes {
            current: Vec::new(),
            next: Vec::new(),
        };
        nodes.reserve(1)?;
        nodes.current.push(Some(ROOT));
        Ok(nodes)
    }

    fn reserve(&mut self, beams: usize) -> Result<(), Error> {
        for nodes in [&mut self.current, &mut self.next] {
            let more = beams.saturating_sub(nodes.len());
            reserve(nodes, more, "the nodes of a trie")?;
        }
        Ok(())
    }

    /// At most the bytes for so many beams.
    pub(super) fn bytes_needed(beams: usize) -> usize {
        // Where memory grows, it is doubled.
        beams.saturating_mul(4 * size_of::<Option<u32>>())
    }

    /// The node of a beam.
    pub(super) fn of(&self, beam: usize) -> Option<u32> {
        self.current[beam]
    }

    /// Goes on to the next beams: the parent of each among those before, and its token.
    pub(super) fn advance(
        &mut self,
        beams: impl Iterator<Item = (usize, u32)>,
        child: impl Fn(u32, u32) -> Option<u32>,
    ) {
        self.next.clear();
        let current = &self.current;
        let node = |(parent, token): (usize, u32)| child(current[parent]?, token);
        self.next.extend(beams.map(node));
        std::mem::swap(&mut self.current, &mut self.next);
    }
}

impl Followed {
    /// Makes room for so many beams.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, beams: usize) -> Result<(), Error> {
        match self {
            Followed::Nothing => Ok(()),
            Followed::Trie(nodes) => nodes.reserve(beams),
            Followed::States(states) => states.reserve(beams),
        }
    }
}

impl Clone for Nodes {
    /// With as much room.
    fn clone(&self) -> Self {
        let with_room = |nodes: &Vec<Option<u32>>| {
            let mut copy = Vec::with_capacity(nodes.capacity());
            copy.extend_from_slice(nodes);
            copy
        };
        Nodes {
            current: with_room(&self.current),
            next: with_room(&self.next),
        }
    }
}

impl Clone for Followed {
    fn clone(&self) -> Self {
        match self {
            Followed::Nothing => Followed::Nothing,
            Followed::Trie(nodes) => Followed::Trie(nodes.clone()),
            Followed::States(states) => Followed::States(states.copy()),
        }
    }
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Followed::Nothing => "Followed::Nothing",
            Followed::Trie(_) => "Followed::Trie",
            Followed::States(_) => "Followed::States",
        })
    }
}
