//! A set of token sequences as a trie.

mod bits;
mod build;
mod check;
mod layout;
mod view;

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use layout::{Header, Layout};
pub(super) use view::{ROOT, TrieView};

/// The sequences that a request may generate.
///
/// A trie is a string of bytes: those that [`TokenTrie::new`] makes, or any others that hold
/// the same, such as a file mapped into memory (the command `widebeam trie` makes one). It
/// takes 2 bytes and about 3 bits a node, or 4 bytes where tokens are above 65,535.
///
/// A clone shares the bytes.
///
/// ```
/// use widebeam::autoregressive::TokenTrie;
///
/// let trie = TokenTrie::new([&[3, 1, 4][..], &[3, 1], &[2, 7]]);
/// assert!(trie.next(&[]).eq([2, 3]));
/// assert!(trie.next(&[3, 1]).eq([4]));
/// assert!(trie.contains(&[3, 1]) && !trie.contains(&[3]));
///
/// let file = trie.as_bytes().to_vec();
/// let same = TokenTrie::from_bytes(file)?;
/// assert_eq!((same.sequences(), same.nodes()), (3, 6));
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone)]
pub struct TokenTrie {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    header: Header,
    layout: Layout,
}

impl TokenTrie {
    /// A trie of sequences, in any order, repeated or not.
    ///
    /// O(n log n) comparisons of sequences, and O(tokens).
    ///
    /// # Panics
    ///
    /// If it has 2^32 - 1 nodes or more.
    pub fn new<S: AsRef<[u32]>>(sequences: impl IntoIterator<Item = S>) -> Self {
        let bytes = build::build(&mut sequences.into_iter().collect::<Vec<S>>());
        let header = Header::read(&bytes).expect("a trie has a header");
        TokenTrie {
            bytes: Arc::new(bytes),
            layout: header.layout(),
            header,
        }
    }

    /// The trie that [`TokenTrie::as_bytes`] has written, from bytes that stay where they are,
    /// aligned or not. Every number in them is checked: 0.2 seconds for 10^7 sequences of 4
    /// tokens.
    ///
    /// ```no_run
    /// use std::fs::File;
    /// use widebeam::autoregressive::TokenTrie;
    ///
    /// # let open = || -> Result<TokenTrie, Box<dyn std::error::Error>> {
    /// let file = File::open("items.trie")?;
    /// // SAFETY: nobody writes to the file meanwhile.
    /// let trie = TokenTrie::from_bytes(unsafe { memmap2::Mmap::map(&file)? })?;
    /// # Ok(trie)
    /// # };
    /// # drop(open);
    /// ```
    ///
    /// If a mapped file is changed later, sequences are those of the old or the new bytes, or of
    /// both; nothing is read out of bounds.
    ///
    /// # Errors
    ///
    /// If they are no trie: at which byte, and why
    /// ([`InvalidModel`](crate::ErrorKind::InvalidModel)).
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, Error> {
        let (header, layout) = check::check(bytes.as_ref())?;
        Ok(TokenTrie {
            bytes: Arc::new(bytes),
            header,
            layout,
        })
    }

    /// The trie as bytes, the same on every machine.
    pub fn as_bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// The number of sequences.
    pub fn sequences(&self) -> usize {
        self.header.sequences as usize
    }

    /// The number of nodes: of different beginnings of the sequences, the empty one among them.
    pub fn nodes(&self) -> usize {
        self.header.nodes as usize
    }

    /// The tokens that may follow `prefix`, ascending.
    pub fn next<'a>(&'a self, prefix: &[u32]) -> impl Iterator<Item = u32> + use<'a> {
        let view = self.view();
        let node = self.node(prefix);
        view.tokens(node.map_or(0..0, |node| view.children(node)))
    }

    /// Whether `sequence` is one of the sequences.
    pub fn contains(&self, sequence: &[u32]) -> bool {
        let node = self.node(sequence);
        node.is_some_and(|node| self.view().is_end(node))
    }

    fn node(&self, prefix: &[u32]) -> Option<u32> {
        let view = self.view();
        let mut tokens = prefix.iter();
        tokens.try_fold(ROOT, |node, &token| view.child(node, token))
    }

    pub(super) fn view(&self) -> TrieView<'_> {
        TrieView::new(&self.header, &self.layout, self.as_bytes())
    }

    /// The largest token, if there is any.
    pub(super) fn largest_token(&self) -> Option<u32> {
        (self.header.nodes > 1).then_some(self.header.largest)
    }
}

impl fmt::Debug for TokenTrie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenTrie")
            .field("sequences", &self.sequences())
            .field("nodes", &self.nodes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_trie_and_the_empty_sequence() {
        let none = TokenTrie::new::<&[u32]>([]);
        assert!(none.next(&[]).next().is_none() && !none.contains(&[]));
        let empty = TokenTrie::new([&[][..], &[]]);
        assert!(empty.next(&[]).next().is_none() && empty.contains(&[]));
        for (trie, sequences) in [(none, 0), (empty, 1)] {
            let again = TokenTrie::from_bytes(trie.as_bytes().to_vec()).unwrap();
            assert_eq!((again.sequences(), again.nodes()), (sequences, 1));
            assert_eq!(again.largest_token(), None);
        }
    }

    /// Sequences of some lengths, of tokens a number apart.
    fn sequences(apart: u32) -> Vec<Vec<u32>> {
        let mut all: Vec<Vec<u32>> = vec![vec![]];
        for a in 0..5 {
            for b in 0..40 {
                all.push(vec![a * apart, b]);
                all.push(vec![a * apart, b]);
                if b % 2 == 0 {
                    all.push(vec![a * apart, b, 9]);
                    all.push(vec![a * apart, b, 9, a]);
                }
            }
        }
        all.push(vec![100; 100]);
        all
    }

    #[test]
    fn a_trie_of_all_short_sequences_holds_them_and_no_other() {
        for apart in [3, 30_000] {
            let all = sequences(apart);
            let trie = TokenTrie::new(&all);
            let file = TokenTrie::from_bytes(trie.as_bytes().to_vec()).unwrap();
            for trie in [trie, file] {
                let mut first: Vec<u32> = (0..5).map(|a| a * apart).chain([100]).collect();
                first.sort_unstable();
                assert!(trie.next(&[]).eq(first));
                for a in 0..14 {
                    for b in 0..42 {
                        let there = a % 3 == 0 && b < 40;
                        let a = a / 3 * apart + a % 3;
                        let even = there && b % 2 == 0;
                        assert_eq!(trie.contains(&[a, b]), there);
                        assert_eq!(trie.contains(&[a, b, 9]), even);
                        assert_eq!(trie.contains(&[a, b, 9, a / apart]), even);
                        let next = trie.next(&[a, b]);
                        assert!(next.eq(even.then_some(9)));
                        assert!(!trie.contains(&[a]));
                    }
                }
                assert!(trie.contains(&[100; 100]) && !trie.contains(&[100; 99]));
                let mut distinct = all.clone();
                distinct.sort();
                distinct.dedup();
                assert_eq!(trie.sequences(), distinct.len());
                assert_eq!(trie.largest_token(), Some((4 * apart).max(100)));
            }
        }
    }

    /// Each bit of a file turned over, one after the other, and each length: what is refused
    /// is refused in words, and what is taken is a trie all the same.
    #[test]
    fn damaged_bytes_are_refused_or_are_another_trie() {
        let trie = TokenTrie::new(sequences(3));
        let bytes = trie.as_bytes();
        for length in 0..bytes.len() {
            let error = TokenTrie::from_bytes(bytes[..length].to_vec()).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidModel);
        }
        let mut taken = 0;
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = TokenTrie::from_bytes(damaged) {
                taken += 1;
                let mut all = Vec::new();
                walk(&other, ROOT, &mut Vec::new(), &mut all);
                assert_eq!(all.len(), other.sequences(), "bit {bit}");
                assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "bit {bit}");
            }
        }
        // Tokens that are others, and padding, which nothing reads.
        assert!(taken > 100 && taken < 4 * bytes.len(), "{taken}");
    }

    /// All sequences of a trie, depth first.
    fn walk(trie: &TokenTrie, node: u32, prefix: &mut Vec<u32>, all: &mut Vec<Vec<u32>>) {
        let view = trie.view();
        if view.is_end(node) {
            all.push(prefix.clone());
        }
        for child in view.children(node) {
            prefix.extend(view.tokens(child..child + 1));
            walk(trie, child, prefix, all);
            prefix.pop();
        }
    }

    /// Bytes that change after they were checked.
    #[test]
    fn a_file_that_changes_is_read_within_bounds() {
        struct Changing(Vec<u8>, std::sync::atomic::AtomicBool, Vec<u8>);
        impl AsRef<[u8]> for Changing {
            fn as_ref(&self) -> &[u8] {
                match self.1.load(std::sync::atomic::Ordering::Relaxed) {
                    false => &self.0,
                    true => &self.2,
                }
            }
        }
        let bytes = TokenTrie::new(sequences(3)).as_bytes().to_vec();
        let noise = |seed: u32| -> Vec<u8> {
            let byte = |at: u32| (at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8;
            (0..bytes.len() as u32).map(byte).collect()
        };
        for other in [
            vec![],
            vec![255; bytes.len()],
            vec![0; 40],
            noise(1),
            noise(99),
        ] {
            let changed = Arc::new(Changing(bytes.clone(), false.into(), other));
            struct Shared(Arc<Changing>);
            impl AsRef<[u8]> for Shared {
                fn as_ref(&self) -> &[u8] {
                    (*self.0).as_ref()
                }
            }
            let trie = TokenTrie::from_bytes(Shared(Arc::clone(&changed))).unwrap();
            changed.1.store(true, std::sync::atomic::Ordering::Relaxed);
            for node in 0..trie.nodes() as u32 + 600 {
                let view = trie.view();
                assert!(view.tokens(view.children(node)).count() <= trie.nodes());
                view.child(node, 3);
                view.is_end(node);
            }
        }
    }
}
