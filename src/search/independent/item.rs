//! The search of one item.

use super::growth::Growth;
use crate::cancellation::{Cancellation, Interrupt, Watch};
use crate::error::Error;
use crate::memory::reserve;
use crate::scores::ScoresView;
use crate::search::merge::Merge;
use crate::search::shortlist::{Shortlist, Shortlists};
use crate::trellis::Trellis;

/// What a thread keeps from item to item.
#[derive(Debug, Default)]
pub(super) struct OfThread {
    pub(super) merge: Merge,
    watch: Watch,
}

/// What is the same for all items of a call.
pub(super) struct Call<'a> {
    pub(super) scores: &'a ScoresView<'a>,
    pub(super) beams: usize,
    pub(super) shortlists: &'a Shortlists,
    pub(super) cancellation: &'a Cancellation,
}

/// Steps of an item from one look at the token to the next. A step of many beams looks at it
/// in between.
const STEPS: usize = 16;

/// The search of one item.
#[derive(Debug, Default)]
pub(super) struct ItemSearch {
    pub(super) trellis: Trellis,
    /// Scores of the beam, best first.
    pub(super) scores: Vec<f64>,
    pub(super) next_scores: Vec<f64>,
    /// Why there is no result.
    pub(super) outcome: Option<Error>,
}

impl ItemSearch {
    /// Makes room for a search of `steps` steps with rows of `width` tokens.
    /// Returns how wide the beam can become, which is how wide it can be at the
    /// end.
    pub(super) fn reserve(
        &mut self,
        beams: usize,
        width: usize,
        steps: usize,
    ) -> Result<usize, Error> {
        let Growth { beam, nodes } = Growth::of(beams, width, steps);
        self.trellis.clear();
        self.trellis.reserve(steps, nodes)?;
        self.scores.clear();
        self.next_scores.clear();
        let what = "the scores of the beam";
        reserve(&mut self.scores, beam, what)?;
        reserve(&mut self.next_scores, beam, what)?;
        Ok(beam)
    }

    /// Searches the item.
    ///
    /// # Errors
    ///
    /// If the search is cancelled: at the step that comes after those of the trellis.
    pub(super) fn run(
        &mut self,
        item: usize,
        call: &Call<'_>,
        thread: &mut OfThread,
    ) -> Result<(), Interrupt> {
        self.trellis.clear();
        self.scores.clear();
        self.scores.push(0.0);
        self.outcome = None;
        for step in 0..call.scores.length(item) {
            if step % STEPS == 0 {
                thread.watch.look(call.cancellation)?;
            }
            let Some(row) = call.shortlists.get(item, step) else {
                mark!("an item of independent positions is refused");
                self.outcome = Some(call.scores.invalid_score(item, step));
                break;
            };
            self.step(row, call, thread)?;
        }
        Ok(())
    }

    /// Replaces the beam by the best of its continuations.
    fn step(
        &mut self,
        row: Shortlist<'_>,
        call: &Call<'_>,
        thread: &mut OfThread,
    ) -> Result<(), Interrupt> {
        let pairs = self.scores.len().saturating_mul(row.tokens.len());
        let count = pairs.min(call.beams);
        self.next_scores.clear();
        if count > 0 {
            let (trellis, next_scores) = (&mut self.trellis, &mut self.next_scores);
            let (OfThread { merge, watch }, mut seen) = (thread, Ok(()));
            let goes_on = || {
                seen = watch.look(call.cancellation);
                seen.is_ok()
            };
            merge.best(
                count,
                &self.scores,
                row.log_probabilities,
                goes_on,
                |best| {
                    trellis.push(best.parent, row.tokens[best.rank as usize]);
                    next_scores.push(best.score);
                },
            );
            seen?;
        }
        self.trellis.end_step();
        std::mem::swap(&mut self.scores, &mut self.next_scores);
        Ok(())
    }
}
