//! The most that one token can gain from each node: an upper bound.
//!
//! The gain of a token is what it earns on the way and the advance where it leads. Compare
//! the ways from a node and from its suffix: the former earns more only by a phrase that
//! begins where the node does, for any other start would be that of a longer suffix. Such a
//! phrase ends below the node. So either the token stays below the node, where few do and each
//! is tried; or it leaves, from there on both ways are one, and its gain is that from the
//! suffix and those phrases.
//!
//! Below each node, tokens are followed so far and no farther ([`DEEPEST`]): all the way would
//! take the product of their lengths, for a phrase and a token that repeat themselves. What is
//! deeper gains at most what each of its bytes can.

use super::automaton::{Automaton, Node};
use crate::error::Error;
use crate::memory::{reserve, resize};
use crate::scorers::trie::{ROOT, Trie};

const WHAT: &str = "the bounds of phrases";

/// Bytes of a token that are followed below a node. Few tokens have more.
const DEEPEST: usize = 256;

/// The gains if each token is one symbol.
pub(super) fn of_tokens(automaton: &Automaton<u32>) -> Result<Vec<f64>, Error> {
    let mut gains: Vec<f64> = Vec::new();
    resize(&mut gains, automaton.trie.len(), WHAT)?;
    for node in 0..gains.len() as u32 {
        // The root has itself as its suffix: an unknown token leads back to it.
        let from_suffix = gains[automaton.node(node).suffix as usize];
        let children = automaton.trie.children(node).map(|child| {
            let child = automaton.node(child);
            child.earned + child.advance
        });
        gains[node as usize] = children.fold(from_suffix, f64::max);
    }
    Ok(gains)
}

/// The way of a token below a node.
struct Way {
    node: u32,
    /// The node of its bytes so far in the trie of tokens, and how many they are.
    token: u32,
    depth: usize,
    earned: f64,
    /// What phrases earned that begin where the first node does.
    own: f64,
}

/// The gains if tokens spell bytes: those in the trie of `tokens`, `whole` nodes of which end
/// one, and the longest of which has so many bytes. `from_root` is the greatest gain from the
/// root.
pub(super) fn of_text(
    automaton: &Automaton<u8>,
    own: &[Option<f64>],
    (tokens, whole): (&Trie<u8>, &[bool]),
    longest: usize,
    from_root: f64,
) -> Result<Vec<f64>, Error> {
    let mut gains: Vec<f64> = Vec::new();
    resize(&mut gains, automaton.trie.len(), WHAT)?;
    gains[ROOT as usize] = from_root;
    let most_of_all = |value: fn(&Node) -> f64| {
        let nodes = (0..automaton.trie.len() as u32).map(|node| value(automaton.node(node)));
        nodes.fold(0.0, f64::max)
    };
    let earned = most_of_all(|node| node.earned);
    let advance = most_of_all(|node| node.advance);
    let beyond = longest.saturating_sub(DEEPEST) as f64 * earned + advance;
    let mut ways: Vec<Way> = Vec::new();
    for node in 1..gains.len() as u32 {
        let from_suffix = gains[automaton.node(node).suffix as usize];
        let mut most = from_suffix;
        ways.push(Way {
            node,
            token: ROOT,
            depth: 0,
            earned: 0.0,
            own: 0.0,
        });
        while let Some(way) = ways.pop() {
            // Some token spells nothing.
            if whole[way.token as usize] || way.token == ROOT {
                most = most.max(way.earned + automaton.node(way.node).advance);
            }
            if tokens.children(way.token).is_empty() {
                continue;
            }
            most = most.max(from_suffix + way.own);
            if way.depth == DEEPEST {
                most = most.max(way.earned + beyond);
                continue;
            }
            let children = automaton.trie.children(way.node);
            reserve(&mut ways, children.len(), WHAT)?;
            for child in children {
                if let Some(token) = tokens.child(way.token, automaton.trie.symbol(child)) {
                    ways.push(Way {
                        node: child,
                        token,
                        depth: way.depth + 1,
                        earned: way.earned + automaton.node(child).earned,
                        own: way.own + own[child as usize].unwrap_or(0.0),
                    });
                }
            }
        }
        gains[node as usize] = most;
    }
    Ok(gains)
}
