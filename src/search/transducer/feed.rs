//! What the model computes next.

use std::ops::Range;

use crate::error::Error;
use crate::memory::reserve;
use crate::request_id::RequestId;

/// What a step of the predictor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictorInput {
    /// Nothing: the state before the first token.
    Start,
    /// A token, after the state of a slot.
    Token {
        /// The slot of the state that is continued.
        slot: u32,
        /// The token.
        token: u32,
    },
}

/// A step of the predictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PredictorStep {
    /// The request that it is for.
    pub request: RequestId,
    /// What it reads.
    pub input: PredictorInput,
    /// The slot that the new state goes to. No step of the same feed reads it.
    pub slot: u32,
}

/// A row of scores for the joiner to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JoinerRow {
    /// The request whose encoder output it reads.
    pub request: RequestId,
    /// The frame of the encoder output.
    pub frame: u32,
    /// The slot of the predictor's state.
    pub slot: u32,
}

/// What a step needs, in flat arrays.
#[derive(Debug, Default)]
pub(super) struct NextRows {
    pub(super) steps: Vec<PredictorStep>,
    pub(super) rows: Vec<JoinerRow>,
    pub(super) requests: Vec<(RequestId, Range<usize>)>,
    pub(super) slots: usize,
}

impl NextRows {
    /// Makes room for `more` rows of one request.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), Error> {
        let what = "the rows of the next step";
        reserve(&mut self.steps, more, what)?;
        reserve(&mut self.rows, more, what)?;
        reserve(&mut self.requests, 1, what)
    }

    pub(super) fn clear(&mut self) {
        self.steps.clear();
        self.rows.clear();
        self.requests.clear();
    }
}

/// What the search wants computed next: one step, from
/// [`TransducerSearch::feed`](super::TransducerSearch::feed) to
/// [`TransducerSearch::advance`](super::TransducerSearch::advance).
///
/// The caller keeps a state of the predictor in each slot, and
///
/// 1. makes room for [`Feed::slots`] of them;
/// 2. runs the predictor on [`Feed::predictor_steps`], all at once or one by one: each reads
///    the state of a slot and writes another, and none reads what another writes;
/// 3. runs the joiner on [`Feed::joiner_rows`], and hands the scores of all rows to
///    [`TransducerSearch::advance`](super::TransducerSearch::advance).
///
/// A slot is used again once no hypothesis needs its state. Nothing changes the rows of a step
/// once it has begun. Those of a request that is removed or finished meanwhile stay, and their
/// scores are not looked at.
#[derive(Clone, Copy, Debug)]
pub struct Feed<'a> {
    pub(super) next_rows: &'a NextRows,
}

impl<'a> Feed<'a> {
    /// The number of rows; 0 if no request wants any, because it waits for frames.
    pub fn rows(&self) -> usize {
        self.next_rows.rows.len()
    }

    /// The steps of the predictor.
    pub fn predictor_steps(&self) -> &'a [PredictorStep] {
        &self.next_rows.steps
    }

    /// The rows of the joiner, in the order of the scores: those of one request side by side,
    /// the best prefix first. Those of one request are all of one frame. The row of a frame
    /// and a prefix is asked for once.
    pub fn joiner_rows(&self) -> &'a [JoinerRow] {
        &self.next_rows.rows
    }

    /// Each request of the step and its rows, in order.
    pub fn requests(&self) -> impl ExactSizeIterator<Item = (RequestId, Range<usize>)> + use<'a> {
        self.next_rows.requests.iter().cloned()
    }

    /// How many slots there are by now: all that are named here, or were, lie below.
    pub fn slots(&self) -> usize {
        self.next_rows.slots
    }

    /// Whether each row reads the slot of its own number, so that the states are in order as
    /// they are.
    pub fn is_identity(&self) -> bool {
        let rows = self.next_rows.rows.iter().enumerate();
        rows.into_iter()
            .all(|(row, read)| read.slot as usize == row)
    }
}
