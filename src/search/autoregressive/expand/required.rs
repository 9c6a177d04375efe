//! Required words: which tokens come too early, and the banks that candidates belong to.

use super::{Expander, Step};
use crate::error::Error;
use crate::memory::reserve;
use crate::search::autoregressive::candidates::Continuation;
use crate::search::autoregressive::processors::RowScores;

/// Forbids the tokens of a row that would end its hypothesis too early, or leave too little room
/// for what is missing. Tokens after which more may be missing than after any other, or less,
/// are then candidates of their own.
pub(super) fn forbid_early_ends(step: &Step<'_>, parent: usize, row: &mut RowScores<'_>) {
    let request = step.request;
    let required = &request.required;
    let progress = step.progress.of(parent);
    let room = request.max_length - (step.length + 1);
    let special = || required.tokens().iter().chain(&request.ending_tokens);
    if required.missing_after_others(progress) > room {
        row.permit_only(special().copied());
    }
    for &token in special() {
        let missing = required.missing_after(progress, token);
        if missing > room || (missing > 0 && ends(step, parent, token)) {
            row.forbid(token);
        } else {
            row.set(token, row.get(token));
        }
    }
}

/// Whether a token is known to end the hypothesis of a row.
fn ends(step: &Step<'_>, parent: usize, token: u32) -> bool {
    let request = step.request;
    let node = step.beams[parent].node;
    request.end_tokens.binary_search(&token).is_ok()
        || request.ends.stop(step.tree, node, token).is_some()
}

impl Step<'_> {
    /// How many tokens are missing after a candidate.
    pub(in crate::search::autoregressive) fn bank(&self, candidate: &Continuation) -> usize {
        let progress = self.progress.of(candidate.parent as usize);
        let required = &self.request.required;
        required.missing_after(progress, candidate.token)
    }
}

impl Expander {
    /// Notes the banks of a row's processed candidates; returns that of all others.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn note_banks(&mut self, step: &Step<'_>, parent: usize) -> Result<usize, Error> {
        let required = &step.request.required;
        if required.is_empty() {
            return Ok(0);
        }
        let fresh = &self.processed[self.processed_banks.len()..];
        reserve(
            &mut self.processed_banks,
            fresh.len(),
            "the banks of a step",
        )?;
        let banks = fresh.iter().map(|candidate| step.bank(candidate));
        self.processed_banks.extend(banks);
        Ok(required.missing_after_others(step.progress.of(parent)))
    }

    /// Replaces a list by the banks that candidates of the step belong to, ascending.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(in crate::search::autoregressive) fn list_banks(
        &self,
        banks: &mut Vec<usize>,
    ) -> Result<(), Error> {
        banks.clear();
        let most = self.processed_banks.len() + self.terms.len();
        reserve(banks, most, "the banks of a step")?;
        banks.extend_from_slice(&self.processed_banks);
        let rows = self.terms.iter().filter(|terms| !terms.only);
        banks.extend(rows.map(|terms| terms.bank));
        banks.sort_unstable();
        banks.dedup();
        Ok(())
    }
}
