//! The rows of one step, dense or sparse.

use crate::scores::{Row, ScoreKind, ScoresView, SparseScoresView};

/// The scores of a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum StepRows<'a> {
    /// Those of all tokens, of shape `[1, rows, vocab]`.
    Dense(ScoresView<'a>),
    /// Those of some tokens of each row.
    Sparse(SparseScoresView<'a>),
}

impl<'a> StepRows<'a> {
    #[inline]
    pub(super) fn kind(&self) -> ScoreKind {
        match self {
            StepRows::Dense(scores) => scores.kind(),
            StepRows::Sparse(scores) => scores.kind(),
        }
    }

    /// Tokens that there are, given or not.
    #[inline]
    pub(super) fn vocab(&self) -> usize {
        match self {
            StepRows::Dense(scores) => scores.vocab(),
            StepRows::Sparse(scores) => scores.vocab(),
        }
    }

    /// The scores of a row, by place: that of token t at place t, or those of the tokens
    /// that are given.
    #[inline]
    pub(super) fn scores(&self, row: usize) -> Row<'a> {
        match self {
            StepRows::Dense(scores) => scores.row(0, row),
            StepRows::Sparse(scores) => scores.scores(row),
        }
    }

    /// The tokens of a row by place, if not all are given.
    #[inline]
    pub(super) fn given(&self, row: usize) -> Option<&'a [u32]> {
        match self {
            StepRows::Dense(_) => None,
            StepRows::Sparse(scores) => Some(scores.tokens(row)),
        }
    }
}

/// The tokens that are given of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'a> {
    /// By place.
    pub(super) tokens: &'a [u32],
    /// For each token of the vocabulary, one past its place, or 0.
    pub(super) places: &'a [u32],
}

/// The scores of one row by token.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenScores<'a> {
    /// By place.
    pub(super) scores: Row<'a>,
    pub(super) kind: ScoreKind,
    /// If not all tokens are.
    pub(super) given: Option<Given<'a>>,
}

impl TokenScores<'_> {
    /// The score of a token of the vocabulary; the impossible one if it is not given.
    pub(super) fn get(&self, token: u32) -> f32 {
        let place = match self.given {
            None => return self.scores.get(token as usize),
            Some(given) => given.places[token as usize].checked_sub(1),
        };
        match place {
            Some(place) => self.scores.get(place as usize),
            None => self.kind.impossible(),
        }
    }
}
