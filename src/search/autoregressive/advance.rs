//! The scores of a step, taken in.

use super::scan::Weighing;
use super::search::AutoregressiveSearch;
use super::slot::StepInputs;
use super::step_rows::StepRows;
use crate::cancellation::Interrupt;
use crate::error::{Error, InterruptedAt, Kind};
use crate::scores::{ScoreKind, ScoresView, SparseScoresView};

impl AutoregressiveSearch {
    /// Takes the scores of the rows that [`AutoregressiveSearch::feed`] has shown, one
    /// step for every request among them.
    ///
    /// `scores` has the shape `[1, rows, vocab]` (which is what a layout of
    /// `[rows, vocab]` means) or `[rows, 1, vocab]`, so that with strides the
    /// last position of a model's output can be read in place. The scores are
    /// read once, and only the permitted ones where a trie says which.
    ///
    /// The rows of requests that are done are gone from the next step;
    /// [`AutoregressiveSearch::finished`] names them. They stay, with what they have found,
    /// until [`AutoregressiveSearch::remove`]. Scores that are not valid are no
    /// error here: they fail the request that they belong to, and
    /// [`AutoregressiveSearch::outcome`] says so.
    ///
    /// # Errors
    ///
    /// If no step has begun, the shape is another, memory runs out, or the search is cancelled
    /// ([`AutoregressiveSearch::with_cancellation`]). Then nothing has changed; only if it is
    /// cancelled on the way some requests have taken their scores. The step is then still under
    /// way, and with the same scores this takes those of the others.
    ///
    /// # Panics
    ///
    /// If a processor or a constraint does. The request in question, and those behind it in
    /// the feed, are then refused; the others are as if nothing had happened.
    pub fn advance(&mut self, scores: &ScoresView<'_>) -> Result<(), Error> {
        self.take_dense(scores, None)
    }

    /// [`AutoregressiveSearch::advance`] with the attention of each row to source positions,
    /// which requests with a coverage penalty need
    /// ([`Request::with_coverage`](super::Request::with_coverage)).
    ///
    /// `attention` holds probabilities of the shape `[1, rows, sources]` or
    /// `[rows, 1, sources]`, such as the mean over the heads of a layer; of a request's rows its
    /// first source positions count, and the others may be padding.
    ///
    /// # Errors
    ///
    /// Those of [`AutoregressiveSearch::advance`]; and if the attention is of another kind or
    /// shape, or has fewer source positions than a request of the step counts. Then nothing has
    /// changed. A value that is no probability fails the request that it belongs to.
    ///
    /// # Panics
    ///
    /// As [`AutoregressiveSearch::advance`].
    pub fn advance_with(
        &mut self,
        scores: &ScoresView<'_>,
        attention: &ScoresView<'_>,
    ) -> Result<(), Error> {
        self.take_dense(scores, Some(attention))
    }

    /// [`AutoregressiveSearch::advance`] with some tokens of each row: no other is possible.
    ///
    /// `scores` has a row for each of the feed. Its cost is that of the tokens that are
    /// given, and of the processors and constraints of the requests. A processor that gives
    /// another token a score makes that possible; in the row it comes behind those that are
    /// given.
    ///
    /// # Errors
    ///
    /// If no step has begun, the rows or the vocabulary are of another number, a row gives a
    /// token twice or one beyond the vocabulary, memory runs out, or the search is cancelled.
    /// Then nothing has changed, but as [`AutoregressiveSearch::advance`] says.
    ///
    /// # Panics
    ///
    /// As [`AutoregressiveSearch::advance`].
    pub fn advance_sparse(&mut self, scores: &SparseScoresView<'_>) -> Result<(), Error> {
        self.take_sparse(scores, None)
    }

    /// [`AutoregressiveSearch::advance_sparse`] with the attention of each row, as
    /// [`AutoregressiveSearch::advance_with`] takes it.
    ///
    /// # Errors
    ///
    /// Those of both.
    ///
    /// # Panics
    ///
    /// As [`AutoregressiveSearch::advance`].
    pub fn advance_sparse_with(
        &mut self,
        scores: &SparseScoresView<'_>,
        attention: &ScoresView<'_>,
    ) -> Result<(), Error> {
        self.take_sparse(scores, Some(attention))
    }

    fn take_dense(
        &mut self,
        scores: &ScoresView<'_>,
        attention: Option<&ScoresView<'_>>,
    ) -> Result<(), Error> {
        let (rows, vocab) = (self.next_rows.rows, self.vocab);
        let shape = [scores.batch(), scores.time(), scores.vocab()];
        if self.fed == 0 {
            return Err(Kind::NoStep.into());
        }
        if shape != [1, rows, vocab] && shape != [rows, 1, vocab] {
            return Err(Kind::StepShape { shape, rows, vocab }.into());
        }
        let scores = scores.step_rows().ok_or(Error::from(Kind::StepLengths))?;
        let attention = self.check_attention(attention)?;
        self.step(&StepRows::Dense(scores), vocab, attention.as_ref())
    }

    fn take_sparse(
        &mut self,
        scores: &SparseScoresView<'_>,
        attention: Option<&ScoresView<'_>>,
    ) -> Result<(), Error> {
        let (rows, vocab) = (self.next_rows.rows, self.vocab);
        let given = [scores.rows(), scores.vocab()];
        if self.fed == 0 {
            return Err(Kind::NoStep.into());
        }
        if given != [rows, vocab] {
            return Err(Kind::SparseStep { given, rows, vocab }.into());
        }
        self.memory.expander.given.check(scores)?;
        let attention = self.check_attention(attention)?;
        let longest = scores.longest();
        self.step(&StepRows::Sparse(*scores), longest, attention.as_ref())
    }

    /// Takes the scores of a step, of rows of at most `longest` scores.
    fn step(
        &mut self,
        scores: &StepRows<'_>,
        longest: usize,
        attention: Option<&ScoresView<'_>>,
    ) -> Result<(), Error> {
        let at = self.at(self.taken);
        self.check_cancellation()?;
        let (rows, vocab) = (self.next_rows.rows, self.vocab);
        let slots = self.running.iter().map(|&slot| &self.slots[slot as usize]);
        let most = slots.map(|slot| slot.most_rows(vocab));
        self.next_rows
            .reserve(most.fold(0, usize::saturating_add))?;
        self.read(scores, longest)
            .map_err(|error| error.interrupted_at(at))?;
        self.finished.drain(..self.shown);
        self.shown = 0;
        self.scored = rows;
        let taken = self.taken;
        let mut step = StepUnderWay {
            search: self,
            taken,
        };
        while step.take(scores, attention) {
            if let Some(interrupt) = step.interrupt() {
                let taken = step.taken;
                step.pause();
                return Err(interrupt.error(self.at(taken)));
            }
        }
        Ok(())
    }

    /// Whether the search is cancelled before its next step or the rest of this one.
    ///
    /// # Errors
    ///
    /// If it is.
    pub(super) fn check_cancellation(&self) -> Result<(), Error> {
        self.cancellation.check(|| self.at(self.taken))
    }

    /// The place in the step after so many requests.
    fn at(&self, taken: usize) -> InterruptedAt {
        let requests = self.fed;
        InterruptedAt::Step { taken, requests }
    }

    /// The attention as `[1, rows, sources]`, if it is what the requests of the step need.
    fn check_attention<'a>(
        &self,
        attention: Option<&ScoresView<'a>>,
    ) -> Result<Option<ScoresView<'a>>, Error> {
        let fed = self.running[..self.fed].iter();
        let needed = fed.filter_map(|&slot| self.slots[slot as usize].sources());
        let sources = needed.max();
        let rows = self.next_rows.rows;
        let Some(attention) = attention else {
            return match sources {
                None => Ok(None),
                Some(sources) => Err(Kind::NoAttention { rows, sources }.into()),
            };
        };
        let shape = [attention.batch(), attention.time(), attention.vocab()];
        let given = shape[2];
        let fits = shape == [1, rows, given] || shape == [rows, 1, given];
        let sources = sources.unwrap_or(0);
        if !fits || given < sources {
            return Err(Kind::AttentionShape {
                shape,
                rows,
                sources,
            }
            .into());
        }
        if attention.kind() != ScoreKind::Probabilities {
            return Err(Kind::AttentionScale.into());
        }
        let rows = attention.step_rows();
        Ok(Some(rows.ok_or(Error::from(Kind::StepLengths))?))
    }

    /// Reads the rows that are to be read, neighbours together.
    ///
    /// # Errors
    ///
    /// If memory runs out, or the search is cancelled.
    fn read(&mut self, scores: &StepRows<'_>, longest: usize) -> Result<(), Error> {
        self.scanned.prepare(self.next_rows.rows, longest)?;
        let (mut rows, mut weighing) = (0..0, Weighing::Normalisers);
        for &index in &self.running[..self.fed] {
            let slot = &self.slots[index as usize];
            let Some(own) = slot.weighing(scores.kind()) else {
                continue;
            };
            if rows.end < slot.rows.start || own != weighing {
                let (dispatch, cancellation) = (self.dispatch, &self.cancellation);
                self.scanned
                    .read(scores, rows, weighing, dispatch, cancellation)?;
                (rows, weighing) = (slot.rows.clone(), own);
                if let Weighing::Cooled(_) = own {
                    self.scanned.prepare_cooled()?;
                }
            }
            rows.end = slot.rows.end;
        }
        let (dispatch, cancellation) = (self.dispatch, &self.cancellation);
        self.scanned
            .read(scores, rows, weighing, dispatch, cancellation)
    }
}

/// A step whose scores are being taken, request by request. If a function of the caller
/// panics, the step ends there: the request in question, and those whose turn had not
/// come, are refused.
struct StepUnderWay<'a> {
    search: &'a mut AutoregressiveSearch,
    /// How many requests have had their turn.
    taken: usize,
}

impl StepUnderWay<'_> {
    /// Gives the next request its scores; false if all have had theirs.
    fn take(&mut self, scores: &StepRows<'_>, attention: Option<&ScoresView<'_>>) -> bool {
        let AutoregressiveSearch {
            slots,
            running,
            fed,
            finished,
            memory,
            scanned,
            dispatch,
            ..
        } = &mut *self.search;
        let Some(&index) = running[..*fed].get(self.taken) else {
            return false;
        };
        let inputs = StepInputs {
            scores,
            scanned,
            attention,
            dispatch: *dispatch,
        };
        let slot = &mut slots[index as usize];
        if let Some(id) = slot.id.filter(|_| !slot.removed)
            && slot.step(id, memory, inputs)
        {
            finished.push(id);
        }
        self.taken += 1;
        true
    }

    /// Why the others are not to take their scores now, if so and there are others.
    fn interrupt(&self) -> Option<Interrupt> {
        match self.taken < self.search.fed {
            true => self.search.cancellation.interrupt(),
            false => None,
        }
    }

    /// Leaves the step under way for those that have not taken their scores.
    fn pause(self) {
        self.search.taken = self.taken;
        std::mem::forget(self);
    }
}

impl Drop for StepUnderWay<'_> {
    fn drop(&mut self) {
        let search = &mut *self.search;
        if self.taken < search.fed {
            search.memory.expander.forget_interrupted();
        }
        search.refuse_from(self.taken, |request| Kind::StepPanicked { request });
        search.shown = search.finished.len();
        search.end_step();
    }
}
