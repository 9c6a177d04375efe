//! Transducer searches with scorers of any type.

use widebeam::scorers::Scorer;
use widebeam::transducer::{
    Emitted, Feed, OwnedTransducerHypothesis, RequestId, TransducerHypothesis, TransducerSearch,
};
use widebeam::{CancellationToken, Error, ScoresView};

use crate::scorers::TakesScorer;

/// A [`TransducerSearch`], whatever scores for it.
pub(crate) trait AnySearch: Send {
    fn columns(&self) -> usize;
    fn is_idle(&self) -> bool;
    fn admit(&mut self, frames: Option<usize>) -> Result<RequestId, Error>;
    fn add_frames(&mut self, id: RequestId, count: usize) -> Result<(), Error>;
    fn end(&mut self, id: RequestId) -> Result<(), Error>;
    fn finish(&mut self, id: RequestId) -> Result<(), Error>;
    fn remove(&mut self, id: RequestId) -> bool;
    fn feed(&mut self) -> Feed<'_>;
    fn advance(&mut self, scores: &ScoresView<'_>, token: CancellationToken) -> Result<(), Error>;
    fn abandon_step(&mut self);
    fn finished(&self) -> &[RequestId];
    fn frames(&self, id: RequestId) -> Result<usize, Error>;
    fn current(&mut self, id: RequestId) -> Result<Vec<OwnedTransducerHypothesis>, Error>;
    fn outcome(&self, id: RequestId) -> Result<Option<Vec<OwnedTransducerHypothesis>>, Error>;
    fn take_stable(&mut self, id: RequestId) -> Result<Emitted, Error>;
}

impl<S: Scorer + Send + Sync> AnySearch for TransducerSearch<S> {
    fn columns(&self) -> usize {
        TransducerSearch::columns(self)
    }

    fn is_idle(&self) -> bool {
        TransducerSearch::is_idle(self)
    }

    fn admit(&mut self, frames: Option<usize>) -> Result<RequestId, Error> {
        match frames {
            Some(frames) => TransducerSearch::admit(self, frames),
            None => self.admit_stream(),
        }
    }

    fn add_frames(&mut self, id: RequestId, count: usize) -> Result<(), Error> {
        TransducerSearch::add_frames(self, id, count)
    }

    fn end(&mut self, id: RequestId) -> Result<(), Error> {
        TransducerSearch::end(self, id)
    }

    fn finish(&mut self, id: RequestId) -> Result<(), Error> {
        TransducerSearch::finish(self, id)
    }

    fn remove(&mut self, id: RequestId) -> bool {
        TransducerSearch::remove(self, id)
    }

    fn feed(&mut self) -> Feed<'_> {
        TransducerSearch::feed(self)
    }

    fn advance(&mut self, scores: &ScoresView<'_>, token: CancellationToken) -> Result<(), Error> {
        self.set_cancellation(Some(token));
        let advanced = TransducerSearch::advance(self, scores);
        self.set_cancellation(None);
        advanced
    }

    fn abandon_step(&mut self) {
        TransducerSearch::abandon_step(self);
    }

    fn finished(&self) -> &[RequestId] {
        TransducerSearch::finished(self)
    }

    fn frames(&self, id: RequestId) -> Result<usize, Error> {
        TransducerSearch::frames(self, id)
    }

    fn current(&mut self, id: RequestId) -> Result<Vec<OwnedTransducerHypothesis>, Error> {
        let found = TransducerSearch::current(self, id)?;
        Ok(found.map(TransducerHypothesis::into_owned).collect())
    }

    fn outcome(&self, id: RequestId) -> Result<Option<Vec<OwnedTransducerHypothesis>>, Error> {
        let Some(outcome) = TransducerSearch::outcome(self, id)? else {
            return Ok(None);
        };
        let found = outcome.hypotheses();
        Ok(Some(found.map(TransducerHypothesis::into_owned).collect()))
    }

    fn take_stable(&mut self, id: RequestId) -> Result<Emitted, Error> {
        let mut emitted = Emitted::new();
        TransducerSearch::take_stable(self, id, &mut emitted)?;
        Ok(emitted)
    }
}

impl TakesScorer for TransducerSearch {
    type Search = Box<dyn AnySearch>;

    fn without_scorer(self) -> Box<dyn AnySearch> {
        Box::new(self)
    }

    fn with_scorer<S: Scorer + Send + Sync + 'static>(self, scorer: S) -> Box<dyn AnySearch> {
        Box::new(TransducerSearch::with_scorer(self, scorer))
    }
}
