//! What a step of a group starts from.

use crate::request_id::RequestId;
use crate::scores::Row;
use crate::search::autoregressive::candidates::Continuation;
use crate::search::autoregressive::followed::Followed;
use crate::search::autoregressive::given::GivenTokens;
use crate::search::autoregressive::group::LiveHypothesis;
use crate::search::autoregressive::request::Request;
use crate::search::autoregressive::required::Progress;
use crate::search::autoregressive::scan::ScannedRows;
use crate::search::autoregressive::step_rows::{Given, StepRows, TokenScores};
use crate::search::autoregressive::tree::HypothesisTree;
use crate::simd::Dispatch;

/// What a step of a group starts from.
#[derive(Clone, Copy)]
pub(in crate::search::autoregressive) struct Step<'a> {
    pub(in crate::search::autoregressive) id: RequestId,
    pub(in crate::search::autoregressive) request: &'a Request,
    /// Whether anything changes its rows.
    pub(in crate::search::autoregressive) changes_rows: bool,
    pub(in crate::search::autoregressive) tree: &'a HypothesisTree,
    /// Tokens generated before this step.
    pub(in crate::search::autoregressive) length: usize,
    pub(in crate::search::autoregressive) beams: &'a [LiveHypothesis],
    /// What they have of the required words.
    pub(in crate::search::autoregressive) progress: &'a Progress,
    /// Where they stand in the constraints of the request.
    pub(in crate::search::autoregressive) followed: &'a [Followed],
    /// The rows of the batch.
    pub(in crate::search::autoregressive) rows: &'a StepRows<'a>,
    /// The row of the first beam among them: what errors name.
    pub(in crate::search::autoregressive) first_row: usize,
    /// What was found in the rows of the batch, unless only permitted tokens
    /// are looked at.
    pub(in crate::search::autoregressive) scanned: Option<&'a ScannedRows>,
    pub(in crate::search::autoregressive) dispatch: Dispatch,
}

impl<'a> Step<'a> {
    /// The scores of a beam's row, by place.
    #[inline]
    pub(in crate::search::autoregressive) fn row(&self, parent: usize) -> Row<'a> {
        self.rows.scores(self.first_row + parent)
    }

    /// The tokens of a beam's row by place, if not all are given.
    pub(in crate::search::autoregressive) fn given(&self, parent: usize) -> Option<&'a [u32]> {
        self.rows.given(self.first_row + parent)
    }

    /// The scores of a beam's row by token. Those that are given have been entered.
    pub(super) fn token_scores<'b>(&self, parent: usize, given: &'b GivenTokens) -> TokenScores<'b>
    where
        'a: 'b,
    {
        let places = given.places();
        let given = |tokens| Given { tokens, places };
        TokenScores {
            scores: self.row(parent),
            kind: self.rows.kind(),
            given: self.given(parent).map(given),
        }
    }

    /// The candidate of a token of a row, if it is possible.
    pub(super) fn continuation(
        &self,
        parent: usize,
        token: u32,
        log_probability: f64,
        value: f32,
    ) -> Option<Continuation> {
        let score = self.beams[parent].score + log_probability;
        (score > f64::NEG_INFINITY).then_some(Continuation {
            score,
            log_probability,
            parent: parent as u32,
            token,
            value,
        })
    }
}
