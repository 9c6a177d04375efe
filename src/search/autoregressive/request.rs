//! What one request asks for.

use std::fmt;
use std::sync::Arc;

use super::constraint::{Constraint, Normaliser};
use super::followed::Followed;
use super::processors::LogitsProcessor;
use super::rules::Rules;
use super::sampling::Sampling;
use crate::error::{Error, Kind};
use crate::memory::reserve;
use crate::scores::ScoreKind;

/// Tokens of a hypothesis that memory is set aside for from the start.
pub(super) const RESERVED: usize = 4096;

/// One request: its beam width, its maximum length, and everything else that
/// may differ from one request of a batch to the next.
///
/// A new one has no prompt, no end token (it runs to its maximum length), the
/// rules of [`Rules::plain`], and no processor.
///
/// ```
/// use widebeam::autoregressive::{
///     EarlyStopping, MaximumLength, MinimumLength, RepetitionPenalty, Request, Rules,
/// };
///
/// let request = Request::new(4, MaximumLength(64))
///     .with_prompt([101, 2023])
///     .with_end_tokens([102])
///     .with_rules(Rules::hugging_face(0.6, EarlyStopping::Never))
///     .process_log_probabilities(MinimumLength(5))
///     .process_log_probabilities(RepetitionPenalty::new(1.2)?);
/// # assert_eq!((request.beams(), request.max_length()), (4, 64));
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone)]
pub struct Request {
    pub(super) beams: usize,
    pub(super) max_length: usize,
    pub(super) prompt: Vec<u32>,
    /// Ascending, each once.
    pub(super) end_tokens: Vec<u32>,
    pub(super) rules: Rules,
    pub(super) groups: usize,
    pub(super) diversity: f64,
    /// Whether and how continuations are drawn.
    pub(super) sampling: Option<Sampling>,
    /// What all of them permit may be generated.
    pub(super) constraints: Vec<(Constraint, Normaliser)>,
    pub(super) logits: Vec<Arc<dyn LogitsProcessor>>,
    pub(super) log_probabilities: Vec<Arc<dyn LogitsProcessor>>,
}

/// The largest number of tokens that a hypothesis of a request may have: generated ones,
/// the end token among them.
///
/// It has a type of its own so that it cannot change places with the beam width:
///
/// ```compile_fail,E0308
/// # use widebeam::autoregressive::{MaximumLength, Request};
/// let request = Request::new(MaximumLength(4), 64);
/// ```
///
/// The processor [`MinimumLength`](super::MinimumLength) is its counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MaximumLength(pub usize);

impl Request {
    /// The largest beam width, 2^24 - 1 = 16,777,215.
    pub const MAX_BEAMS: usize = (u32::MAX >> 8) as usize;

    /// A request for the `beams` best hypotheses of at most `max_length`
    /// generated tokens, the end token counted.
    #[must_use]
    pub fn new(beams: usize, max_length: MaximumLength) -> Self {
        Request {
            beams,
            max_length: max_length.0,
            prompt: Vec::new(),
            end_tokens: Vec::new(),
            rules: Rules::plain(),
            groups: 1,
            diversity: 0.0,
            sampling: None,
            constraints: Vec::new(),
            logits: Vec::new(),
            log_probabilities: Vec::new(),
        }
    }

    /// The tokens before the first generated one: what a model without an
    /// encoder continues, or the start token of one with an encoder.
    ///
    /// The search reads it for processors that look at the history, and for
    /// rules that count it. It may hold tokens beyond the vocabulary of the
    /// scores.
    #[must_use]
    pub fn with_prompt(mut self, tokens: impl Into<Vec<u32>>) -> Self {
        self.prompt = tokens.into();
        self
    }

    /// The tokens that end a hypothesis.
    #[must_use]
    pub fn with_end_tokens(mut self, tokens: impl IntoIterator<Item = u32>) -> Self {
        self.end_tokens = tokens.into_iter().collect();
        self.end_tokens.sort_unstable();
        self.end_tokens.dedup();
        self
    }

    /// How hypotheses finish, are ranked, and end the search.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Splits the beams evenly into `groups`, each a beam search of its own
    /// that runs after the one before it and takes `penalty` off the
    /// log-probability of a token for every beam of an earlier group that has
    /// just continued with it (diverse beam search with the Hamming
    /// diversity, Vijayakumar et al. 2018, section 4).
    ///
    /// The penalty stays in the scores. The hypotheses of all groups come back
    /// in one list.
    #[must_use]
    pub fn with_diverse_groups(mut self, groups: usize, penalty: f64) -> Self {
        self.groups = groups;
        self.diversity = penalty;
        self
    }

    /// Draws continuations, where a request without it takes the best.
    ///
    /// It needs logits or log-probabilities. Each diverse group draws for itself.
    #[must_use]
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = Some(sampling);
        self
    }

    /// The only tokens that may be generated, and what they are normalised over. With
    /// several constraints, only tokens that all of them permit.
    ///
    /// ```
    /// use widebeam::ScoresView;
    /// use widebeam::autoregressive::{
    ///     AutoregressiveSearch, MaximumLength, Normaliser, Request, TokenMask,
    /// };
    ///
    /// let mask = |tokens: &[u32]| tokens.iter().copied().collect::<TokenMask>();
    /// let mut search = AutoregressiveSearch::new(4)?;
    /// let request = Request::new(4, MaximumLength(1))
    ///     .with_constraint(mask(&[0, 1, 2]), Normaliser::WholeRow)
    ///     .with_constraint(mask(&[1, 2, 3]), Normaliser::WholeRow);
    /// let id = search.admit(request)?;
    /// search.feed();
    /// search.advance(&ScoresView::logits(&[4.0f32, 3.0, 2.0, 1.0], [1, 4])?)?;
    /// let outcome = search.outcome(id)?.expect("it is done");
    /// let tokens: Vec<u32> = outcome.hypotheses().map(|found| found.tokens[0]).collect();
    /// assert_eq!(tokens, [1, 2]);
    /// # Ok::<(), widebeam::Error>(())
    /// ```
    #[must_use]
    pub fn with_constraint(
        mut self,
        constraint: impl Into<Constraint>,
        normaliser: Normaliser,
    ) -> Self {
        self.constraints.push((constraint.into(), normaliser));
        self
    }

    /// One more processor before the log-softmax, after those given before;
    /// [`processor_fn`](super::processor_fn) makes one of a closure.
    ///
    /// It needs logits, or log-probabilities, which are then taken as logits
    /// and normalised anew. The normaliser of each row that it changes is
    /// computed a second time.
    #[must_use]
    pub fn process_logits(mut self, processor: impl LogitsProcessor + 'static) -> Self {
        self.logits.push(Arc::new(processor));
        self
    }

    /// One more processor after the log-softmax, after those given before.
    /// What it leaves is not normalised again.
    #[must_use]
    pub fn process_log_probabilities(mut self, processor: impl LogitsProcessor + 'static) -> Self {
        self.log_probabilities.push(Arc::new(processor));
        self
    }

    /// The prompt.
    pub fn prompt(&self) -> &[u32] {
        &self.prompt
    }

    /// The end tokens, ascending.
    pub fn end_tokens(&self) -> &[u32] {
        &self.end_tokens
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The beam width.
    pub fn beams(&self) -> usize {
        self.beams
    }

    /// The largest number of generated tokens.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    pub(super) fn check(&self, vocab: usize) -> Result<(), Error> {
        let (beams, groups, limit) = (self.beams, self.groups, Self::MAX_BEAMS);
        if beams == 0 {
            return Err(Kind::ZeroBeams.into());
        }
        if beams > limit {
            return Err(Kind::BeamsTooLarge { beams, limit }.into());
        }
        if self.max_length == 0 {
            return Err(Kind::ZeroLength.into());
        }
        if groups == 0 || beams % groups != 0 {
            return Err(Kind::UnevenGroups { beams, groups }.into());
        }
        if !self.diversity.is_finite() {
            let (value, limit) = (self.diversity, "finite");
            let what = "the diversity penalty";
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        if let Some(&token) = self
            .end_tokens
            .iter()
            .find(|&&token| token as usize >= vocab)
        {
            let what = "end tokens";
            return Err(Kind::UnknownToken { what, token, vocab }.into());
        }
        self.rules.check()?;
        self.sampling.as_ref().map_or(Ok(()), Sampling::check)?;
        let mut constraints = self.constraints.iter();
        constraints.try_for_each(|(constraint, _)| constraint.check(vocab))?;
        let processors = self.logits.iter().chain(&self.log_probabilities);
        processors
            .into_iter()
            .try_for_each(|processor| processor.check(vocab))
    }

    /// The candidates of a step of one group: enough that as many as its beams
    /// do not end.
    pub(super) fn candidates(&self) -> usize {
        (1 + self.end_tokens.len().max(1)).saturating_mul(self.beams / self.groups)
    }

    /// Whether its steps read all scores of their rows, and not only those of
    /// permitted tokens: unless a trie says which those are, and nothing of the rest is
    /// needed to normalise them.
    pub(super) fn reads_rows(&self, kind: ScoreKind) -> bool {
        let normalises = kind == ScoreKind::Logits || !self.logits.is_empty();
        let suffices = |(constraint, normaliser): &(Constraint, Normaliser)| {
            let own = *normaliser == Normaliser::Permitted || !normalises;
            constraint.is_trie() && own
        };
        !self.constraints.iter().any(suffices)
    }

    /// The constraints that act before the log-softmax, or after it, and where beams stand in
    /// them.
    pub(super) fn constraints<'a>(
        &'a self,
        normaliser: Normaliser,
        followed: &'a [Followed],
    ) -> impl Iterator<Item = (&'a Constraint, &'a Followed)> {
        let acting = self.constraints.iter().zip(followed);
        let of_normaliser = acting.filter(move |((_, own), _)| *own == normaliser);
        of_normaliser.map(|((constraint, _), followed)| (constraint, followed))
    }

    /// Where the one beam of each group stands in the constraints before the first token.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn follow(&self) -> Result<Vec<Followed>, Error> {
        let mut all = Vec::new();
        reserve(
            &mut all,
            self.constraints.len(),
            "the constraints of a request",
        )?;
        for (constraint, _) in &self.constraints {
            all.push(constraint.follow(&self.prompt)?);
        }
        Ok(all)
    }

    /// At most the bytes that say where the beams stand in the constraints.
    pub(super) fn bytes_of_constraints(&self) -> usize {
        let beams = self.beams;
        let each = self.constraints.iter();
        let bytes = each.map(|(constraint, _)| constraint.bytes_needed(beams));
        let bytes = bytes.fold(0, usize::saturating_add);
        bytes.saturating_mul(self.groups)
    }

    /// Whether rows are changed before the log-softmax.
    pub(super) fn changes_logits(&self) -> bool {
        !self.logits.is_empty() || self.permits_before()
    }

    /// Whether constraints act before the log-softmax.
    fn permits_before(&self) -> bool {
        let mut constraints = self.constraints.iter();
        constraints.any(|(_, own)| *own == Normaliser::Permitted)
    }

    /// Whether rows may be changed at all.
    pub(super) fn changes_rows(&self) -> bool {
        !self.constraints.is_empty()
            || !self.logits.is_empty()
            || !self.log_probabilities.is_empty()
            || self.groups > 1
            || self.forces_end()
    }

    /// Whether the last token must be an end token.
    pub(super) fn forces_end(&self) -> bool {
        self.rules.at_maximum == super::rules::AtMaximum::ForceEnd && !self.end_tokens.is_empty()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("beams", &self.beams)
            .field("max_length", &self.max_length)
            .field("prompt", &self.prompt)
            .field("end_tokens", &self.end_tokens)
            .field("rules", &self.rules)
            .field("groups", &self.groups)
            .field("diversity", &self.diversity)
            .field("sampling", &self.sampling)
            .field("constraints", &self.constraints)
            .field("logits", &self.logits.len())
            .field("log_probabilities", &self.log_probabilities.len())
            .finish()
    }
}
