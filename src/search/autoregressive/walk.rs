//! The walk over a step's candidates, best first: which of them finish, which go on.
//!
//! With end tokens alone, and rules that look at ranks, the best K candidates suffice and
//! `Group::take` walks over them. This is the walk for everything else. Its parts stand apart
//! so that other orders of candidates can use them:
//!
//! ```text
//! candidates of the step, in the order of the walk     Expander::best_of
//! for each: does it end, does it go on?                Judge::judge (`fate.rs`)
//! in order: verdicts, until enough go on               Walker::visit
//! verdicts to the pool and to the next beams           Group::follow
//! ```
//!
//! Where any token may end a hypothesis (a predicate, complete sequences), fewer than k of the
//! best K candidates may go on. The walk then begins again with twice as many.

use super::candidates::Continuation;
use super::expand::{Expander, Step};
use super::fate::Judge;
use super::finish::Finish;
use super::request::Request;
use super::rules::EndRank;
use crate::error::Error;
use crate::memory::reserve;

/// What a candidate does. Those that do nothing have none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) candidate: Continuation,
    /// Why it finishes, if it does.
    pub(super) finish: Option<Finish>,
    pub(super) goes_on: bool,
}

/// Walks over candidates. Its memory is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Walker {
    /// The result of a step, in the order of the walk.
    pub(super) verdicts: Vec<Verdict>,
    /// The score of the best candidate.
    pub(super) leader: f64,
    /// Whether that one ends.
    pub(super) best_ends: bool,
    judge: Judge,
}

impl Walker {
    /// At most the bytes that the steps of a request take.
    pub(super) fn bytes_needed(request: &Request, vocab: usize) -> usize {
        if request.walks_plainly() {
            return 0;
        }
        let most = request.most_walked(vocab);
        // Where memory grows, it is doubled.
        let verdicts = most.saturating_mul(2 * size_of::<Verdict>());
        verdicts.saturating_add(Judge::bytes_needed(request, most))
    }

    /// Finds what becomes of the candidates of a step.
    ///
    /// # Errors
    ///
    /// Those of [`Expander::expand`].
    pub(super) fn walk(&mut self, expander: &mut Expander, step: &Step<'_>) -> Result<(), Error> {
        let request = step.request;
        let mut count = request.candidates();
        expander.read(step, count)?;
        loop {
            expander.best_of(step, 0..step.beams.len(), count)?;
            let candidates = &expander.candidates;
            self.judge.judge(step, candidates)?;
            let best = candidates.first();
            self.leader = best.map_or(f64::NEG_INFINITY, |best| best.score);
            let enough = self.visit(request, candidates)?;
            if enough || candidates.len() < count {
                return Ok(());
            }
            mark!("too few of the best candidates go on");
            count = count.saturating_mul(2);
        }
    }

    /// Goes over candidates that have been judged, in their order; whether as many go on as
    /// there are to be beams.
    fn visit(&mut self, request: &Request, candidates: &[Continuation]) -> Result<bool, Error> {
        let (width, most) = (request.width(), request.candidates());
        let end_rank = request.rules.end_rank;
        self.verdicts.clear();
        reserve(&mut self.verdicts, candidates.len(), "the walk of a step")?;
        let fates = &self.judge.fates;
        self.best_ends = fates.first().is_some_and(|fate| fate.ends.is_some());
        let mut going_on = 0;
        for (rank, (&candidate, fate)) in candidates.iter().zip(fates).enumerate() {
            if rank >= most && going_on >= width {
                break;
            }
            let may_finish = match end_rank {
                EndRank::WithinBeam => rank < width,
                EndRank::Any => rank < most,
            };
            let finish = fate.ends.filter(|_| may_finish);
            let goes_on = fate.goes_on && going_on < width;
            going_on += usize::from(goes_on);
            if finish.is_some() || goes_on {
                self.verdicts.push(Verdict {
                    candidate,
                    finish,
                    goes_on,
                });
            }
        }
        Ok(going_on >= width)
    }
}
