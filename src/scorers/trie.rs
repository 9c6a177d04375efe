//! A static trie.

use std::ops::Range;

use crate::error::{Error, Kind};
use crate::memory::{reserve, resize};
use crate::simd::prefetch;

/// The root of every [`Trie`].
pub(super) const ROOT: u32 = 0;
/// No node: a trie has fewer.
const NONE: u32 = u32::MAX;
/// The child of the root by a symbol below this is in a table.
const TABLE: usize = 1 << 16;
/// Up to this number of children, a scan is no slower than a binary search.
const FEW: usize = 8;
/// What the buffers hold, in messages.
const WHAT: &str = "the trie of some words";

/// What the words of a trie are made of: bytes or tokens.
pub(super) trait Symbol: Copy + Ord + Default + Into<u32> {}
impl Symbol for u8 {}
impl Symbol for u32 {}

/// A trie whose nodes are numbered breadth first, so that the children of a node follow
/// each other, in order of their symbols, and a node comes after all that are less deep.
///
/// A child is found by a search among its siblings, that of the root by a table: most
/// words that are looked up leave the trie right there.
#[derive(Clone, Debug)]
pub(super) struct Trie<S> {
    /// The symbol between each node and its parent; that of the root means nothing.
    symbols: Vec<S>,
    /// The first child of each node, where those of the node before it end; one entry
    /// more than there are nodes.
    children: Vec<u32>,
    /// The root's children by symbol, or [`NONE`].
    roots: Vec<u32>,
}

impl<S: Symbol> Trie<S> {
    /// The trie of some words, and the node of each word.
    ///
    /// # Errors
    ///
    /// If memory runs out, or the trie would have more than `u32::MAX` nodes.
    pub(super) fn new<W: AsRef<[S]>>(words: &[W]) -> Result<(Self, Vec<u32>), Error> {
        Self::within(NONE as usize, words)
    }

    /// The trie of some words, if it has at most `limit` nodes.
    fn within<W: AsRef<[S]>>(limit: usize, words: &[W]) -> Result<(Self, Vec<u32>), Error> {
        let mut sorted: Vec<usize> = Vec::new();
        reserve(&mut sorted, words.len(), WHAT)?;
        sorted.extend(0..words.len());
        let word = |place: usize| words[place].as_ref();
        sorted.sort_unstable_by(|&a, &b| word(a).cmp(word(b)));

        let new = |pair: &[usize]| {
            let pairs = word(pair[0]).iter().zip(word(pair[1]));
            word(pair[1]).len() - pairs.take_while(|(a, b)| a == b).count()
        };
        let first = sorted.first().map_or(0, |&first| word(first).len());
        let nodes = 1 + first + sorted.windows(2).map(new).sum::<usize>();
        if nodes > limit {
            return Err(Kind::TooManyNodes { nodes, limit }.into());
        }
        let (mut symbols, mut children, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        reserve(&mut symbols, nodes, WHAT)?;
        reserve(&mut children, nodes + 1, WHAT)?;
        resize(&mut ends, words.len(), WHAT)?;

        // The words through each node of one level, as a range of the sorted ones.
        let mut level: Vec<Range<usize>> = Vec::new();
        let mut below: Vec<Range<usize>> = Vec::new();
        reserve(&mut level, 1, WHAT)?;
        level.push(0..sorted.len());
        symbols.push(S::default());
        for depth in 0.. {
            for through in &level {
                let node = children.len() as u32;
                children.push(symbols.len() as u32);
                let mut rest = &sorted[through.clone()];
                // Sorted, the words that end here come first.
                while let Some((&place, longer)) = rest.split_first()
                    && word(place).len() == depth
                {
                    ends[place] = node;
                    rest = longer;
                }
                let mut start = through.end - rest.len();
                for siblings in rest.chunk_by(|&a, &b| word(a)[depth] == word(b)[depth]) {
                    symbols.push(word(siblings[0])[depth]);
                    reserve(&mut below, 1, WHAT)?;
                    below.push(start..start + siblings.len());
                    start += siblings.len();
                }
            }
            if below.is_empty() {
                break;
            }
            std::mem::swap(&mut level, &mut below);
            below.clear();
        }
        children.push(symbols.len() as u32);
        let mut trie = Trie {
            symbols,
            children,
            roots: Vec::new(),
        };
        trie.fill_roots()?;
        Ok((trie, ends))
    }

    fn fill_roots(&mut self) -> Result<(), Error> {
        for child in self.children(ROOT) {
            let symbol = self.symbol(child).into() as usize;
            if symbol >= TABLE {
                break;
            }
            let more = symbol + 1 - self.roots.len();
            reserve(&mut self.roots, more, WHAT)?;
            self.roots.resize(symbol, NONE);
            self.roots.push(child);
        }
        Ok(())
    }

    /// The number of nodes, the root included.
    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// The children of a node, in order of their symbols.
    pub(super) fn children(&self, node: u32) -> Range<u32> {
        let node = node as usize;
        self.children[node]..self.children[node + 1]
    }

    /// Has the symbols of a node's children fetched, which are looked at soon; returns the
    /// first child.
    #[inline]
    pub(super) fn prefetch_children(&self, node: u32) -> u32 {
        let first = self.children(node).start;
        prefetch(&self.symbols, first as usize);
        first
    }

    /// The symbol between a node and its parent.
    pub(super) fn symbol(&self, node: u32) -> S {
        self.symbols[node as usize]
    }

    /// The child of a node by a symbol.
    #[inline]
    pub(super) fn child(&self, node: u32, symbol: S) -> Option<u32> {
        let index = symbol.into() as usize;
        if node == ROOT && index < TABLE {
            let child = self.roots.get(index).copied();
            return child.filter(|&child| child != NONE);
        }
        let children = self.children(node);
        let symbols = &self.symbols[children.start as usize..children.end as usize];
        let place = if symbols.len() <= FEW {
            symbols.iter().position(|&other| other == symbol)
        } else {
            symbols.binary_search(&symbol).ok()
        };
        place.map(|place| children.start + place as u32)
    }

    /// The parent of each node; the root is its own.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn parents(&self) -> Result<Vec<u32>, Error> {
        let mut parents = Vec::new();
        resize(&mut parents, self.len(), WHAT)?;
        for node in 0..self.len() as u32 {
            for child in self.children(node) {
                parents[child as usize] = node;
            }
        }
        Ok(parents)
    }

    /// Which nodes are among `marked`.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn marks(&self, marked: &[u32]) -> Result<Vec<bool>, Error> {
        let mut marks = Vec::new();
        resize(&mut marks, self.len(), WHAT)?;
        for &node in marked {
            marks[node as usize] = true;
        }
        Ok(marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The text of each node, breadth first, in order.
    fn texts<S: Symbol>(words: &[Vec<S>]) -> Vec<Vec<S>> {
        let starts = |word: &Vec<S>| (0..=word.len()).map(|n| word[..n].to_vec()).collect();
        let texts: BTreeSet<Vec<S>> = words.iter().flat_map::<Vec<_>, _>(starts).collect();
        let mut texts: Vec<_> = texts.into_iter().collect();
        if texts.is_empty() {
            texts.push(Vec::new());
        }
        texts.sort_by_key(Vec::len);
        texts
    }

    fn check<S: Symbol + std::fmt::Debug>(words: &[Vec<S>], symbols: &[S]) {
        let (trie, ends) = Trie::new(words).unwrap();
        let texts = texts(words);
        assert_eq!(trie.len(), texts.len());
        let node = |text: &[S]| texts.iter().position(|other| other == text);
        let parents = trie.parents().unwrap();
        assert_eq!(parents[0], ROOT);
        for (place, text) in texts.iter().enumerate() {
            for &symbol in symbols {
                let longer = [text, &[symbol][..]].concat();
                let child = node(&longer).map(|child| child as u32);
                assert_eq!(trie.child(place as u32, symbol), child, "{longer:?}");
                if let Some(child) = child {
                    assert!(trie.children(place as u32).contains(&child));
                    assert_eq!(trie.symbol(child), symbol);
                    assert_eq!(parents[child as usize] as usize, place);
                }
            }
            let longer = |other: &&Vec<S>| other.len() == text.len() + 1 && other.starts_with(text);
            let children = texts.iter().filter(longer).count();
            assert_eq!(trie.children(place as u32).len(), children);
        }
        for (word, &end) in words.iter().zip(&ends) {
            assert_eq!(&texts[end as usize], word);
        }
        let marks = trie.marks(&ends).unwrap();
        let whole = texts.iter().map(|text| words.contains(text));
        assert!(marks.into_iter().eq(whole));
        // A limit below the number of nodes is an error, one that they reach is none.
        assert!(Trie::within(texts.len(), words).is_ok());
        let error = Trie::within(texts.len() - 1, words).unwrap_err();
        let (nodes, limit) = (texts.len(), texts.len() - 1);
        let expected = format!("a trie of {nodes} nodes is above the limit of {limit}");
        assert_eq!(error.to_string(), expected);
    }

    const TOKENS: [u32; 7] = [0, 1, 7, 65_535, 65_536, 70_000, u32::MAX];

    #[test]
    fn a_trie_of_no_words_or_of_the_empty_one_is_a_root() {
        check::<u8>(&[], &[0, 255]);
        check::<u8>(&[vec![], vec![]], &[0, 255]);
        check::<u32>(&[vec![]], &TOKENS);
    }

    #[test]
    fn a_node_of_many_children_finds_each() {
        let words: Vec<Vec<u32>> = (0..40).map(|i| vec![i % 2, 7 * i]).collect();
        check(&words, &(0..300).collect::<Vec<_>>());
        let words: Vec<Vec<u8>> = (0..=255).map(|i| vec![i, i]).collect();
        check(&words, &(0..=255).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn nodes_are_the_starts_of_words_by_depth_and_in_order(
            words in prop::collection::vec(
                prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..5), 0..12),
        ) {
            check(&words, &TOKENS);
            let byte = |word: &Vec<u32>| word.iter().map(|&token| token as u8).collect();
            let words: Vec<Vec<u8>> = words.iter().map(byte).collect();
            check(&words, &[0, 1, 7, 112, 255]);
        }
    }
}
