//! Search with a model in the loop, without the model.

use std::cell::Cell;
use std::hint::black_box;

use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request, RequestId, Rules};
use widebeam::measure::read_all;
use widebeam::{Level, reference};

use super::case::Case;
use super::contract::{Answer, Checked, Workload, wrong};
use super::steps::Steps;
use crate::console::failure::Failure;
use crate::synthetic::random_score;

pub(super) struct Autoregressive {
    case: Case,
    steps: Steps,
    search: AutoregressiveSearch,
    ids: Vec<RequestId>,
}

impl Autoregressive {
    pub(super) fn new(case: Case) -> Result<Self, Failure> {
        let [_, time, vocab] = case.shape.0;
        let mut search = AutoregressiveSearch::new(vocab)?;
        if let Some(level) = case.level {
            search = search.with_level(level)?;
        }
        // The search itself refuses impossible widths, before memory does.
        let id = search.admit(request(&case, time))?;
        search.remove(id);
        Ok(Autoregressive {
            case,
            steps: Steps::new(case, |index| random_score(case.kind, vocab, index))?,
            search,
            ids: Vec::new(),
        })
    }

    /// Runs `items` requests for `steps` steps.
    fn run_some(&mut self, items: usize, steps: usize) -> Result<(), Failure> {
        for id in self.ids.drain(..) {
            self.search.remove(id);
        }
        for _ in 0..items {
            self.ids
                .push(self.search.admit(request(&self.case, steps))?);
        }
        let mut step = 0;
        while !self.search.is_idle() {
            let rows = self.search.feed().rows();
            self.search.advance(&self.steps.view(step, rows)?)?;
            step += 1;
        }
        Ok(())
    }
}

/// Every request runs to its end, with all its beams.
fn request(case: &Case, steps: usize) -> Request {
    Request::new(case.beams, MaximumLength(steps)).with_rules(Rules::plain())
}

impl Workload for Autoregressive {
    fn level(&self) -> Level {
        self.search.level()
    }

    fn bytes(&self) -> usize {
        self.case.estimated_bytes()
    }

    fn read(&self) -> Result<(), Failure> {
        let [batch, time, vocab] = self.case.shape.0;
        let mut beams = 1;
        for step in 0..time {
            let scores = self.steps.view(step, batch * beams)?;
            black_box(read_all(&scores, Level::best())?);
            beams = (beams * vocab).min(self.case.beams);
        }
        Ok(())
    }

    fn run(&mut self) -> Result<(), Failure> {
        let [batch, time, _] = self.case.shape.0;
        self.run_some(batch, time)
    }

    fn answer(&self) -> Result<Answer, Failure> {
        let item = |(item, &id): (usize, &RequestId)| {
            let outcome = self.search.outcome(id)?;
            let outcome = outcome.ok_or_else(|| wrong(format_args!("item {item} is not done")))?;
            let bits = outcome
                .hypotheses()
                .map(|found| (found.tokens.to_vec(), found.score.to_bits()));
            Ok(bits.collect())
        };
        self.ids.iter().enumerate().map(item).collect()
    }

    /// Every request is done, which costs nothing to see. Its hypotheses are for the naive
    /// search to judge.
    fn check(&mut self, _budget: usize) -> Result<Checked, Failure> {
        let [all_items, all_steps, _] = self.case.shape.0;
        Ok(Checked {
            items: self.answer()?.len(),
            all_items,
            steps: 0,
            all_steps,
        })
    }

    fn part(&mut self, items: usize, steps: usize) -> Result<Answer, Failure> {
        self.run_some(items, steps)?;
        self.answer()
    }

    /// Of the first item alone: what follows it depends on how many beams it
    /// has.
    fn reference(&self, _items: usize, steps: usize) -> Result<Answer, Failure> {
        let Case { beams, kind, .. } = self.case;
        let request = reference::autoregressive::Request::new(beams, steps);
        let failed = Cell::new(None);
        // The reference asks for the rows of a step in the order of its beams.
        let (step, rank) = (Cell::new(0), Cell::new(0));
        let model = |history: &[u32]| {
            if history.len() != step.get() {
                step.set(history.len());
                rank.set(0);
            }
            let row = rank.replace(rank.get() + 1);
            match self.steps.view(step.get(), row + 1) {
                Ok(scores) => reference::values(&scores, 0, row),
                Err(failure) => {
                    failed.set(Some(failure));
                    vec![0.0; self.search.vocab()]
                }
            }
        };
        let found = reference::autoregressive::search(&request, kind, &model);
        if let Some(failure) = failed.take() {
            return Err(failure);
        }
        let bits = found
            .into_iter()
            .map(|found| (found.tokens, found.score.to_bits()));
        Ok(vec![bits.collect()])
    }
}
