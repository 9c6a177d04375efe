//! What ends the hypotheses of a request.

use super::Request;
use crate::search::autoregressive::completeness::Completeness;
use crate::search::autoregressive::finish::Finish;
use crate::search::autoregressive::followed::Followed;
use crate::search::autoregressive::rules::EndRank;
use crate::search::autoregressive::tokens_so_far::TokensSoFar;

impl Request {
    /// Sequences of tokens that end a hypothesis, in place of those given before: the token that
    /// completes one ends it as an end token does, and counts as one in the number of candidates
    /// of a step. The generated tokens alone are looked at, not the prompt. Of several that are
    /// complete at once, the hypothesis finishes with the longest, of equal ones the first; an
    /// end token wins over all.
    /// [`Completion::ending`](crate::autoregressive::Completion::ending) says how many tokens at
    /// the end are the stop sequence.
    ///
    /// ```
    /// use widebeam::autoregressive::{AutoregressiveSearch, Finish, MaximumLength, Request};
    ///
    /// let mut search = AutoregressiveSearch::new(4)?;
    /// let request = Request::new(2, MaximumLength(8)).with_stop_sequences([[2, 3], [3, 3]]);
    /// let id = search.admit(request)?;
    /// search.run(|feed, logits| {
    ///     // Counts.
    ///     for (row, logits) in logits.chunks_mut(4).enumerate() {
    ///         let next = feed.tokens().get(row).map_or(0, |token| token + 1);
    ///         logits[next as usize % 4] = 9.0;
    ///     }
    /// })?;
    /// let outcome = search.outcome(id)?.expect("it is done");
    /// let best = outcome.best()?;
    /// assert_eq!((best.tokens, best.finish), (&[0, 1, 2, 3][..], Finish::Stop(0)));
    /// assert_eq!(best.tokens_without_ending(), [0, 1]);
    /// # Ok::<(), widebeam::Error>(())
    /// ```
    #[must_use]
    pub fn with_stop_sequences<S: Into<Vec<u32>>>(
        mut self,
        sequences: impl IntoIterator<Item = S>,
    ) -> Self {
        self.ends
            .set_stops(sequences.into_iter().map(Into::into).collect());
        self.find_ending_tokens();
        self
    }

    /// A predicate that says of the tokens so far and the next one whether a hypothesis ends
    /// there, such as where a grammar has come to its end. It is asked where no end token and no
    /// stop sequence ends the hypothesis, and must follow from what it is shown.
    ///
    /// A request has one predicate: this replaces the one given before, where
    /// [`Request::with_constraint`] and the processors add to those before.
    ///
    /// It is called for some candidates of each step, at least for those that end or go on.
    #[must_use]
    pub fn ends_when(
        mut self,
        predicate: impl Fn(&TokensSoFar<'_>, u32) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.ends.set_predicate(predicate);
        self
    }

    pub(super) fn find_ending_tokens(&mut self) {
        let last = self.ends.stops().iter().filter_map(|stop| stop.last());
        self.ending_tokens.clone_from(&self.end_tokens);
        self.ending_tokens.extend(last);
        self.ending_tokens.sort_unstable();
        self.ending_tokens.dedup();
    }

    /// Whether `Group::take` does for its steps: end tokens alone end hypotheses, the best
    /// candidates suffice, and nothing is kept beside log-probabilities.
    pub(in crate::search::autoregressive) fn walks_plainly(&self) -> bool {
        let ranks = matches!(self.rules.end_rank, EndRank::WithinBeam | EndRank::Any);
        let extras = self.coverage.is_some() || self.own_scores || self.sampling.is_some();
        let extras = extras || !self.required.is_empty();
        ranks && !extras && self.ends.is_empty() && !self.completes()
    }

    /// Whether tokens may end a hypothesis that are not known to end hypotheses.
    pub(in crate::search::autoregressive) fn any_token_may_end(&self) -> bool {
        self.ends.predicate().is_some() || self.completes()
    }

    /// Whether a token may end a hypothesis.
    pub(in crate::search::autoregressive) fn may_end_with(&self, token: u32) -> bool {
        self.any_token_may_end() || self.ending_tokens.binary_search(&token).is_ok()
    }

    /// Whether complete permitted sequences finish by themselves.
    pub(in crate::search::autoregressive) fn completes(&self) -> bool {
        let mut constraints = self.constraints.iter();
        self.end_tokens.is_empty() && constraints.any(|(one, _)| one.knows_completeness())
    }

    /// Whether the fate of a candidate follows from all tokens before it.
    pub(in crate::search::autoregressive) fn reads_tokens(&self) -> bool {
        let mut constraints = self.constraints.iter();
        let reads = constraints.any(|(one, _)| one.reads_tokens());
        self.ends.predicate().is_some() || (self.completes() && reads)
    }

    /// What the constraints say of no generated token.
    pub(in crate::search::autoregressive) fn completeness_of_nothing(&self) -> Completeness {
        if !self.completes() {
            return Completeness::Incomplete;
        }
        let prompt = TokensSoFar::new(&self.prompt, self.prompt.len());
        let says = self.constraints.iter();
        together(says.filter_map(|(one, _)| one.completeness_of_nothing(&prompt)))
    }

    /// What the constraints say of a beam and one more token. `tokens` are those of both, if the
    /// request [`Request::reads_tokens`].
    pub(in crate::search::autoregressive) fn completeness(
        &self,
        followed: &[Followed],
        longer: (usize, u32),
        tokens: &TokensSoFar<'_>,
    ) -> Completeness {
        if !self.completes() {
            return Completeness::Incomplete;
        }
        let says = self.constraints.iter().zip(followed);
        together(says.filter_map(|((one, _), followed)| one.completeness(followed, longer, tokens)))
    }

    /// The tokens of the longest stop sequence.
    pub(in crate::search::autoregressive) fn longest_stop(&self) -> usize {
        let lengths = self.ends.stops().iter().map(Vec::len);
        lengths.max().unwrap_or(0)
    }

    /// How many tokens at the end of a hypothesis are its ending.
    pub(in crate::search::autoregressive) fn ending_length(&self, finish: Finish) -> usize {
        match finish {
            Finish::End => 1,
            Finish::Stop(index) => self.ends.stops()[index as usize].len(),
            Finish::Predicate | Finish::Complete | Finish::Length | Finish::Live => 0,
        }
    }
}

/// What all that constraints say means together.
fn together(says: impl Iterator<Item = Completeness>) -> Completeness {
    says.reduce(Completeness::and)
        .unwrap_or(Completeness::Incomplete)
}
