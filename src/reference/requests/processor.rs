//! Processors, for the engine and for its oracle.

use crate::autoregressive::{
    ForcedFirst, ForcedLast, ForcedScore, MinimumLength, NoRepeatNgram, RepetitionPenalty, Request,
    RowScores, Suppress, processor_fn,
};
use crate::reference::autoregressive::{Place, Row};

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
    pub(super) fn apply<T: Scalar>(&self, place: &Place<'_>, row: &mut Row<T>) {
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

/// A score before the log-softmax or after it.
pub(super) trait Scalar: Copy {
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
