//! Toy models, and requests that are built for the engine and for its oracle.

use std::cell::Cell;

use crate::autoregressive::{
    AutoregressiveSearch, Completion, Constraint, ForcedFirst, ForcedLast, ForcedScore,
    MaximumLength, MinimumLength, NoRepeatNgram, Normaliser, Outcome, RepetitionPenalty, Request,
    RequestId, RowScores, Rules, Suppress, TokenMask, TokenTrie, processor_fn,
};
use crate::reference::autoregressive::{self as oracle, Found, Place, Row};
use crate::{Level, ScoreKind, ScoresView};

use super::toy::mix;

/// A toy model: any function of the history, from a seed.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Chooses the function.
    pub seed: u64,
    /// Tokens in its vocabulary.
    pub vocab: usize,
    /// How many of the last tokens matter.
    pub memory: usize,
    /// How many values scores are drawn from; 0 for a continuum.
    pub values: u64,
    /// One token in this many is impossible; 0 for none.
    pub impossible: u64,
    /// What it puts out.
    pub kind: ScoreKind,
}

impl Model {
    /// Scores every token after a history.
    pub fn scores(&self, history: &[u32]) -> Vec<f32> {
        let recent = &history[history.len().saturating_sub(self.memory)..];
        let state = recent.iter().fold(mix(self.seed), |state, &token| {
            mix(state.wrapping_add(u64::from(token) + 1))
        });
        let draw = |token: usize| {
            let bits = mix(state.wrapping_add(mix(token as u64 + 77)));
            if self.impossible > 0 && bits.is_multiple_of(self.impossible) {
                return match self.kind {
                    ScoreKind::Probabilities => 0.0,
                    _ => f32::NEG_INFINITY,
                };
            }
            let unit = match self.values {
                0 => (bits >> 40) as f32 / (1u64 << 24) as f32,
                values => ((bits >> 8) % values) as f32 / values as f32,
            };
            match self.kind {
                ScoreKind::Probabilities => (unit + 0.01) / 2.0,
                ScoreKind::LogProbabilities => -4.0 * unit - 0.1,
                ScoreKind::Logits => 8.0 * unit - 4.0,
            }
        };
        (0..self.vocab).map(draw).collect()
    }

    /// Rows of scores, as the search takes them.
    pub fn view<'a>(&self, data: &'a [f32]) -> ScoresView<'a> {
        let rows = data.len() / self.vocab;
        ScoresView::new(self.kind, data, [rows, self.vocab]).unwrap()
    }
}

/// One processor, to be built for the engine and for the oracle.
#[derive(Clone, Debug)]
pub enum Processor {
    /// No end token before this many tokens.
    MinimumLength(usize),
    /// Tokens that are impossible.
    Suppress(Vec<u32>),
    /// The first token is forced.
    First(u32, ForcedScore),
    /// The last token is forced.
    Last(u32, ForcedScore),
    /// A repetition penalty.
    Repetition(f64),
    /// No n-gram of this length occurs twice.
    Ngram(usize),
    /// Adds to the scores of some tokens, more as the history grows.
    Hook(u32, f64),
}

impl Processor {
    /// Adds it to a request of the engine, `before` the log-softmax or after it.
    pub fn engine(&self, request: Request, before: bool) -> Request {
        macro_rules! add {
            ($processor:expr) => {
                match before {
                    true => request.process_logits($processor),
                    false => request.process_log_probabilities($processor),
                }
            };
        }
        match self.clone() {
            Processor::MinimumLength(length) => add!(MinimumLength(length)),
            Processor::Suppress(tokens) => add!(Suppress(tokens)),
            Processor::First(token, score) => add!(ForcedFirst::new(token, score)),
            Processor::Last(token, score) => add!(ForcedLast::new(token, score)),
            Processor::Repetition(penalty) => add!(RepetitionPenalty::new(penalty).unwrap()),
            Processor::Ngram(size) => add!(NoRepeatNgram::new(size).unwrap()),
            Processor::Hook(stride, amount) => {
                add!(processor_fn(move |row: &mut RowScores<'_>| {
                    let amount = amount * row.history().len() as f64;
                    for token in (0..row.vocab() as u32).step_by(stride as usize) {
                        row.set(token, row.get(token) + amount);
                    }
                }))
            }
        }
    }

    /// The change of a dense row, written anew from the definition.
    fn apply<T: Scalar>(&self, place: &Place<'_>, row: &mut Row<T>) {
        let history = place.history();
        let forbid =
            |row: &mut Row<T>, token: u32| row.scores[token as usize] = T::of(f64::NEG_INFINITY);
        let force = |row: &mut Row<T>, token: u32, score| {
            row.permit_only([token]);
            if score == ForcedScore::Certain {
                row.scores[token as usize] = T::of(0.0);
            }
        };
        match self {
            Processor::MinimumLength(length) => {
                if place.generated.len() < *length {
                    place
                        .request
                        .end_tokens
                        .iter()
                        .for_each(|&token| forbid(row, token));
                }
            }
            Processor::Suppress(tokens) => tokens.iter().for_each(|&token| forbid(row, token)),
            Processor::First(token, score) => {
                if place.generated.is_empty() {
                    force(row, *token, *score);
                }
            }
            Processor::Last(token, score) => {
                if place.generated.len() + 1 == place.request.max_length {
                    force(row, *token, *score);
                }
            }
            Processor::Repetition(penalty) => {
                for (token, score) in row.scores.iter_mut().enumerate() {
                    if history.contains(&(token as u32)) {
                        let old = score.get();
                        *score = T::of(if old < 0.0 {
                            old * penalty
                        } else {
                            old / penalty
                        });
                    }
                }
            }
            Processor::Ngram(size) => {
                for token in 0..row.scores.len() as u32 {
                    let mut longer = history.clone();
                    longer.push(token);
                    let new = longer
                        .len()
                        .checked_sub(*size)
                        .map(|start| &longer[start..]);
                    if new.is_some_and(|new| history.windows(*size).any(|old| old == new)) {
                        forbid(row, token);
                    }
                }
            }
            Processor::Hook(stride, amount) => {
                for score in row.scores.iter_mut().step_by(*stride as usize) {
                    *score = T::of(score.get() + amount * history.len() as f64);
                }
            }
        }
    }
}

trait Scalar: Copy {
    fn of(value: f64) -> Self;
    fn get(self) -> f64;
}

impl Scalar for f32 {
    fn of(value: f64) -> f32 {
        value as f32
    }
    fn get(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    fn of(value: f64) -> f64 {
        value
    }
    fn get(self) -> f64 {
        self
    }
}

/// The tokens that a request permits.
#[derive(Clone, Debug)]
pub enum Permitted {
    /// Those that continue one of some sequences.
    Trie(Vec<Vec<u32>>),
    /// The same ones at every step.
    Mask(Vec<u32>),
    /// Those of the first 200 tokens whose sum with the number of generated ones
    /// is not divisible.
    Function(u32),
}

/// A request, to be built for the engine and for the oracle.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Beam width.
    pub beams: usize,
    /// The most tokens of a hypothesis.
    pub max_length: usize,
    /// Tokens that come before those that are generated.
    pub prompt: Vec<u32>,
    /// End tokens.
    pub ends: Vec<u32>,
    /// How hypotheses end and are compared.
    pub rules: Rules,
    /// Groups of beams, and the penalty of their diversity.
    pub groups: (usize, f64),
    /// Processors of the logits.
    pub before: Vec<Processor>,
    /// Processors of the log-probabilities.
    pub after: Vec<Processor>,
    /// The tokens that are permitted, by all of these, and what normalises their scores.
    pub constraints: Vec<(Permitted, Normaliser)>,
}

impl Spec {
    /// A request with end tokens and no more.
    pub fn plain(beams: usize, max_length: usize, ends: &[u32]) -> Spec {
        Spec {
            beams,
            max_length,
            prompt: Vec::new(),
            ends: ends.to_vec(),
            rules: Rules::plain(),
            groups: (1, 0.0),
            before: Vec::new(),
            after: Vec::new(),
            constraints: Vec::new(),
        }
    }

    /// The request as the engine takes it.
    pub fn engine(&self) -> Request {
        let mut request = Request::new(self.beams, MaximumLength(self.max_length))
            .with_prompt(self.prompt.clone())
            .with_end_tokens(self.ends.clone())
            .with_rules(self.rules)
            .with_diverse_groups(self.groups.0, self.groups.1);
        for processor in &self.before {
            request = processor.engine(request, true);
        }
        for processor in &self.after {
            request = processor.engine(request, false);
        }
        for (permitted, normaliser) in self.constraints.clone() {
            request = match permitted {
                Permitted::Trie(sequences) => {
                    request.with_constraint(TokenTrie::new(sequences), normaliser)
                }
                Permitted::Mask(tokens) => {
                    request.with_constraint(tokens.into_iter().collect::<TokenMask>(), normaliser)
                }
                Permitted::Function(divisor) => {
                    let constraint = Constraint::function(move |generated, mask| {
                        let tokens = (0..200u32)
                            .filter(|t| !(t + generated.len() as u32).is_multiple_of(divisor));
                        tokens.for_each(|token| mask.insert(token));
                    });
                    request.with_constraint(constraint, normaliser)
                }
            };
        }
        request
    }

    /// The request as the oracle takes it.
    pub fn oracle(&self) -> oracle::Request {
        let mut ends = self.ends.clone();
        ends.sort_unstable();
        ends.dedup();
        let mut request = oracle::Request {
            beams: self.beams,
            max_length: self.max_length,
            prompt: self.prompt.clone(),
            end_tokens: ends,
            rules: self.rules,
            groups: self.groups,
            before: Vec::new(),
            after: Vec::new(),
        };
        for processor in self.before.clone() {
            request
                .before
                .push(Box::new(move |place, row| processor.apply(place, row)));
        }
        for processor in self.after.clone() {
            request
                .after
                .push(Box::new(move |place, row| processor.apply(place, row)));
        }
        for (permitted, normaliser) in self.constraints.clone() {
            let tokens = move |place: &Place<'_>, vocab: usize| -> Vec<u32> {
                let generated = place.generated;
                let all = 0..vocab as u32;
                match &permitted {
                    Permitted::Mask(tokens) => tokens.clone(),
                    Permitted::Function(divisor) => all
                        .take(200)
                        .filter(|t| !(t + generated.len() as u32).is_multiple_of(*divisor))
                        .collect(),
                    Permitted::Trie(sequences) => all
                        .filter(|&token| {
                            let begins = |s: &Vec<u32>| {
                                s.starts_with(generated) && s.get(generated.len()) == Some(&token)
                            };
                            let ends = place.request.end_tokens.contains(&token)
                                && sequences.iter().any(|s| s == generated);
                            ends || sequences.iter().any(begins)
                        })
                        .collect(),
                }
            };
            match normaliser {
                Normaliser::Permitted => request.before.push(Box::new(move |place, row| {
                    let tokens = tokens(place, row.scores.len());
                    row.permit_only(tokens);
                })),
                Normaliser::WholeRow => request.after.push(Box::new(move |place, row| {
                    let tokens = tokens(place, row.scores.len());
                    row.permit_only(tokens);
                })),
            }
        }
        request
    }

    /// What the oracle finds.
    pub fn expected(&self, model: &Model) -> Vec<Found> {
        self.expected_in_steps(model).0
    }

    /// What the oracle finds, and how many steps it takes.
    pub fn expected_in_steps(&self, model: &Model) -> (Vec<Found>, usize) {
        let steps = Cell::new(0);
        let found = oracle::search(&self.oracle(), model.kind, &|history| {
            let generated = history.len() - self.prompt.len();
            steps.set(steps.get().max(generated + 1));
            model.scores(history)
        });
        (found, steps.get())
    }
}

/// What the engine has found, as the oracle says it.
pub fn found(outcome: Outcome<'_>) -> Vec<Found> {
    let own = |hypothesis: Completion<'_>| Found {
        tokens: hypothesis.tokens.to_vec(),
        token_scores: hypothesis.token_scores.to_vec(),
        log_probability: hypothesis.log_probability,
        score: hypothesis.score,
        finish: hypothesis.finish,
    };
    outcome.hypotheses().map(own).collect()
}

/// Scores the rows of the feed, having checked that the map of parents agrees
/// with the sequences of the step before.
pub fn score(
    search: &mut AutoregressiveSearch,
    before: &mut Vec<Vec<u32>>,
    model: impl Fn(RequestId, &[u32]) -> Vec<f32>,
) -> Vec<f32> {
    let feed = search.feed();
    let (mut sequences, mut data) = (Vec::new(), Vec::new());
    for (id, rows) in feed.requests() {
        for row in rows {
            let mut tokens = Vec::new();
            feed.sequence(row, &mut tokens);
            data.extend(model(id, &tokens));
            sequences.push(tokens);
        }
    }
    assert_eq!(sequences.len(), feed.rows());
    assert_eq!(feed.tokens().len(), feed.parents().len());
    for ((token, &parent), sequence) in feed.tokens().iter().zip(feed.parents()).zip(&sequences) {
        assert_eq!(sequence.last(), Some(token));
        assert_eq!(sequence[..sequence.len() - 1], before[parent as usize]);
    }
    let fresh = &sequences[feed.parents().len()..];
    assert!(feed.fresh().map(|(_, prompt)| prompt).eq(fresh.iter()));
    let in_place = (0..before.len() as u32).eq(feed.parents().iter().copied());
    assert_eq!(feed.is_identity(), in_place);
    *before = sequences;
    data
}

/// How many tokens all of them begin with.
fn shared<'a>(mut sequences: impl Iterator<Item = &'a [u32]>) -> usize {
    let first = sequences.next().unwrap_or_default();
    sequences.fold(first.len(), |length, tokens| {
        let pairs = first[..length].iter().zip(tokens);
        pairs.take_while(|(a, b)| a == b).count()
    })
}

/// What a request alone finds.
pub fn alone(spec: &Spec, model: &Model, level: Level) -> Vec<Found> {
    alone_in_steps(spec, model, level).0
}

/// What a request alone finds, and how many steps it takes.
pub fn alone_in_steps(spec: &Spec, model: &Model, level: Level) -> (Vec<Found>, usize) {
    let mut search = AutoregressiveSearch::new(model.vocab)
        .unwrap()
        .with_level(level)
        .unwrap();
    let id = search.admit(spec.engine()).unwrap();
    let mut before = Vec::new();
    let (mut prefix, mut shown) = (Vec::new(), Vec::new());
    let mut steps = 0;
    while !search.is_idle() {
        search.stable_prefix(id, &mut prefix);
        assert!(prefix.starts_with(&shown), "what was shown is taken back");
        std::mem::swap(&mut prefix, &mut shown);
        let data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
        let generated = before.iter().map(|tokens| &tokens[spec.prompt.len()..]);
        let live = shared(generated);
        match spec.ends.is_empty() {
            true => assert_eq!(shown.len(), live, "nothing else has finished"),
            false => assert!(shown.len() <= live),
        }
        search.advance(&model.view(&data)).unwrap();
        steps += 1;
    }
    let found = found(search.outcome(id).unwrap().unwrap());
    assert!(found.iter().all(|found| found.tokens.starts_with(&shown)));
    (found, steps)
}
