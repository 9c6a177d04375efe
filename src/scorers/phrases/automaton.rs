//! An automaton of Aho and Corasick (1975), with what phrases are worth.

use crate::error::{Error, Kind};
use crate::memory::resize;
use crate::scorers::trie::{ROOT, Symbol, Trie};

const WHAT: &str = "the automaton of phrases";

/// Reads symbols and knows, of all that was read, the longest end that begins a phrase: the
/// node of a trie.
#[derive(Clone, Debug)]
pub(super) struct Automaton<S> {
    pub(super) trie: Trie<S>,
    pub(super) nodes: Vec<Node>,
}

/// What is known of a node, side by side as it is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    /// What all phrases earn that end here.
    pub(super) earned: f64,
    /// What has been given in advance for the phrases under way.
    pub(super) advance: f64,
    /// An upper bound of the score of a token from here.
    pub(super) bound: f64,
    /// The node of the longest proper suffix in the trie.
    pub(super) suffix: u32,
}

/// What the symbols of phrases are.
pub(super) struct Measure<S> {
    /// Whether a symbol begins a character.
    pub(super) begins: fn(S) -> bool,
    /// Whether the first and the last symbol of a phrase are word boundaries, and no
    /// characters of it.
    pub(super) bounded: bool,
}

impl<S: Symbol> Measure<S> {
    /// How many characters of a phrase each node has seen; at the end of a phrase that is
    /// bounded, its last boundary too, if it begins a character.
    fn characters(&self, trie: &Trie<S>) -> Result<Vec<u32>, Error> {
        let mut characters = Vec::new();
        resize(&mut characters, trie.len(), WHAT)?;
        for node in 0..trie.len() as u32 {
            let before: u32 = characters[node as usize];
            for child in trie.children(node) {
                let begins = (self.begins)(trie.symbol(child));
                let is_boundary = self.bounded && node == ROOT;
                characters[child as usize] = before + u32::from(begins && !is_boundary);
            }
        }
        Ok(characters)
    }
}

/// What a phrase of `all` characters has been given in advance after some of them.
fn share(boost: f64, characters: u32, all: u32) -> f64 {
    match characters {
        0 => 0.0,
        _ => boost * f64::from(characters) / f64::from(all),
    }
}

impl<S: Symbol> Automaton<S> {
    /// An automaton whose nodes know all but the bounds, and what the phrase that ends at each
    /// node is worth by itself.
    pub(super) fn new<W: AsRef<[S]>>(
        phrases: &[W],
        boosts: impl Iterator<Item = f64>,
        measure: &Measure<S>,
    ) -> Result<(Self, Vec<Option<f64>>), Error> {
        let (trie, ends) = Trie::new(phrases)?;
        let (mut nodes, mut own) = (Vec::new(), Vec::new());
        resize(&mut nodes, trie.len(), WHAT)?;
        resize(&mut own, trie.len(), WHAT)?;
        for (&end, boost) in ends.iter().zip(boosts) {
            own[end as usize] = Some(boost);
        }
        let mut automaton = Automaton { trie, nodes };
        automaton.give_shares(&own, measure)?;
        automaton.link(&own);
        Ok((automaton, own))
    }

    /// Gives each node the greatest share of the phrases that go on from it.
    fn give_shares(&mut self, own: &[Option<f64>], measure: &Measure<S>) -> Result<(), Error> {
        let characters = measure.characters(&self.trie)?;
        let parents = self.trie.parents()?;
        for node in &mut self.nodes[1..] {
            node.advance = f64::NEG_INFINITY;
        }
        for (end, boost) in own.iter().enumerate() {
            let &Some(boost) = boost else { continue };
            let all = characters[end] - u32::from(measure.bounded);
            let mut node = parents[end];
            while node != ROOT {
                let share = share(boost, characters[node as usize], all);
                let advance = &mut self.nodes[node as usize].advance;
                *advance = advance.max(share);
                node = parents[node as usize];
            }
        }
        Ok(())
    }

    /// Finds the suffixes, and what nodes have from them. A suffix is less deep, so it is done
    /// before.
    fn link(&mut self, own: &[Option<f64>]) {
        for parent in 0..self.trie.len() as u32 {
            for child in self.trie.children(parent) {
                let suffix = match parent {
                    ROOT => ROOT,
                    _ => self.next(self.nodes[parent as usize].suffix, self.trie.symbol(child)),
                };
                let Node {
                    earned, advance, ..
                } = self.nodes[suffix as usize];
                let goes_on = !self.trie.children(child).is_empty();
                let node = &mut self.nodes[child as usize];
                node.suffix = suffix;
                node.earned = earned + own[child as usize].unwrap_or(0.0);
                if !goes_on {
                    node.advance = advance;
                }
            }
        }
    }

    pub(super) fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    /// The node after one more symbol.
    #[inline]
    pub(super) fn next(&self, mut node: u32, symbol: S) -> u32 {
        loop {
            match self.trie.child(node, symbol) {
                Some(child) => return child,
                None if node == ROOT => return ROOT,
                None => node = self.nodes[node as usize].suffix,
            }
        }
    }

    /// Sets each node's bound from what the best token gains: what is earned on the way, and
    /// the advance where it leads. No token has more than `longest` symbols.
    ///
    /// # Errors
    ///
    /// If a sum of boosts overflows; `own` are those of each node.
    pub(super) fn set_bounds(
        &mut self,
        own: &[Option<f64>],
        gains: &[f64],
        longest: usize,
    ) -> Result<(), Error> {
        let most = |value: fn(&Node) -> f64| {
            let values = self.nodes.iter().map(|node| value(node).abs());
            values.fold(0.0, f64::max)
        };
        let (earned, advance) = (most(|node| node.earned), most(|node| node.advance));
        let score = longest as f64 * earned + 2.0 * advance;
        let slack = score * relative_slack(longest, self.depth());
        for (node, gain) in self.nodes.iter_mut().zip(gains) {
            node.bound = gain - node.advance + slack;
        }
        let finite = |node: &Node| {
            let numbers = [node.earned, node.advance, node.bound];
            numbers.iter().all(|number| number.is_finite())
        };
        if score.is_finite() && self.nodes.iter().all(finite) {
            return Ok(());
        }
        let boosts = own.iter().flatten().copied();
        let larger = |a: f64, b: f64| if b.abs() > a.abs() { b } else { a };
        Err(Kind::InvalidSetting {
            what: "the largest boost of a phrase",
            value: boosts.fold(0.0, larger),
            limit: "less: a sum of boosts overflows",
        }
        .into())
    }

    /// The number of symbols of the longest phrase.
    fn depth(&self) -> usize {
        let (mut depth, mut level) = (0, self.trie.children(ROOT));
        // Breadth first, a level is a range of nodes.
        while !level.is_empty() {
            depth += 1;
            let next = self.trie.children(level.start).start;
            level = next..self.trie.children(level.end - 1).end;
        }
        depth
    }
}

/// How much more a bound is, for each unit of the greatest score, than the sums that it is
/// made of: those of a score are added in another order and rounded otherwise.
///
/// With n symbols a token and suffixes d deep, a score is n + 3 roundings of numbers up to the
/// greatest score. A bound has a sum of n phrases added for each suffix: d roundings of numbers
/// up to 1 + 2d + 2n times that.
fn relative_slack(longest: usize, depth: usize) -> f64 {
    let (n, d) = (longest as f64, depth as f64);
    f64::EPSILON * (n + 3.0 + d * (1.0 + 2.0 * d + 2.0 * n))
}
