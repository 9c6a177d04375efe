//! The items of an n-best list, and the hypotheses of an item.

use std::iter::FusedIterator;
use std::ops::Range;

use super::NBest;
use super::details::{Details, IndependentDetails};
use crate::error::{Error, Kind};

impl<'a, D: Details> IntoIterator for &'a NBest<D> {
    type Item = Result<Hypotheses<'a, D>, Error>;
    type IntoIter = Items<'a, D>;

    fn into_iter(self) -> Items<'a, D> {
        self.iter()
    }
}

/// The items of an [`NBest`] in turn: the hypotheses of each, or why it was refused.
#[derive(Clone, Debug)]
#[must_use]
pub struct Items<'a, D: Details = IndependentDetails> {
    nbest: &'a NBest<D>,
    items: Range<usize>,
}

impl<'a, D: Details> Items<'a, D> {
    pub(super) fn new(nbest: &'a NBest<D>) -> Self {
        let items = 0..nbest.len();
        Items { nbest, items }
    }
}

impl<'a, D: Details> Iterator for Items<'a, D> {
    type Item = Result<Hypotheses<'a, D>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next().map(|item| self.nbest.item(item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<D: Details> ExactSizeIterator for Items<'_, D> {}
impl<D: Details> FusedIterator for Items<'_, D> {}

/// The hypotheses of one item, best first.
#[derive(Clone, Debug)]
pub struct Hypotheses<'a, D: Details = IndependentDetails> {
    nbest: &'a NBest<D>,
    /// The best one, if there is any.
    best: Option<usize>,
    /// Those that are left.
    range: Range<usize>,
    /// What an error is about: an item, or nothing where there is one alone.
    item: Option<usize>,
}

impl<'a, D: Details> Hypotheses<'a, D> {
    pub(super) fn new(nbest: &'a NBest<D>, range: Range<usize>, item: Option<usize>) -> Self {
        Hypotheses {
            nbest,
            best: range.clone().next(),
            range,
            item,
        }
    }

    /// The best hypothesis of the item, whether or not it is left.
    ///
    /// # Errors
    ///
    /// If there is none: [`NoHypothesis`](crate::ErrorKind::NoHypothesis).
    pub fn best(&self) -> Result<D::Hypothesis<'a>, Error> {
        let item = self.item;
        let best = self.best.ok_or(Kind::NoHypothesis { item })?;
        Ok(self.nbest.hypothesis(best))
    }
}

impl<'a, D: Details> Iterator for Hypotheses<'a, D> {
    type Item = D::Hypothesis<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.range.next().map(|index| self.nbest.hypothesis(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }

    /// The hypothesis of rank `n` among those left, at once.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.range.nth(n).map(|index| self.nbest.hypothesis(index))
    }
}

impl<D: Details> ExactSizeIterator for Hypotheses<'_, D> {}
impl<D: Details> FusedIterator for Hypotheses<'_, D> {}
