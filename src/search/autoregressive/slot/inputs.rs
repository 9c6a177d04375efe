//! What the requests of a step share.

use crate::scores::ScoresView;
use crate::search::autoregressive::expand::Expander;
use crate::search::autoregressive::sampling::Sampler;
use crate::search::autoregressive::scan::ScannedRows;
use crate::search::autoregressive::step_rows::StepRows;
use crate::search::autoregressive::walk::Walker;
use crate::simd::Dispatch;

/// Memory of the steps of all requests.
#[derive(Clone, Debug, Default)]
pub(in crate::search::autoregressive) struct StepMemory {
    pub(in crate::search::autoregressive) expander: Expander,
    pub(in crate::search::autoregressive) walker: Walker,
    pub(in crate::search::autoregressive) sampler: Sampler,
}

/// The rows of a step, and what was found in them.
#[derive(Clone, Copy, Debug)]
pub(in crate::search::autoregressive) struct StepInputs<'a> {
    pub(in crate::search::autoregressive) scores: &'a StepRows<'a>,
    pub(in crate::search::autoregressive) scanned: &'a ScannedRows,
    /// `[1, rows, sources]`, if the caller has handed it in.
    pub(in crate::search::autoregressive) attention: Option<&'a ScoresView<'a>>,
    pub(in crate::search::autoregressive) dispatch: Dispatch,
}
