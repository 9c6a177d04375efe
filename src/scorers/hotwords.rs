//! Favoured words.

use super::scorer::Scorer;
use super::trie::{ROOT, Trie};
use crate::error::{Error, Kind};

/// Adds a bonus for every occurrence of favoured token sequences: `weight` for
/// each token of each.
///
/// The bonus comes token by token while a sequence is under way, so that it
/// helps where it is needed, and is taken back where the sequence breaks off or
/// the input ends; in the end exactly the whole occurrences count, overlapping
/// ones too. (An automaton of Aho and Corasick 1975, with the bonus as a
/// potential.)
#[derive(Clone, Debug)]
pub struct Hotwords {
    trie: Trie,
    /// Of each node, that of its longest proper suffix in the trie.
    suffixes: Vec<u32>,
    /// What the sequence under way has been given in advance.
    advances: Vec<f64>,
    /// What the sequences that end at the node earn.
    earned: Vec<f64>,
}

impl Hotwords {
    /// Favours each of `sequences`, with `weight` for each of its tokens. One
    /// that is given twice counts once.
    ///
    /// # Errors
    ///
    /// If a sequence is empty, the weight is not finite, or so large that the bonus of
    /// sequences is not.
    pub fn new<T: AsRef<[u32]>>(sequences: &[T], weight: f64) -> Result<Self, Error> {
        if !weight.is_finite() {
            let (what, limit) = ("the weight of hotwords", "a finite number");
            let value = weight;
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        let mut trie = Trie::default();
        let mut whole = vec![false];
        for (index, sequence) in sequences.iter().enumerate() {
            let sequence = sequence.as_ref();
            if sequence.is_empty() {
                return Err(Kind::EmptySequence { index }.into());
            }
            let insert = |node, &token: &u32| trie.insert(node, token);
            let end = sequence.iter().fold(ROOT, insert);
            whole.resize(trie.len(), false);
            whole[end as usize] = true;
        }
        let mut hotwords = Hotwords {
            suffixes: vec![ROOT; trie.len()],
            advances: vec![0.0; trie.len()],
            earned: vec![0.0; trie.len()],
            trie,
        };
        let mut edges = hotwords.trie.edges();
        let mut depths = vec![0u32; whole.len()];
        let mut inner = vec![false; whole.len()];
        for &(parent, _, child) in &edges {
            depths[child as usize] = depths[parent as usize] + 1;
            inner[parent as usize] = true;
        }
        // Suffixes are shorter: by depth, all that is looked up is there.
        edges.sort_by_key(|&(_, _, child)| depths[child as usize]);
        for (parent, token, child) in edges {
            let suffix = match parent {
                ROOT => ROOT,
                _ => hotwords.next(hotwords.suffixes[parent as usize], token),
            };
            let (child, suffix) = (child as usize, suffix as usize);
            let value = weight * f64::from(depths[child]);
            hotwords.suffixes[child] = suffix as u32;
            hotwords.earned[child] =
                hotwords.earned[suffix] + if whole[child] { value } else { 0.0 };
            hotwords.advances[child] = if inner[child] {
                value
            } else {
                hotwords.advances[suffix]
            };
        }
        let sums = hotwords.earned.iter().chain(&hotwords.advances);
        if !sums.into_iter().all(|sum| sum.is_finite()) {
            let (what, limit) = (
                "the weight of hotwords",
                "less: the bonus of a word overflows",
            );
            let value = weight;
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        Ok(hotwords)
    }

    /// The node of the longest end of node + token that is in the trie.
    fn next(&self, mut node: u32, token: u32) -> u32 {
        loop {
            match self.trie.child(node, token) {
                Some(child) => return child,
                None if node == ROOT => return ROOT,
                None => node = self.suffixes[node as usize],
            }
        }
    }
}

/// Where a prefix stands in the favoured sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HotwordsState(u32);

impl Scorer for Hotwords {
    type State = HotwordsState;

    fn start(&self) -> HotwordsState {
        HotwordsState(ROOT)
    }

    fn score(&self, state: &HotwordsState, token: u32) -> f64 {
        let (from, to) = (state.0 as usize, self.next(state.0, token) as usize);
        self.earned[to] + (self.advances[to] - self.advances[from])
    }

    fn advance(&self, state: &HotwordsState, token: u32) -> HotwordsState {
        HotwordsState(self.next(state.0, token))
    }

    fn finish(&self, state: &HotwordsState) -> f64 {
        -self.advances[state.0 as usize]
    }
}
