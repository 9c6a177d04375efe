//! The model's own log-probabilities, of rows as they were read.

use super::candidates::Continuation;
use super::scan::ScannedRows;
use crate::kernels::log_probability;
use crate::scores::ScoreKind;

/// The rows of a group's step as they were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnScores<'a> {
    pub(super) kind: ScoreKind,
    /// The first of them among the rows of the batch.
    pub(super) first_row: usize,
    /// What was found in the rows of the batch; logits need it.
    pub(super) scanned: Option<&'a ScannedRows>,
}

impl OwnScores<'_> {
    /// The log-probability of a candidate's token, as the model says.
    pub(super) fn of(&self, candidate: &Continuation) -> f64 {
        let row = self.first_row + candidate.parent as usize;
        let scanned = self.scanned.and_then(|scanned| scanned.row(row));
        let normaliser = scanned.map_or(0.0, |row| row.normaliser);
        log_probability(self.kind, candidate.value, normaliser)
    }
}
