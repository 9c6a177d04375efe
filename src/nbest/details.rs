//! What the hypotheses of a search have beside tokens and a score.

use std::fmt::Debug;
use std::ops::Range;

use crate::error::Error;

pub(crate) mod sealed {
    #[allow(unreachable_pub)]
    pub trait Sealed {}

    /// What only this crate has, so that only it can call a method that asks for one.
    #[allow(unreachable_pub)]
    #[derive(Clone, Copy, Debug)]
    pub struct Internal(());

    pub(crate) const INTERNAL: Internal = Internal(());
}

use sealed::Internal;

/// What each hypothesis of an [`NBest`](super::NBest) has beside its tokens and its
/// score, in flat arrays: [`IndependentDetails`], [`CtcDetails`](crate::ctc::CtcDetails) or
/// [`CompletionDetails`](crate::autoregressive::CompletionDetails).
///
/// Only this crate implements it.
pub trait Details: Clone + Debug + Default + PartialEq + sealed::Sealed + 'static {
    /// One hypothesis as a view of the flat arrays.
    type Hypothesis<'a>: Clone + Debug + PartialEq
    where
        Self: 'a;

    #[doc(hidden)]
    fn view<'a>(&'a self, place: Place<'a>) -> Self::Hypothesis<'a>;

    #[doc(hidden)]
    fn clear(&mut self, _: Internal);

    /// Makes room for more hypotheses, which have so many tokens in all.
    #[doc(hidden)]
    fn reserve(&mut self, hypotheses: usize, tokens: usize, _: Internal) -> Result<(), Error>;

    /// Appends those of other hypotheses; there is room for them.
    #[doc(hidden)]
    fn append(&mut self, other: &Self, _: Internal);
}

/// Where a hypothesis stands in the flat arrays.
#[doc(hidden)]
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Place<'a> {
    pub index: usize,
    pub range: Range<usize>,
    pub tokens: &'a [u32],
    pub score: f64,
}

/// What a hypothesis of the independent search has beside its tokens and its score:
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndependentDetails;

impl sealed::Sealed for IndependentDetails {}

impl Details for IndependentDetails {
    type Hypothesis<'a> = Hypothesis<'a>;

    fn view<'a>(&'a self, place: Place<'a>) -> Hypothesis<'a> {
        Hypothesis {
            tokens: place.tokens,
            score: place.score,
        }
    }

    fn clear(&mut self, _: Internal) {}

    fn reserve(&mut self, _: usize, _: usize, _: Internal) -> Result<(), Error> {
        Ok(())
    }

    fn append(&mut self, _: &Self, _: Internal) {}
}

/// One hypothesis of an independent search.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Hypothesis<'a> {
    /// Its token ids, first to last.
    pub tokens: &'a [u32],
    /// The natural logarithm of its probability.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub score: f64,
}

impl Hypothesis<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> OwnedHypothesis {
        OwnedHypothesis {
            tokens: self.tokens.to_vec(),
            score: self.score,
        }
    }
}

/// A [`Hypothesis`] that borrows nothing.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OwnedHypothesis {
    /// Its token ids, first to last.
    pub tokens: Vec<u32>,
    /// The natural logarithm of its probability.
    #[cfg_attr(feature = "serde", serde(with = "crate::nbest::score"))]
    pub score: f64,
}
