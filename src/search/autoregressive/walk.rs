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
//!
//! With required words there is a walk over the candidates of each bank, those after which as
//! many tokens are missing, and the beam is shared out between what goes on of all banks.

use super::banks::Banks;
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
    /// The score of the best candidate; -infinity if there is none.
    pub(super) leader: f64,
    /// Whether that one ends.
    pub(super) best_ends: bool,
    candidates: Vec<Continuation>,
    /// The best candidate of all banks so far.
    best: Option<Continuation>,
    banks: Vec<usize>,
    /// What goes on of each bank, if words are required.
    shares: Banks,
    /// Those of the best 2k candidates of each row that may end, where ranks within rows matter.
    best_of_rows: Vec<Continuation>,
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
        let most = request.most_looked_at(vocab);
        // Where memory grows, it is doubled.
        let row = size_of::<Option<Continuation>>();
        let verdicts = most.saturating_mul(2 * size_of::<Verdict>());
        // They change places with those of the expander.
        let candidates = Expander::most_candidates(request, vocab).max(most);
        let candidates = candidates.saturating_mul(2 * size_of::<Continuation>());
        let verdicts = verdicts.saturating_add(candidates);
        let verdicts = verdicts.saturating_add(request.most_beams().saturating_mul(2 * row));
        let shares = match request.required.is_empty() {
            true => 0,
            // As many banks as tokens that may be missing, and one of none.
            false => {
                let banks = request.required.missing_at_first() + 1;
                Banks::bytes_needed(banks.saturating_mul(request.most_beams()))
            }
        };
        let bytes = verdicts.saturating_add(Judge::bytes_needed(request, most));
        bytes.saturating_add(shares)
    }

    /// Finds what becomes of the candidates of a step.
    ///
    /// # Errors
    ///
    /// Those of [`Expander::expand`].
    pub(super) fn walk(&mut self, expander: &mut Expander, step: &Step<'_>) -> Result<(), Error> {
        let (request, length) = (step.request, step.length + 1);
        expander.read(step, request.candidates(length))?;
        self.verdicts.clear();
        (self.best, self.best_ends) = (None, false);
        if request.rules.end_rank == EndRank::WithinRow {
            self.find_best_of_rows(expander, step)?;
        }
        if request.required.is_empty() {
            self.walk_bank(expander, step, None)?;
        } else {
            self.shares.clear();
            expander.list_banks(&mut self.banks)?;
            for index in 0..self.banks.len() {
                self.walk_bank(expander, step, Some(self.banks[index]))?;
            }
            let width = request.width(length);
            reserve(&mut self.verdicts, width, "the walk of a step")?;
            let next = self.shares.share_out(width);
            self.verdicts.extend(next.map(|candidate| Verdict {
                candidate,
                finish: None,
                goes_on: true,
                node: ROOT,
            }));
        }
        self.leader = self.best.map_or(f64::NEG_INFINITY, |best| best.score);
        Ok(())
    }

    /// Walks over the candidates of a bank, or over all of them.
    fn walk_bank(
        &mut self,
        expander: &mut Expander,
        step: &Step<'_>,
        bank: Option<usize>,
    ) -> Result<(), Error> {
        let request = step.request;
        let before = self.verdicts.len();
        let mut count = request.candidates(step.length + 1);
        if bank.is_some() {
            self.shares.begin(request.width(step.length + 1))?;
        }
        // Where no token may follow a candidate, those behind the best neither go on nor finish.
        let by_rank = matches!(request.rules.end_rank, EndRank::WithinBeam | EndRank::Any);
        let none_goes_on = by_rank && !expander.may_go_on;
        loop {
            expander.best_of(step, 0..step.beams.len(), bank, count)?;
            let all = expander.candidates.len() < count || none_goes_on;
            if request.rules.end_rank == EndRank::WithinRow {
                self.add_best_of_rows(expander, step, bank)?;
            } else {
                std::mem::swap(&mut self.candidates, &mut expander.candidates);
            }
            self.judge.judge(step, &self.candidates)?;
            self.verdicts.truncate(before);
            if self.visit(step, bank.is_some(), count)? || all {
                if none_goes_on {
                    mark!("no token may follow the candidates of a step");
                }
                break;
            }
            mark!("too few of the best candidates go on");
            count = count.saturating_mul(2);
        }
        if let Some(first) = self.candidates.first()
            && self.best.is_none_or(|best| compare(first, &best).is_lt())
        {
            self.best = Some(*first);
            self.best_ends = self.judge.fates[0].ends.is_some();
        }
        Ok(())
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
            self.verdicts.clear();
            let enough = self.visit(step, false, usize::MAX)?;
            self.best_ends = self
                .judge
                .fates
                .first()
                .is_some_and(|fate| fate.ends.is_some());
            if enough || !more {
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

    /// Finds which of the best 2k candidates of each row may end.
    fn find_best_of_rows(&mut self, expander: &mut Expander, step: &Step<'_>) -> Result<(), Error> {
        let what = "the walk of a step";
        let rows = step.beams.len();
        let best = step.request.width(step.length + 1).saturating_mul(2);
        self.best_of_rows.clear();
        self.last_of_rows.clear();
        reserve(&mut self.last_of_rows, rows, what)?;
        for parent in 0..rows {
            expander.best_of(step, parent..parent + 1, None, best)?;
            let of_row = &expander.candidates;
            let cut = of_row.len() >= best;
            self.last_of_rows
                .push(of_row.last().copied().filter(|_| cut));
            let may_end = of_row
                .iter()
                .filter(|one| step.request.may_end_with(one.token));
            reserve(&mut self.best_of_rows, may_end.clone().count(), what)?;
            self.best_of_rows.extend(may_end);
        }
        Ok(())
    }

    /// Puts together the best candidates of the step, and those of each row that may end, of a
    /// bank or of all.
    fn add_best_of_rows(
        &mut self,
        expander: &Expander,
        step: &Step<'_>,
        bank: Option<usize>,
    ) -> Result<(), Error> {
        self.candidates.clear();
        let (of_rows, found) = (&self.best_of_rows, &expander.candidates);
        let most = of_rows.len() + found.len();
        reserve(&mut self.candidates, most, "the walk of a step")?;
        let in_bank =
            |candidate: &&Continuation| bank.is_none_or(|bank| step.bank(candidate) == bank);
        self.candidates.extend(of_rows.iter().filter(in_bank));
        let last_of_rows = &self.last_of_rows;
        let others = found.iter().filter(|candidate| {
            !(step.request.may_end_with(candidate.token) && is_within(last_of_rows, candidate))
        });
        self.candidates.extend(others);
        self.candidates.sort_unstable_by(compare);
        Ok(())
    }

    /// Goes over candidates that have been judged, in their order, of which the first `sure` are
    /// the best of the step or of their bank; whether as many go on as there are to be beams.
    /// Those of a bank go on if they get a share.
    fn visit(&mut self, step: &Step<'_>, is_bank: bool, sure: usize) -> Result<bool, Error> {
        let (request, length) = (step.request, step.length + 1);
        let (width, most) = (request.width(length), request.candidates(length));
        let end_rank = request.rules.end_rank;
        let what = "the walk of a step";
        reserve(&mut self.verdicts, self.candidates.len(), what)?;
        let fates = &self.judge.fates;
        if is_bank {
            self.shares.begin_again();
        }
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
            let goes_on = match goes_on && is_bank {
                true => {
                    self.shares.add(candidate);
                    false
                }
                false => goes_on,
            };
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
