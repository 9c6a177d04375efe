//! Results: the n-best hypotheses of every item, in flat arrays.

use std::ops::Range;

use crate::batch::Divide;
use crate::error::Error;
use crate::memory::reserve;

/// The best hypotheses of each item of a batch, best first.
///
/// Everything lies in flat arrays: the tokens of all hypotheses one after
/// another, where each hypothesis ends, its score, and where each item ends.
/// A value can be handed to a search again and again; it keeps its memory.
///
/// An item may have fewer hypotheses than beams were asked for: all that exist
/// and are possible come back. An item that was refused for an invalid score
/// has none, and is listed in [`NBest::failures`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NBest {
    tokens: Vec<u32>,
    token_ends: Vec<usize>,
    scores: Vec<f64>,
    item_ends: Vec<usize>,
    failures: Vec<(usize, Error)>,
}

/// One hypothesis of an [`NBest`] list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hypothesis<'a> {
    /// Its token ids, first to last.
    pub tokens: &'a [u32],
    /// The natural logarithm of its probability.
    pub score: f64,
}

impl NBest {
    /// An empty list of results.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.item_ends.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.item_ends.is_empty()
    }

    /// The hypotheses of `item`, best first.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    pub fn item(&self, item: usize) -> Hypotheses<'_> {
        let end = self.item_ends[item];
        let next = item
            .checked_sub(1)
            .map_or(0, |before| self.item_ends[before]);
        Hypotheses {
            nbest: self,
            next,
            end,
        }
    }

    /// The hypotheses of each item in turn.
    pub fn iter(&self) -> Items<'_> {
        Items {
            nbest: self,
            items: 0..self.len(),
        }
    }

    /// The best hypothesis of `item`, if it has any.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    pub fn best(&self, item: usize) -> Option<Hypothesis<'_>> {
        self.item(item).next()
    }

    /// The items that were refused, in order, each with its reason.
    pub fn failures(&self) -> &[(usize, Error)] {
        &self.failures
    }

    /// The scores of all hypotheses of all items, flat.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// The tokens of all hypotheses of all items, flat.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Where the tokens of each hypothesis end in [`NBest::tokens`].
    pub fn token_ends(&self) -> &[usize] {
        &self.token_ends
    }

    /// Where the hypotheses of each item end in [`NBest::scores`].
    pub fn item_ends(&self) -> &[usize] {
        &self.item_ends
    }

    pub(crate) fn clear(&mut self) {
        self.tokens.clear();
        self.token_ends.clear();
        self.scores.clear();
        self.item_ends.clear();
        self.failures.clear();
    }

    /// Makes room for some items of `hypotheses` hypotheses with `tokens` tokens
    /// in all.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn reserve(
        &mut self,
        items: usize,
        hypotheses: usize,
        tokens: usize,
    ) -> Result<(), Error> {
        let what = "the hypotheses";
        reserve(&mut self.item_ends, items, what)?;
        reserve(&mut self.token_ends, hypotheses, what)?;
        reserve(&mut self.scores, hypotheses, what)?;
        reserve(&mut self.tokens, tokens, what)
    }

    /// Appends an item whose hypotheses all have `length` tokens and have
    /// these scores, best first. The tokens are written later, through
    /// [`NBest::items_mut`].
    pub(crate) fn push_item(&mut self, length: usize, scores: &[f64]) {
        let tokens = self.tokens.len();
        self.tokens.resize(tokens + scores.len() * length, 0);
        self.scores.extend_from_slice(scores);
        let ends = (1..=scores.len()).map(|count| tokens + count * length);
        self.token_ends.extend(ends);
        self.item_ends.push(self.scores.len());
    }

    /// Appends an item that was refused.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn fail_item(&mut self, error: Error) -> Result<(), Error> {
        reserve(&mut self.failures, 1, "the failures")?;
        self.failures.push((self.item_ends.len(), error));
        self.item_ends.push(self.scores.len());
        Ok(())
    }

    /// The tokens of all hypotheses, to be written in parallel.
    pub(crate) fn items_mut(&mut self) -> ItemsMut<'_> {
        ItemsMut {
            first: 0,
            first_hypothesis: 0,
            first_token: 0,
            item_ends: &self.item_ends,
            token_ends: &self.token_ends,
            tokens: &mut self.tokens,
        }
    }
}

/// The hypotheses of consecutive items, their tokens yet to be written.
pub(crate) struct ItemsMut<'a> {
    first: usize,
    first_hypothesis: usize,
    first_token: usize,
    item_ends: &'a [usize],
    token_ends: &'a [usize],
    tokens: &'a mut [u32],
}

impl ItemsMut<'_> {
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

impl<'a> IntoIterator for &'a NBest {
    type Item = Hypotheses<'a>;
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

/// The items of an [`NBest`] in turn.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    nbest: &'a NBest,
    items: Range<usize>,
}

impl<'a> Iterator for Items<'a> {
    type Item = Hypotheses<'a>;

    fn next(&mut self) -> Option<Hypotheses<'a>> {
        self.items.next().map(|item| self.nbest.item(item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl ExactSizeIterator for Items<'_> {}
impl std::iter::FusedIterator for Items<'_> {}

/// The hypotheses of one item, best first.
#[derive(Clone, Debug)]
pub struct Hypotheses<'a> {
    nbest: &'a NBest,
    next: usize,
    end: usize,
}

impl<'a> Iterator for Hypotheses<'a> {
    type Item = Hypothesis<'a>;

    fn next(&mut self) -> Option<Hypothesis<'a>> {
        if self.next == self.end {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let ends = &self.nbest.token_ends;
        let start = index.checked_sub(1).map_or(0, |before| ends[before]);
        Some(Hypothesis {
            tokens: &self.nbest.tokens[start..ends[index]],
            score: self.nbest.scores[index],
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next;
        (left, Some(left))
    }

    /// The hypothesis of rank `n` among those left, at once.
    fn nth(&mut self, n: usize) -> Option<Hypothesis<'a>> {
        self.next = self.end.min(self.next.saturating_add(n));
        self.next()
    }
}

impl ExactSizeIterator for Hypotheses<'_> {}
impl std::iter::FusedIterator for Hypotheses<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch;
    use crate::error::Kind;

    /// Items of so many hypotheses of so many tokens; `None` was refused. Every token
    /// is written: item, rank, place.
    fn filled(items: &[Option<(usize, usize)>]) -> NBest {
        let mut nbest = NBest::new();
        push(&mut nbest, items);
        nbest.items_mut().for_each(write);
        nbest
    }

    fn push(nbest: &mut NBest, items: &[Option<(usize, usize)>]) {
        for item in items {
            match *item {
                Some((count, length)) => {
                    let scores: Vec<f64> = (0..count).map(|rank| -(rank as f64)).collect();
                    nbest.push_item(length, &scores);
                }
                None => nbest.fail_item(Kind::ZeroBeams.into()).unwrap(),
            }
        }
    }

    fn write(item: usize, rank: usize, tokens: &mut [u32]) {
        for (at, token) in tokens.iter_mut().enumerate() {
            assert_eq!(*token, 0, "written twice");
            *token = (100 * item + 10 * rank + at) as u32 + 1000;
        }
    }

    const MIXED: [Option<(usize, usize)>; 9] = [
        Some((2, 3)),
        None,
        Some((0, 4)),
        Some((3, 0)),
        Some((1, 1)),
        None,
        Some((4, 2)),
        Some((0, 0)),
        Some((1, 5)),
    ];

    #[track_caller]
    fn check(nbest: &NBest, items: &[Option<(usize, usize)>]) {
        assert_eq!(
            (nbest.len(), nbest.is_empty()),
            (items.len(), items.is_empty())
        );
        for (item, expected) in items.iter().enumerate() {
            let (count, length) = expected.unwrap_or((0, 0));
            let hypotheses = nbest.item(item);
            assert_eq!(hypotheses.len(), count, "item {item}");
            assert_eq!(nbest.best(item).is_some(), count > 0);
            for (rank, found) in hypotheses.enumerate() {
                let token = |at| (100 * item + 10 * rank + at) as u32 + 1000;
                assert!(found.tokens.iter().copied().eq((0..length).map(token)));
                assert_eq!(found.score, -(rank as f64));
            }
        }
        let refused = (0..items.len()).filter(|&item| items[item].is_none());
        assert!(nbest.failures().iter().map(|(item, _)| *item).eq(refused));
        let counts = items.iter().map(|item| item.unwrap_or((0, 0)));
        let hypotheses: usize = counts.clone().map(|(count, _)| count).sum();
        let tokens: usize = counts.map(|(count, length)| count * length).sum();
        assert_eq!(nbest.scores().len(), hypotheses);
        assert_eq!(nbest.token_ends().len(), hypotheses);
        assert_eq!(nbest.token_ends().last().copied().unwrap_or(0), tokens);
        assert_eq!(nbest.tokens().len(), tokens);
        assert_eq!(nbest.item_ends().len(), items.len());
        assert_eq!(nbest.item_ends().last().copied().unwrap_or(0), hypotheses);
    }

    #[test]
    fn items_with_and_without_hypotheses_and_tokens_come_back_as_they_were_put() {
        for from in 0..MIXED.len() {
            for to in from..=MIXED.len() {
                check(&filled(&MIXED[from..to]), &MIXED[from..to]);
            }
        }
    }

    #[test]
    fn a_list_that_is_used_again_holds_nothing_of_before() {
        let mut nbest = filled(&MIXED);
        for items in [&MIXED[3..], &MIXED[..0], &MIXED[1..3], &MIXED] {
            nbest.clear();
            assert_eq!(nbest, NBest::new());
            push(&mut nbest, items);
            nbest.items_mut().for_each(write);
            check(&nbest, items);
        }
    }

    #[test]
    fn room_is_made_for_all_that_is_pushed() {
        let mut nbest = NBest::new();
        nbest.reserve(6, 11, 34).unwrap();
        let room = |nbest: &NBest| {
            let NBest {
                tokens,
                token_ends,
                scores,
                item_ends,
                ..
            } = nbest;
            [
                tokens.capacity(),
                token_ends.capacity(),
                scores.capacity(),
                item_ends.capacity(),
            ]
        };
        let before = room(&nbest);
        for (room, needed) in before.into_iter().zip([34, 11, 11, 6]) {
            assert!((needed..2 * needed).contains(&room), "{room} for {needed}");
        }
        push(
            &mut nbest,
            &[
                Some((2, 3)),
                Some((4, 5)),
                Some((1, 8)),
                Some((4, 0)),
                Some((0, 1)),
                Some((0, 9)),
            ],
        );
        assert_eq!(room(&nbest), before);
        assert!(
            nbest
                .reserve(usize::MAX, 1, 1)
                .unwrap_err()
                .is_out_of_memory()
        );
    }

    /// Cut anywhere, and again, the parts write what the whole does.
    #[test]
    fn tokens_are_written_in_parts_as_in_one() {
        for first in 0..=MIXED.len() {
            for second in first..=MIXED.len() {
                let mut nbest = NBest::new();
                push(&mut nbest, &MIXED);
                let (left, right) = nbest.items_mut().split_at(first);
                assert_eq!((left.len(), right.len()), (first, MIXED.len() - first));
                let (middle, right) = right.split_at(second - first);
                for mut part in [right, left, middle] {
                    part.for_each(write);
                }
                check(&nbest, &MIXED);
            }
        }
        let mut nbest = NBest::new();
        push(&mut nbest, &MIXED);
        batch::for_each(nbest.items_mut(), 1, &|mut part: ItemsMut<'_>| {
            part.for_each(write)
        });
        check(&nbest, &MIXED);
    }

    #[test]
    fn iterators_know_what_is_left() {
        let nbest = filled(&MIXED);
        let mut items = nbest.iter();
        for left in (0..=MIXED.len()).rev() {
            assert_eq!((items.len(), items.size_hint()), (left, (left, Some(left))));
            assert_eq!(items.next().is_some(), left > 0);
        }
        assert!(items.next().is_none());
        assert_eq!((&nbest).into_iter().count(), MIXED.len());
        let mut hypotheses = nbest.item(6);
        for left in (0..=4).rev() {
            assert_eq!(hypotheses.size_hint(), (left, Some(left)));
            assert_eq!(hypotheses.next().is_some(), left > 0);
        }
        assert!(hypotheses.next().is_none());
    }

    #[test]
    fn a_rank_is_counted_among_those_that_are_left() {
        let nbest = filled(&MIXED);
        let all: Vec<_> = nbest.item(6).collect();
        for skipped in 0..=4usize {
            for n in [0, 1, 2, 3, 4, 5, usize::MAX] {
                let mut hypotheses = nbest.item(6);
                hypotheses.by_ref().take(skipped).for_each(drop);
                let expected = all.get(skipped.saturating_add(n)).copied();
                assert_eq!(hypotheses.nth(n), expected, "{skipped}, {n}");
                let left = 4usize.saturating_sub(skipped.saturating_add(n).saturating_add(1));
                assert_eq!(hypotheses.len(), left, "{skipped}, {n}");
            }
        }
    }

    #[test]
    fn items_that_are_not_there_panic() {
        let nbest = filled(&MIXED[..2]);
        for item in [2, 3, usize::MAX] {
            assert!(std::panic::catch_unwind(|| nbest.item(item).len()).is_err());
            assert!(std::panic::catch_unwind(|| nbest.best(item).is_some()).is_err());
        }
    }
}
