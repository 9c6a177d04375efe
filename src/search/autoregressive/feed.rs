//! What the model is fed next.

use std::ops::Range;

use super::slot::Slot;
use crate::error::Error;
use crate::memory::reserve;
use crate::request_id::RequestId;

/// The rows of the next step, in flat arrays.
#[derive(Debug, Default)]
pub(super) struct NextRows {
    pub(super) tokens: Vec<u32>,
    pub(super) parents: Vec<u32>,
    pub(super) rows: usize,
    is_identity: bool,
}

impl Clone for NextRows {
    /// With the room that is there for the rows of the next step.
    fn clone(&self) -> Self {
        let mut copy = NextRows {
            tokens: Vec::with_capacity(self.tokens.capacity()),
            parents: Vec::with_capacity(self.parents.capacity()),
            ..*self
        };
        copy.tokens.extend_from_slice(&self.tokens);
        copy.parents.extend_from_slice(&self.parents);
        copy
    }
}

impl NextRows {
    /// Makes room for so many rows that continue others.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, rows: usize) -> Result<(), Error> {
        for array in [&mut self.tokens, &mut self.parents] {
            let more = rows.saturating_sub(array.len());
            reserve(array, more, "the rows of the next step")?;
        }
        Ok(())
    }

    /// Lays out the rows of the running requests, after a step of `scored`
    /// rows.
    pub(super) fn lay_out(&mut self, slots: &mut [Slot], running: &[u32], scored: usize) {
        self.tokens.clear();
        self.parents.clear();
        self.rows = 0;
        for &slot in running {
            let slot = &mut slots[slot as usize];
            let start = self.rows;
            if slot.length == 0 {
                self.rows += 1;
            } else {
                for beam in slot.groups.iter().flat_map(|group| &group.beams) {
                    self.tokens.push(beam.token);
                    self.parents.push(beam.parent_row);
                    self.rows += 1;
                }
            }
            slot.rows = start..self.rows;
        }
        let in_place = |(row, &parent): (usize, &u32)| row == parent as usize;
        self.is_identity =
            self.parents.len() == scored && self.parents.iter().enumerate().all(in_place);
    }
}

/// The rows that the search wants scored next: those of one step, from
/// [`AutoregressiveSearch::feed`](super::AutoregressiveSearch::feed) to
/// [`AutoregressiveSearch::advance`](super::AutoregressiveSearch::advance).
///
/// First come the rows that continue a row of the step before, those of one
/// request side by side, best first; then one row for each request admitted
/// since, whose scores are the model's after its prompt. The caller
///
/// 1. puts the rows of its key-value cache in the order of
///    [`Feed::parents`], unless [`Feed::is_identity`];
/// 2. appends a row of cache for each request of [`Feed::fresh`], from its
///    prompt;
/// 3. runs the model on [`Feed::tokens`], and hands the scores of all rows to
///    [`AutoregressiveSearch::advance`](super::AutoregressiveSearch::advance).
///
/// Nothing changes the rows of a step once it has begun. Those of a request that is
/// removed meanwhile stay, and their scores are not looked at.
#[derive(Clone, Copy, Debug)]
pub struct Feed<'a> {
    pub(super) next_rows: &'a NextRows,
    pub(super) slots: &'a [Slot],
    pub(super) running: &'a [u32],
}

impl<'a> Feed<'a> {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.next_rows.rows
    }

    /// The token to feed for each continuing row.
    pub fn tokens(&self) -> &'a [u32] {
        &self.next_rows.tokens
    }

    /// For each continuing row, the row of the step before that it continues.
    pub fn parents(&self) -> &'a [u32] {
        &self.next_rows.parents
    }

    /// Whether each row of the step before is continued by the row of the same
    /// number, so that a cache is in order as it is.
    pub fn is_identity(&self) -> bool {
        self.next_rows.is_identity
    }

    /// Each request of the step and its rows, in order.
    pub fn requests(&self) -> impl Iterator<Item = (RequestId, Range<usize>)> + use<'a> {
        let slots = self.slots;
        self.running.iter().filter_map(move |&slot| {
            let slot = &slots[slot as usize];
            Some((slot.id?, slot.rows.clone()))
        })
    }

    /// Each request that has not been scored yet and its prompt, in the order
    /// of their rows, which are the last.
    pub fn fresh(&self) -> impl Iterator<Item = (RequestId, &'a [u32])> + use<'a> {
        let slots = self.slots;
        self.running.iter().filter_map(move |&slot| {
            let slot = &slots[slot as usize];
            (slot.length == 0).then_some((slot.id?, slot.fed_prompt()))
        })
    }

    /// Replaces the contents of `tokens` by the tokens of a row's hypothesis, prompt
    /// first: what a model without a cache reads.
    ///
    /// # Panics
    ///
    /// If there is no such row. The message says its index and the number of rows.
    #[track_caller]
    pub fn sequence(&self, row: usize, tokens: &mut Vec<u32>) {
        let rows = self.rows();
        assert!(
            row < rows,
            "row {row} is out of range: the number of rows is {rows}"
        );
        tokens.clear();
        let at = self
            .running
            .partition_point(|&slot| self.slots[slot as usize].rows.end <= row);
        let Some(&slot) = self.running.get(at) else {
            return;
        };
        let slot = &self.slots[slot as usize];
        tokens.extend_from_slice(slot.fed_prompt());
        if slot.length > 0 {
            let mut beams = slot.groups.iter().flat_map(|group| &group.beams);
            if let Some(beam) = beams.nth(row - slot.rows.start) {
                slot.tree.tokens_into(beam.node, tokens);
            }
        }
    }
}
