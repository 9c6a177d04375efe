//! The tokens of an n-best list, written in parallel.

use crate::batch::Divide;

/// The hypotheses of consecutive items, their tokens yet to be written.
pub(crate) struct ItemsMut<'a> {
    first: usize,
    first_hypothesis: usize,
    first_token: usize,
    item_ends: &'a [usize],
    token_ends: &'a [usize],
    tokens: &'a mut [u32],
}

impl<'a> ItemsMut<'a> {
    /// All items, by where the hypotheses of each, and the tokens of each hypothesis,
    /// end.
    pub(super) fn new(
        item_ends: &'a [usize],
        token_ends: &'a [usize],
        tokens: &'a mut [u32],
    ) -> Self {
        ItemsMut {
            first: 0,
            first_hypothesis: 0,
            first_token: 0,
            item_ends,
            token_ends,
            tokens,
        }
    }

    /// Calls `write` with item, rank and tokens of every hypothesis.
    pub(crate) fn for_each(&mut self, mut write: impl FnMut(usize, usize, &mut [u32])) {
        let (mut hypothesis, mut start) = (self.first_hypothesis, self.first_token);
        for (item, &end) in self.item_ends.iter().enumerate() {
            for rank in 0..end - hypothesis {
                let token_end = self.token_ends[hypothesis - self.first_hypothesis];
                let tokens = start - self.first_token..token_end - self.first_token;
                write(self.first + item, rank, &mut self.tokens[tokens]);
                (hypothesis, start) = (hypothesis + 1, token_end);
            }
        }
    }
}

impl Divide for ItemsMut<'_> {
    fn len(&self) -> usize {
        self.item_ends.len()
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let (left_items, right_items) = self.item_ends.split_at(middle);
        let hypothesis = *left_items.last().unwrap_or(&self.first_hypothesis);
        let (left_ends, right_ends) = self.token_ends.split_at(hypothesis - self.first_hypothesis);
        let token = *left_ends.last().unwrap_or(&self.first_token);
        let (left_tokens, right_tokens) = self.tokens.split_at_mut(token - self.first_token);
        let left = ItemsMut {
            first: self.first,
            first_hypothesis: self.first_hypothesis,
            first_token: self.first_token,
            item_ends: left_items,
            token_ends: left_ends,
            tokens: left_tokens,
        };
        let right = ItemsMut {
            first: self.first + middle,
            first_hypothesis: hypothesis,
            first_token: token,
            item_ends: right_items,
            token_ends: right_ends,
            tokens: right_tokens,
        };
        (left, right)
    }
}
