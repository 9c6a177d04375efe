//! What one request asks for.

mod check;
mod derived;
mod ending;
mod possible;

use std::fmt;
use std::sync::Arc;

use super::constraint::{Constraint, Normaliser};
use super::ends::Ends;
use super::processors::LogitsProcessor;
use super::required::{Required, Requirement};
use super::rules::Rules;
use super::sampling::settings::Sampling;

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
    pub(super) ends: Ends,
    /// End tokens and the last tokens of stop sequences, ascending, each once.
    pub(super) ending_tokens: Vec<u32>,
    pub(super) rules: Rules,
    /// The beam width of each step, the last one repeated; empty: `beams`.
    pub(super) widths: Vec<usize>,
    /// How many hypotheses come back, if not as many as beams.
    pub(super) n_best: Option<usize>,
    pub(super) coverage: Option<CoveragePenalty>,
    /// Whether the model's own log-probabilities are wanted.
    pub(super) own_scores: bool,
    /// What must occur.
    pub(super) required: Arc<Required>,
    pub(super) groups: usize,
    pub(super) diversity: f64,
    /// Whether and how continuations are drawn.
    pub(super) sampling: Option<Sampling>,
    /// What all of them permit may be generated.
    pub(super) constraints: Vec<(Constraint, Normaliser)>,
    pub(super) logits: Vec<Arc<dyn LogitsProcessor>>,
    pub(super) log_probabilities: Vec<Arc<dyn LogitsProcessor>>,
}

/// The coverage term of the scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CoveragePenalty {
    pub(super) factor: f64,
    /// How many source positions count.
    pub(super) sources: usize,
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
            ends: Ends::default(),
            ending_tokens: Vec::new(),
            rules: Rules::plain(),
            widths: Vec::new(),
            n_best: None,
            coverage: None,
            own_scores: false,
            required: Arc::default(),
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

    /// The tokens that end a hypothesis, in place of those given before.
    #[must_use]
    pub fn with_end_tokens(mut self, tokens: impl IntoIterator<Item = u32>) -> Self {
        self.end_tokens = tokens.into_iter().collect();
        self.end_tokens.sort_unstable();
        self.end_tokens.dedup();
        self.find_ending_tokens();
        self
    }

    /// How hypotheses finish, are ranked, and end the search.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// The beam width of each step, the last one repeated: how many live hypotheses the step
    /// keeps, of all groups. The beams that the request was made with still measure patience and
    /// the pool of finished hypotheses. Without widths, every step has as many as beams. Those of
    /// stochastic beams must not grow.
    ///
    /// ```
    /// use widebeam::autoregressive::{MaximumLength, Request};
    ///
    /// // Semantic ids of 3 codes, of which the last is searched widest.
    /// let request = Request::new(50, MaximumLength(3)).with_widths([10, 50, 80]);
    /// assert_eq!(request.widths(), [10, 50, 80]);
    /// ```
    #[must_use]
    pub fn with_widths(mut self, widths: impl Into<Vec<usize>>) -> Self {
        self.widths = widths.into();
        self
    }

    /// How many hypotheses come back at most; else as many as beams.
    #[must_use]
    pub fn with_n_best(mut self, hypotheses: usize) -> Self {
        self.n_best = Some(hypotheses);
        self
    }

    /// Adds to the score of a finished hypothesis
    /// `factor * sum over the sources i of ln(min(sum over its tokens t of a[t][i], 1))`, where
    /// `a[t]` is how much the row of token t attended to the first `sources` source positions
    /// (the coverage penalty of Wu et al. 2016, "Google's Neural Machine Translation System",
    /// section 7). The caller hands the attention in with the scores, by
    /// [`AutoregressiveSearch::advance_with`](super::AutoregressiveSearch::advance_with).
    /// Stochastic beams are ranked without it: it is [`Completion::coverage`](super::Completion)
    /// alone there.
    ///
    /// The sum over the tokens of a source that nothing has attended to counts as 1.2e-38, the
    /// least normal f32. The term is added after the length penalty, to finished hypotheses
    /// alone: stopping rules bound what live ones can become without it.
    #[must_use]
    pub fn with_coverage(mut self, factor: f64, sources: usize) -> Self {
        self.coverage = Some(CoveragePenalty { factor, sources });
        self
    }

    /// Keeps the model's own log-probability of each token beside the one that processors,
    /// constraints and diversity have left: [`Completion::own_scores`](super::Completion).
    #[must_use]
    pub fn with_own_scores(mut self) -> Self {
        self.own_scores = true;
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
    /// It needs logits or log-probabilities. With beam sampling each diverse group draws for
    /// itself; stochastic beams have one group.
    #[must_use]
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = Some(sampling);
        self
    }

    /// One more constraint, beside those given before: the only tokens that may be generated,
    /// and what they are normalised over. With several constraints, only tokens that all of them
    /// permit.
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

    /// What must occur in the generated tokens of every hypothesis that finishes, in any order;
    /// replaces what was given before. Phrases may overlap. A stop sequence or an end token
    /// that comes before is forbidden, and so is what certainly leaves too little room up to the
    /// maximum length: how many tokens are missing is counted at least, as phrases may share
    /// tokens. Candidates that are drawn (beam sampling) are not shared out.
    ///
    /// Live hypotheses are apart by how many tokens are missing, and the beam is shared out: to
    /// the best of each number, and then to those that are least behind the best of theirs. So
    /// none has to be better than hypotheses that have less of what must occur (Post and Vilar
    /// 2018, "Fast lexically constrained decoding with dynamic beam allocation"; Hu et al. 2019).
    ///
    /// O((tokens of all phrases) x phrases) more a row, and a selection of candidates for each
    /// number.
    ///
    /// ```
    /// use widebeam::ScoresView;
    /// use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request, Requirement};
    ///
    /// let mut search = AutoregressiveSearch::new(4)?;
    /// let request = Request::new(2, MaximumLength(2))
    ///     .with_required_words([Requirement::any_of([[3], [2]])?]);
    /// let id = search.admit(request)?;
    /// while !search.is_idle() {
    ///     let rows = search.feed().rows();
    ///     let logits = [4.0f32, 3.0, 1.0, 0.0].repeat(rows);
    ///     search.advance(&ScoresView::logits(&logits, [rows, 4])?)?;
    /// }
    /// let outcome = search.outcome(id)?.expect("it is done");
    /// assert_eq!(outcome.best()?.tokens, [0, 2]);
    /// # Ok::<(), widebeam::Error>(())
    /// ```
    #[must_use]
    pub fn with_required_words(
        mut self,
        requirements: impl IntoIterator<Item = Requirement>,
    ) -> Self {
        self.required = Arc::new(Required::new(requirements));
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

    /// The beam widths of the steps, as they were given.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// The largest number of hypotheses that come back.
    pub fn n_best(&self) -> usize {
        self.wanted()
    }

    /// The largest number of generated tokens.
    pub fn max_length(&self) -> usize {
        self.max_length
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("beams", &self.beams)
            .field("max_length", &self.max_length)
            .field("prompt", &self.prompt)
            .field("end_tokens", &self.end_tokens)
            .field("ends", &self.ends)
            .field("rules", &self.rules)
            .field("widths", &self.widths)
            .field("n_best", &self.n_best)
            .field("required", &self.required)
            .field("coverage", &self.coverage)
            .field("own_scores", &self.own_scores)
            .field("groups", &self.groups)
            .field("diversity", &self.diversity)
            .field("sampling", &self.sampling)
            .field("constraints", &self.constraints)
            .field("logits", &self.logits.len())
            .field("log_probabilities", &self.log_probabilities.len())
            .finish()
    }
}
