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

use super::candidates::{Continuation, compare};
use super::expand::{Expander, Step};
use super::fate::{Fate, Judge};
use super::finish::Finish;
use super::request::Request;
use super::rules::EndRank;
use super::sampling::{Drawn, Sampler};
use super::tree::ROOT;
use crate::error::Error;
use crate::memory::reserve;

/// What a candidate does. Those that do nothing have none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) candidate: Continuation,
    /// Why it finishes, if it does.
    pub(super) finish: Option<Finish>,
    pub(super) goes_on: bool,
    /// Its node, once it has one.
    pub(super) node: u32,
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
    candidates: Vec<Continuation>,
    /// The last of the best 2k candidates of each row, if it has more.
    last_of_rows: Vec<Option<Continuation>>,
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
        let each = size_of::<Verdict>() + size_of::<Continuation>();
        let row = size_of::<Option<Continuation>>();
        let verdicts = most.saturating_mul(2 * each);
        let verdicts = verdicts.saturating_add(request.most_beams().saturating_mul(2 * row));
        verdicts.saturating_add(Judge::bytes_needed(request, most))
    }

    /// Finds what becomes of the candidates of a step.
    ///
    /// # Errors
    ///
    /// Those of [`Expander::expand`].
    pub(super) fn walk(&mut self, expander: &mut Expander, step: &Step<'_>) -> Result<(), Error> {
        let request = step.request;
        let mut count = request.candidates(step.length + 1);
        expander.read(step, count)?;
        loop {
            let all = if request.rules.end_rank == EndRank::WithinRow {
                self.find_with_rows(expander, step, count)?
            } else {
                expander.best_of(step, 0..step.beams.len(), count)?;
                std::mem::swap(&mut self.candidates, &mut expander.candidates);
                self.candidates.len() < count
            };
            self.judge.judge(step, &self.candidates)?;
            let best = self.candidates.first();
            self.leader = best.map_or(f64::NEG_INFINITY, |best| best.score);
            if self.visit(step, count)? || all {
                return Ok(());
            }
            mark!("too few of the best candidates go on");
            count = count.saturating_mul(2);
        }
    }

    /// Finds what becomes of the candidates of a step that are drawn, in their order.
    ///
    /// # Errors
    ///
    /// Those of [`Sampler::draw`].
    pub(super) fn walk_drawn(
        &mut self,
        sampler: &mut Sampler,
        step: &Step<'_>,
    ) -> Result<(), Error> {
        let most = step.request.candidates(step.length + 1);
        let mut count = most;
        loop {
            let more = sampler.draw(step, count)?;
            self.judge_drawn(&sampler.drawn, step)?;
            let scores = self.candidates.iter().take(most);
            let scores = scores.map(|candidate| candidate.score);
            self.leader = scores.fold(f64::NEG_INFINITY, f64::max);
            if self.visit(step, usize::MAX)? || !more {
                return Ok(());
            }
            count = count.saturating_mul(2);
        }
    }

    /// The fates of drawn candidates.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn judge_drawn(
        &mut self,
        drawn: &[Drawn],
        step: &Step<'_>,
    ) -> Result<&[Fate], Error> {
        self.candidates.clear();
        reserve(&mut self.candidates, drawn.len(), "the walk of a step")?;
        self.candidates
            .extend(drawn.iter().map(|drawn| drawn.candidate));
        self.judge.judge(step, &self.candidates)?;
        Ok(&self.judge.fates)
    }

    /// Finds the best `count` candidates and, beside them, the best 2k of each row; whether the
    /// former are all that there are.
    fn find_with_rows(
        &mut self,
        expander: &mut Expander,
        step: &Step<'_>,
        count: usize,
    ) -> Result<bool, Error> {
        let what = "the walk of a step";
        let rows = step.beams.len();
        let best = step.request.width(step.length + 1).saturating_mul(2);
        self.candidates.clear();
        self.last_of_rows.clear();
        reserve(&mut self.last_of_rows, rows, what)?;
        for parent in 0..rows {
            expander.best_of(step, parent..parent + 1, best)?;
            let of_row = &expander.candidates;
            let cut = of_row.len() >= best;
            self.last_of_rows
                .push(of_row.last().copied().filter(|_| cut));
            reserve(&mut self.candidates, of_row.len(), what)?;
            self.candidates.extend_from_slice(of_row);
        }
        expander.best_of(step, 0..rows, count)?;
        reserve(&mut self.candidates, expander.candidates.len(), what)?;
        let last_of_rows = &self.last_of_rows;
        let others = expander.candidates.iter();
        let others = others.filter(|candidate| !is_within(last_of_rows, candidate));
        self.candidates.extend(others);
        self.candidates.sort_unstable_by(compare);
        Ok(expander.candidates.len() < count)
    }

    /// Goes over candidates that have been judged, in their order, of which the first `sure` are
    /// the best of the step; whether as many go on as there are to be beams.
    fn visit(&mut self, step: &Step<'_>, sure: usize) -> Result<bool, Error> {
        let (request, length) = (step.request, step.length + 1);
        let (width, most) = (request.width(length), request.candidates(length));
        let end_rank = request.rules.end_rank;
        self.verdicts.clear();
        let what = "the walk of a step";
        reserve(&mut self.verdicts, self.candidates.len(), what)?;
        let fates = &self.judge.fates;
        self.best_ends = fates.first().is_some_and(|fate| fate.ends.is_some());
        let mut going_on = 0;
        for (rank, (&candidate, fate)) in self.candidates.iter().zip(fates).enumerate() {
            if rank >= most && going_on >= width && end_rank != EndRank::WithinRow {
                break;
            }
            let may_finish = || match end_rank {
                EndRank::WithinBeam => rank < width,
                EndRank::Any => rank < most,
                EndRank::BeforeLastBeam => going_on < width,
                EndRank::WithinRow => is_within(&self.last_of_rows, &candidate),
            };
            let finish = fate.ends.filter(|_| may_finish());
            // Of those that are drawn the best by score are the next beams.
            let may_go_on = going_on < width || request.sampling.is_some();
            let goes_on = fate.goes_on && may_go_on && rank < sure;
            going_on += usize::from(goes_on);
            if finish.is_some() || goes_on {
                self.verdicts.push(Verdict {
                    candidate,
                    finish,
                    goes_on,
                    node: ROOT,
                });
            }
        }
        Ok(going_on >= width)
    }
}

/// Whether a candidate is one of the best 2k of its row, given the last of these.
fn is_within(last_of_rows: &[Option<Continuation>], candidate: &Continuation) -> bool {
    let last = &last_of_rows[candidate.parent as usize];
    last.is_none_or(|last| compare(candidate, &last).is_le())
}
