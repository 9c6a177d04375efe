//! Trees of the prefixes, and of the alignments, that the hypotheses of a beam share.

mod history;
mod prefix_tree;
mod tree;

pub(crate) use history::{Entry, History, Live};
pub(crate) use prefix_tree::PrefixTree;
pub(crate) use tree::{NONE, Tree};
