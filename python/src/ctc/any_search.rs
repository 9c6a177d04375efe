//! CTC searches with scorers of any type.

use widebeam::ctc::{CtcHypothesis, CtcNBest, CtcSearch, CtcStream, OwnedCtcHypothesis};
use widebeam::scorers::Scorer;
use widebeam::{CancellationToken, Error, ScoresView};

use crate::scorers::TakesScorer;

/// A [`CtcSearch`], whatever scores for it.
pub(crate) trait AnySearch: Send + Sync {
    fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize;
    fn decode(
        &mut self,
        scores: &ScoresView<'_>,
        token: CancellationToken,
    ) -> Result<CtcNBest, Error>;
    fn stream(&self) -> Box<dyn AnyStream>;
    /// Another one, that shares the scorer.
    fn another(&self) -> Box<dyn AnySearch>;
}

impl<S> AnySearch for CtcSearch<S>
where
    S: Scorer + Send + Sync + 'static,
{
    fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize {
        CtcSearch::bytes_needed(self, scores)
    }

    fn decode(
        &mut self,
        scores: &ScoresView<'_>,
        token: CancellationToken,
    ) -> Result<CtcNBest, Error> {
        self.set_cancellation(Some(token));
        CtcSearch::decode(self, scores)
    }

    fn stream(&self) -> Box<dyn AnyStream> {
        Box::new(CtcSearch::stream(self))
    }

    fn another(&self) -> Box<dyn AnySearch> {
        Box::new(self.clone())
    }
}

impl TakesScorer for CtcSearch {
    type Search = Box<dyn AnySearch>;

    fn without_scorer(self) -> Box<dyn AnySearch> {
        Box::new(self)
    }

    fn with_scorer<S: Scorer + Send + Sync + 'static>(self, scorer: S) -> Box<dyn AnySearch> {
        Box::new(CtcSearch::with_scorer(self, scorer))
    }
}

/// A [`CtcStream`], whatever scores for it.
pub(crate) trait AnyStream: Send {
    fn push(&mut self, frames: &ScoresView<'_>, token: CancellationToken) -> Result<(), Error>;
    fn current(&mut self) -> Result<Vec<OwnedCtcHypothesis>, Error>;
    fn finish(&mut self) -> Result<Vec<OwnedCtcHypothesis>, Error>;
    fn take_stable(&mut self) -> Result<(Vec<u32>, Vec<u32>), Error>;
    fn frames(&self) -> usize;
    fn reset(&mut self);
}

impl<S: Scorer + Send + Sync> AnyStream for CtcStream<S> {
    fn push(&mut self, frames: &ScoresView<'_>, token: CancellationToken) -> Result<(), Error> {
        self.set_cancellation(Some(token));
        let pushed = CtcStream::push(self, frames);
        self.set_cancellation(None);
        pushed
    }

    fn current(&mut self) -> Result<Vec<OwnedCtcHypothesis>, Error> {
        let hypotheses = CtcStream::current(self)?;
        Ok(hypotheses.map(CtcHypothesis::into_owned).collect())
    }

    fn finish(&mut self) -> Result<Vec<OwnedCtcHypothesis>, Error> {
        let hypotheses = CtcStream::finish(self)?;
        Ok(hypotheses.map(CtcHypothesis::into_owned).collect())
    }

    fn take_stable(&mut self) -> Result<(Vec<u32>, Vec<u32>), Error> {
        let (mut tokens, mut frames) = (Vec::new(), Vec::new());
        CtcStream::take_stable(self, &mut tokens, &mut frames)?;
        Ok((tokens, frames))
    }

    fn frames(&self) -> usize {
        CtcStream::frames(self)
    }

    fn reset(&mut self) {
        CtcStream::reset(self);
    }
}
