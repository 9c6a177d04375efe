//! The hypotheses of one request as a tree of backpointers.
//!
//! Nodes are appended and a node's parent lies before it. When the memory in
//! use is full, nodes that neither a live beam nor a finished hypothesis
//! descends from are swept out, in one pass back to mark and one pass forward
//! to move. What stays is about one trunk and a bush of k twigs, so a long
//! search reaches a size at which it allocates nothing more.

use crate::error::{Error, Kind};

/// The parent of a first token.
pub(super) const ROOT: u32 = u32::MAX;

/// In place of where a node moved to: it did not survive.
const SWEPT: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: u32,
    token: u32,
    /// The log-probability of the token, processed.
    score: f64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct HypothesisTree {
    nodes: Vec<Node>,
    /// The model's own log-probability of each node's token, if they are kept.
    own_scores: Vec<f64>,
    keeps_own_scores: bool,
    moved: Vec<u32>,
}

impl HypothesisTree {
    /// At most the bytes of a tree of so many lines, each of up to `length` nodes, to
    /// which `count` nodes at a time are added.
    pub(super) fn bytes_needed(
        lines: usize,
        length: usize,
        count: usize,
        keeps_own_scores: bool,
    ) -> usize {
        let wanted = lines.saturating_mul(length).saturating_add(count);
        // Twice what is used, and up to twice that where memory is doubled.
        let own = if keeps_own_scores {
            size_of::<f64>()
        } else {
            0
        };
        let node = 4 * (size_of::<Node>() + size_of::<u32>() + own);
        wanted.saturating_mul(node)
    }

    /// Starts anew.
    pub(super) fn clear(&mut self, keeps_own_scores: bool) {
        self.nodes.clear();
        self.own_scores.clear();
        self.keeps_own_scores = keeps_own_scores;
    }

    /// Whether `count` more nodes fit the memory in use.
    pub(super) fn has_room(&self, count: usize) -> bool {
        self.nodes.capacity() - self.nodes.len() >= count
    }

    /// Makes room for `count` more nodes, at least doubling the memory if
    /// there is none.
    ///
    /// # Errors
    ///
    /// If memory, or the range of node numbers, runs out.
    pub(super) fn reserve(&mut self, count: usize) -> Result<(), Error> {
        // Twice what is used: then a sweep frees at least as much as it costs.
        let wanted = (self.nodes.len() + count).saturating_mul(2);
        let more = wanted - self.nodes.len();
        let bytes = wanted.saturating_mul(size_of::<Node>());
        let out_of_memory = || {
            Error::from(Kind::OutOfMemory {
                what: "the tree of hypotheses",
                bytes,
            })
        };
        if wanted >= SWEPT as usize {
            return Err(out_of_memory());
        }
        self.nodes.try_reserve(more).map_err(|_| out_of_memory())?;
        let capacity = self.nodes.capacity();
        if self.keeps_own_scores {
            let more = capacity - self.own_scores.len();
            let reserved = self.own_scores.try_reserve(more);
            reserved.map_err(|_| out_of_memory())?;
        }
        self.moved.clear();
        self.moved
            .try_reserve(capacity)
            .map_err(|_| out_of_memory())
    }

    /// Appends a node; [`HypothesisTree::reserve`] has made room for it.
    pub(super) fn push(&mut self, parent: u32, token: u32, score: f64) -> u32 {
        let node = self.nodes.len() as u32;
        self.nodes.push(Node {
            parent,
            token,
            score,
        });
        node
    }

    /// Keeps the model's own log-probability of the node that was appended last.
    pub(super) fn push_own_score(&mut self, own_score: f64) {
        self.own_scores.push(own_score);
    }

    /// From `node` up to its first token.
    fn line(&self, node: u32) -> impl Iterator<Item = &Node> {
        let get = |node: u32| self.nodes.get(node as usize);
        std::iter::successors(get(node), move |node| get(node.parent))
    }

    /// Appends the tokens from the first to `node`'s.
    pub(super) fn tokens_into(&self, node: u32, tokens: &mut Vec<u32>) {
        let start = tokens.len();
        tokens.extend(self.line(node).map(|node| node.token));
        tokens[start..].reverse();
    }

    /// Whether `node`'s hypothesis ends with these tokens.
    pub(super) fn ends_with(&self, node: u32, tokens: &[u32]) -> bool {
        let mut line = self.line(node).map(|node| node.token);
        tokens.iter().rev().all(|&token| line.next() == Some(token))
    }

    /// How many tokens `node`'s hypothesis and `tokens` have in common from
    /// the first on.
    pub(super) fn shared_with(&self, node: u32, tokens: &[u32]) -> usize {
        let length = self.line(node).count();
        let places = (0..length).rev();
        let differ = places
            .zip(self.line(node))
            .filter(|&(place, node)| tokens.get(place).is_some_and(|&token| token != node.token));
        differ
            .last()
            .map_or(length.min(tokens.len()), |(place, _)| place)
    }

    /// Appends the score of each token from the first to `node`'s.
    pub(super) fn scores_into(&self, node: u32, scores: &mut Vec<f64>) {
        let start = scores.len();
        scores.extend(self.line(node).map(|node| node.score));
        scores[start..].reverse();
    }

    /// Appends the model's own log-probability of each token from the first to `node`'s, if they
    /// are kept.
    pub(super) fn own_scores_into(&self, mut node: u32, scores: &mut Vec<f64>) {
        let start = scores.len();
        while let Some(&own_score) = self.own_scores.get(node as usize) {
            scores.push(own_score);
            node = self.nodes[node as usize].parent;
        }
        scores[start..].reverse();
    }

    /// Starts a sweep: nothing is marked.
    pub(super) fn begin_sweep(&mut self) {
        self.moved.clear();
        self.moved.resize(self.nodes.len(), SWEPT);
    }

    /// Marks a node and its ancestors as in use.
    pub(super) fn mark(&mut self, mut node: u32) {
        while let Some(moved) = self.moved.get_mut(node as usize) {
            if *moved != SWEPT {
                return;
            }
            *moved = 0;
            node = self.nodes[node as usize].parent;
        }
    }

    /// Ends a sweep: moves the marked nodes together.
    pub(super) fn sweep(&mut self) {
        let mut kept = 0;
        for at in 0..self.nodes.len() {
            if self.moved[at] == SWEPT {
                continue;
            }
            let node = self.nodes[at];
            self.nodes[kept] = Node {
                parent: self.moved(node.parent),
                ..node
            };
            if let Some(&own_score) = self.own_scores.get(at) {
                self.own_scores[kept] = own_score;
            }
            self.moved[at] = kept as u32;
            kept += 1;
        }
        self.nodes.truncate(kept);
        self.own_scores.truncate(kept);
    }

    /// Where the last sweep moved a marked node.
    pub(super) fn moved(&self, node: u32) -> u32 {
        self.moved.get(node as usize).copied().unwrap_or(ROOT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_was_cleared_begins_again() {
        let mut tree = HypothesisTree::default();
        for token in [4, 9] {
            tree.clear(false);
            tree.reserve(1).unwrap();
            assert_eq!(tree.push(ROOT, token, -1.0), 0);
            let mut tokens = Vec::new();
            tree.tokens_into(0, &mut tokens);
            assert_eq!(tokens, [token]);
        }
    }

    #[test]
    fn a_sweep_keeps_every_marked_line_and_nothing_else() {
        let mut tree = HypothesisTree::default();
        tree.reserve(64).unwrap();
        let mut leaves = vec![ROOT];
        for step in 0..4 {
            let grown: Vec<u32> = leaves
                .iter()
                .flat_map(|&leaf| [(leaf, 2 * step), (leaf, 2 * step + 1)])
                .map(|(leaf, token)| tree.push(leaf, token, f64::from(token)))
                .collect();
            leaves = grown;
        }
        let line = |tree: &HypothesisTree, node| {
            let (mut tokens, mut scores) = (Vec::new(), Vec::new());
            tree.tokens_into(node, &mut tokens);
            tree.scores_into(node, &mut scores);
            (tokens, scores)
        };
        let kept = [leaves[3], leaves[13], leaves[12]];
        let before = kept.map(|node| line(&tree, node));
        assert_eq!(before[1].0, [1, 3, 4, 7]);
        tree.begin_sweep();
        kept.iter().for_each(|&node| tree.mark(node));
        tree.sweep();
        assert_eq!(kept.map(|node| line(&tree, tree.moved(node))), before);
        // Two lines of four that share nothing, and one twig.
        assert_eq!(tree.nodes.len(), 9);
        assert_eq!(tree.moved(ROOT), ROOT);
    }
}
