//! A set of token sequences as a trie.

use super::completeness::Completeness;

/// The sequences that a request may generate.
///
/// The children of a node lie side by side, ascending, in flat arrays:
/// 8 bytes a node and its token, and nothing else.
///
/// ```
/// use widebeam::autoregressive::TokenTrie;
///
/// let trie = TokenTrie::new([&[3, 1, 4][..], &[3, 1], &[2, 7]]);
/// assert_eq!(trie.next(&[]), [2, 3]);
/// assert_eq!(trie.next(&[3, 1]), [4]);
/// assert!(trie.contains(&[3, 1]) && !trie.contains(&[3]));
/// ```
#[derive(Clone, Debug)]
pub struct TokenTrie {
    /// The token that leads to each node but the root.
    tokens: Vec<u32>,
    /// One past the last child of each node; its first is one past the last
    /// of the node before. The children of a node come after it.
    child_ends: Vec<u32>,
    /// Whether a sequence ends at each node.
    is_end: Vec<bool>,
    largest: Option<u32>,
}

impl TokenTrie {
    /// A trie of sequences, in any order, repeated or not.
    ///
    /// O(n log n) comparisons of sequences.
    pub fn new<S: AsRef<[u32]>>(sequences: impl IntoIterator<Item = S>) -> Self {
        let mut sorted: Vec<S> = sequences.into_iter().collect();
        sorted.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
        let mut trie = TokenTrie {
            tokens: vec![0],
            child_ends: Vec::new(),
            is_end: Vec::new(),
            largest: sorted.iter().flat_map(|s| s.as_ref()).copied().max(),
        };
        // Breadth first: each node is a range of sequences that share their
        // first `depth` tokens.
        let mut nodes = std::collections::VecDeque::from([(0..sorted.len(), 0)]);
        while let Some((mut range, depth)) = nodes.pop_front() {
            let ended = sorted[range.clone()]
                .iter()
                .take_while(|sequence| sequence.as_ref().len() == depth)
                .count();
            trie.is_end.push(ended > 0);
            range.start += ended;
            while !range.is_empty() {
                let token = sorted[range.start].as_ref()[depth];
                let same = sorted[range.clone()].partition_point(|s| s.as_ref()[depth] == token);
                trie.tokens.push(token);
                nodes.push_back((range.start..range.start + same, depth + 1));
                range.start += same;
            }
            trie.child_ends.push(trie.tokens.len() as u32);
        }
        trie
    }

    fn children(&self, node: usize) -> std::ops::Range<usize> {
        let start = node
            .checked_sub(1)
            .map_or(1, |before| self.child_ends[before]);
        start as usize..self.child_ends[node] as usize
    }

    fn node(&self, prefix: &[u32]) -> Option<usize> {
        prefix.iter().try_fold(0, |node, token| {
            let children = self.children(node);
            let place = self.tokens[children.clone()].binary_search(token).ok()?;
            Some(children.start + place)
        })
    }

    /// The tokens that may follow `prefix`, ascending.
    pub fn next(&self, prefix: &[u32]) -> &[u32] {
        let node = self.node(prefix);
        node.map_or(&[], |node| &self.tokens[self.children(node)])
    }

    /// Whether `sequence` is one of the sequences.
    pub fn contains(&self, sequence: &[u32]) -> bool {
        self.node(sequence).is_some_and(|node| self.is_end[node])
    }

    /// Whether `sequence` is one of the sequences, and whether a longer one begins with it.
    pub(super) fn completeness(&self, sequence: &[u32]) -> Completeness {
        match self.node(sequence) {
            Some(node) if self.is_end[node] && self.children(node).is_empty() => {
                Completeness::Complete
            }
            Some(node) if self.is_end[node] => Completeness::MayEnd,
            _ => Completeness::Incomplete,
        }
    }

    /// The largest token, if there is any.
    pub(super) fn largest_token(&self) -> Option<u32> {
        self.largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_trie_and_the_empty_sequence() {
        let none = TokenTrie::new::<&[u32]>([]);
        assert!(none.next(&[]).is_empty() && !none.contains(&[]));
        let empty = TokenTrie::new([&[][..], &[]]);
        assert!(empty.next(&[]).is_empty() && empty.contains(&[]));
    }

    #[test]
    fn a_trie_of_all_short_sequences_holds_them_and_no_other() {
        let mut all: Vec<Vec<u32>> = Vec::new();
        for a in 0..5 {
            for b in 0..5 {
                all.push(vec![a * 3, b]);
                all.push(vec![a * 3, b]);
                if b % 2 == 0 {
                    all.push(vec![a * 3, b, 9]);
                }
            }
        }
        let trie = TokenTrie::new(&all);
        assert_eq!(trie.next(&[]), [0, 3, 6, 9, 12]);
        for a in 0..14 {
            for b in 0..6 {
                let there = a % 3 == 0 && b < 5;
                assert_eq!(trie.contains(&[a, b]), there);
                assert_eq!(trie.contains(&[a, b, 9]), there && b % 2 == 0);
                assert!(!trie.contains(&[a]));
            }
        }
        assert_eq!(trie.largest_token(), Some(12));
    }
}
