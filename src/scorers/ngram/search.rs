//! The score of a word after a state, over any store of n-grams.
//!
//! ```text
//! score(state, word):
//!     p = P(word), matched = 1
//!     for each word of the state, from the last back:
//!         stop if no longer n-gram of the model ends in what is matched
//!         look up the n-gram that begins one word earlier; stop if it is not there
//!         p = its P, matched += 1
//!         write its back-off into the next state
//!     add to p the back-offs of the contexts of `matched` words and more,
//!         from the shortest on
//! ```
//!
//! That is KenLM's order of additions, in f32, so scores are equal to its to the bit.
//! Every store holds all ends of each of its n-grams, so the first one that is missing
//! ends the search.
//!
//! A score is a few reads far apart in memory, and the processor begins those of the next
//! while it waits for these: the fewer instructions, the more fit in its window. To read the
//! places of all n-grams before the first search is slower (4.9 against 5.7 million scores a
//! second from a probing file): branches are predicted well enough.

use super::state::NgramState;

/// What a store knows of an n-gram that is not of the highest order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) probability: f32,
    pub(super) backoff: f32,
    /// Whether a longer n-gram may end in this one.
    pub(super) goes_on: bool,
}

/// The n-grams of a model.
pub(super) trait Search {
    /// Where the search for longer n-grams goes on.
    type Node: Copy;

    /// The word must be one of the model's.
    fn unigram(&self, word: u32) -> (Found, Self::Node);

    /// The n-gram of `level + 2` words that begins with `word` and goes on with that of the
    /// node.
    fn middle(&self, level: usize, word: u32, node: Self::Node) -> Option<(Found, Self::Node)>;

    /// The same of the highest order, whose n-grams have a probability alone.
    fn longest(&self, word: u32, node: Self::Node) -> Option<f32>;
}

/// log10 P(word | state); writes the state after it. Without `SCORED`, the score may be any
/// number, and only the state counts.
#[inline(always)]
pub(super) fn step<S: Search, const SCORED: bool>(
    search: &S,
    order: usize,
    state: &NgramState,
    word: u32,
    next: &mut NgramState,
) -> f32 {
    let (mut found, mut node) = search.unigram(word);
    next.clear();
    next.extend(1, word, found.backoff);
    let mut probability = found.probability;
    let mut matched = 1;
    for (level, &before) in state.words().iter().enumerate() {
        if !found.goes_on {
            break;
        }
        let length = level + 2;
        if length >= order {
            if SCORED && let Some(longest) = search.longest(before, node) {
                probability = longest;
                matched = length;
            }
            break;
        }
        let Some(longer) = search.middle(level, before, node) else {
            break;
        };
        (found, node) = longer;
        next.extend(length, before, found.backoff);
        probability = found.probability;
        matched = length;
    }
    let backoffs = state.backoffs().iter().skip(matched - 1);
    backoffs.fold(probability, |sum, &backoff| sum + backoff)
}
