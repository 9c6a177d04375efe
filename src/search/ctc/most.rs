//! How much memory the prefixes and the results of a search can take, whatever the scores.

use crate::search::prefixes::{Entry, History, PrefixTree, Tree};

/// Of the history of an item that is searched with so many `beams`, with so many nodes in each of
/// its trees beside those that there is room for from the start, and so many tokens that all
/// prefixes share.
pub(super) fn bytes_of_trees(beams: usize, nodes: usize, shared: usize) -> usize {
    let nodes = nodes.saturating_add(History::nodes(beams));
    let node = PrefixTree::BYTES_A_NODE + Tree::<Entry>::BYTES_A_NODE;
    // All that the trees hold may come to be shared: a token and two frames. The path of a
    // hypothesis is as long.
    let numbers = nodes.saturating_add(shared).saturating_mul(4);
    let numbers = numbers.saturating_mul(size_of::<u32>());
    doubled(nodes.saturating_mul(node).saturating_add(numbers))
}

/// Of `count` hypotheses of up to `tokens` tokens: each with two frames, the hypothesis with four
/// scores and its end.
pub(super) fn bytes_of_results(count: usize, tokens: usize) -> usize {
    let tokens = tokens.saturating_mul(3 * size_of::<u32>());
    let hypothesis = tokens.saturating_add(4 * size_of::<f64>() + size_of::<usize>());
    doubled(count.saturating_mul(hypothesis))
}

/// Where memory grows, it is doubled.
fn doubled(bytes: usize) -> usize {
    bytes.saturating_mul(2)
}
