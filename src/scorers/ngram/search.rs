//! The score of a word after a state, over any store of n-grams.
//!
//! ```text
//! score(state, word):
//!     p = P(word), matched = 0
//!     for each word of the state, from the last back:
//!         stop if no longer n-gram of the model ends in what is matched
//!         look up the n-gram that begins one word earlier; stop if it is not there
//!         p = its P, matched += 1
//!         write its back-off into the next state
//!     add to p the back-offs of the contexts of more words than `matched`,
//!         from the shortest on
//! ```
//!
//! That is KenLM's order of additions, in f32, so scores are equal to its to the bit.
//! Every store holds all ends of each of its n-grams, so the first one that is missing
//! ends the search.
//!
//! A score is a few reads far apart in memory, and time is spent waiting for them. The
//! processor begins those of the next score while it waits for these: the fewer
//! instructions, the more fit in its window. So each type of store has a search of its own,
//! without a choice of types within. It does what only a longer n-gram needs if the state
//! has a word for it: that is so for four words in nine of English sentences and a trigram
//! model. Stores prefetch what they can tell in advance: hash tables the next longer n-gram
//! before they look for this one, tries the cache lines around the guessed entry.

use super::state::NgramState;

/// What a store knows of an n-gram that is not of the highest order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) probability: f32,
    pub(super) backoff: f32,
    /// Whether a longer n-gram may end in this one.
    pub(super) goes_on: bool,
}

/// The n-grams of a model. `context` is the words of a state, the last one first; `matched` of
/// them are part of the n-gram that was found last.
pub(super) trait Search {
    /// Where the search for the next longer n-gram goes on.
    type Node: Copy;

    /// The word must be one of the model's.
    fn unigram(&self, word: u32, context: &[u32]) -> (Found, Self::Node);

    /// The n-gram of one more word of the context. If the context ends there, the node and
    /// `goes_on` may be anything.
    fn middle(
        &self,
        matched: usize,
        context: &[u32],
        node: Self::Node,
    ) -> Option<(Found, Self::Node)>;

    /// The same of the highest order, whose n-grams have a probability alone.
    fn longest(&self, matched: usize, context: &[u32], node: Self::Node) -> Option<f32>;
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
    let context = state.words();
    let (mut found, mut node) = search.unigram(word, context);
    next.clear();
    next.extend(1, word, found.backoff);
    let mut matched = 0;
    while found.goes_on && matched < context.len() {
        if matched + 2 >= order {
            if SCORED && let Some(probability) = search.longest(matched, context, node) {
                found.probability = probability;
                matched += 1;
            }
            break;
        }
        let Some(longer) = search.middle(matched, context, node) else {
            break;
        };
        (found, node) = longer;
        next.extend(matched + 2, context[matched], found.backoff);
        matched += 1;
    }
    let mut probability = found.probability;
    // Two conditions, as the compiler would unroll a plain sum of these few.
    while matched < context.len()
        && let Some(backoff) = state.backoff(matched)
    {
        probability += backoff;
        matched += 1;
    }
    probability
}
