//! What a step of a group starts from.

use crate::request_id::RequestId;
use crate::scores::ScoresView;
use crate::search::autoregressive::candidates::Continuation;
use crate::search::autoregressive::group::LiveHypothesis;
use crate::search::autoregressive::request::Request;
use crate::search::autoregressive::scan::ScannedRows;
use crate::search::autoregressive::tree::HypothesisTree;
use crate::simd::Dispatch;

/// What a step of a group starts from.
#[derive(Clone, Copy)]
pub(in crate::search::autoregressive) struct Step<'a> {
    pub(in crate::search::autoregressive) id: RequestId,
    pub(in crate::search::autoregressive) request: &'a Request,
    pub(in crate::search::autoregressive) tree: &'a HypothesisTree,
    /// Tokens generated before this step.
    pub(in crate::search::autoregressive) length: usize,
    pub(in crate::search::autoregressive) beams: &'a [LiveHypothesis],
    /// The rows of the beams, `[1, beams, vocab]`.
    pub(in crate::search::autoregressive) rows: ScoresView<'a>,
    /// The first of them among the rows of the batch: what errors name.
    pub(in crate::search::autoregressive) first_row: usize,
    /// What was found in the rows of the batch, unless only permitted tokens
    /// are looked at.
    pub(in crate::search::autoregressive) scanned: Option<&'a ScannedRows>,
    pub(in crate::search::autoregressive) dispatch: Dispatch,
}

impl Step<'_> {
    /// The candidate of a token of a row, if it is possible.
    pub(super) fn continuation(
        &self,
        parent: usize,
        token: u32,
        log_probability: f64,
    ) -> Option<Continuation> {
        let score = self.beams[parent].score + log_probability;
        (score > f64::NEG_INFINITY).then_some(Continuation {
            score,
            log_probability,
            parent: parent as u32,
            token,
        })
    }
}
