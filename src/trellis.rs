//! The back-pointers of a beam search: one node for each hypothesis that
//! survived a step.

use crate::error::Error;
use crate::memory::reserve;

/// Parents and tokens of the nodes of all steps, in flat arrays that only grow
/// until they are cleared.
///
/// The nodes of a step stand in order of rank. A parent is a rank within the
/// step before; nodes of the first step have parent 0, the empty hypothesis.
#[derive(Debug, Default)]
pub(crate) struct Trellis {
    parents: Vec<u32>,
    tokens: Vec<u32>,
    /// Where the nodes of each step end.
    ends: Vec<usize>,
}

impl Trellis {
    pub(crate) fn clear(&mut self) {
        self.parents.clear();
        self.tokens.clear();
        self.ends.clear();
    }

    /// Makes room for `steps` steps of `nodes` nodes in all.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn reserve(&mut self, steps: usize, nodes: usize) -> Result<(), Error> {
        let what = "the back-pointers of the beam";
        reserve(&mut self.parents, nodes, what)?;
        reserve(&mut self.tokens, nodes, what)?;
        reserve(&mut self.ends, steps, what)
    }

    /// Appends a node to the step being built.
    #[inline]
    pub(crate) fn push(&mut self, parent: u32, token: u32) {
        self.parents.push(parent);
        self.tokens.push(token);
    }

    /// Closes the step being built.
    pub(crate) fn end_step(&mut self) {
        self.ends.push(self.tokens.len());
    }

    /// The number of steps.
    pub(crate) fn steps(&self) -> usize {
        self.ends.len()
    }

    /// Writes the tokens on the way to the node of `rank` in the last step;
    /// `tokens` is as long as there are steps.
    pub(crate) fn trace(&self, rank: usize, tokens: &mut [u32]) {
        debug_assert_eq!(tokens.len(), self.steps());
        let mut rank = rank;
        for (step, token) in tokens.iter_mut().enumerate().rev() {
            let start = step.checked_sub(1).map_or(0, |before| self.ends[before]);
            *token = self.tokens[start + rank];
            rank = self.parents[start + rank] as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Trellis {
        /// What it has room for, in bytes.
        pub(crate) fn bytes(&self) -> usize {
            let nodes = self.parents.capacity() + self.tokens.capacity();
            4 * nodes + size_of::<usize>() * self.ends.capacity()
        }
    }

    #[test]
    fn room_is_made_for_all_steps_and_nodes() {
        let mut trellis = Trellis::default();
        trellis.reserve(5, 23).unwrap();
        assert_eq!(trellis.bytes(), 2 * 4 * 23 + size_of::<usize>() * 5);
        for step in 0..5 {
            assert_eq!(trellis.steps(), step);
            (0..step + 1).for_each(|parent| trellis.push(parent as u32, 9));
            trellis.end_step();
        }
        assert_eq!(trellis.bytes(), 2 * 4 * 23 + size_of::<usize>() * 5);
        for (steps, nodes) in [(usize::MAX, 1), (1, usize::MAX)] {
            let error = Trellis::default().reserve(steps, nodes).unwrap_err();
            assert!(error.is_out_of_memory());
        }
    }

    #[test]
    fn a_trace_follows_the_parents_back_to_the_first_step() {
        let mut trellis = Trellis::default();
        for step in [&[(0, 7), (0, 8)][..], &[(1, 5), (0, 6), (1, 4)], &[(2, 3)]] {
            for &(parent, token) in step {
                trellis.push(parent, token);
            }
            trellis.end_step();
        }
        let mut tokens = [0; 3];
        trellis.trace(0, &mut tokens);
        assert_eq!(tokens, [8, 4, 3]);
        trellis.clear();
        assert_eq!(trellis.steps(), 0);
        trellis.trace(0, &mut []);
    }
}
