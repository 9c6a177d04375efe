//! Transducer search with one symbol a frame, so that the number of rows does not depend on
//! their scores; without the predictor and the joiner.

use std::cell::{Cell, RefCell};
use std::hint::black_box;

use widebeam::measure::read_all;
use widebeam::reference::transducer as naive;
use widebeam::scorers::Unscored;
use widebeam::transducer::{Blank, RequestId, Topology, TransducerSearch};
use widebeam::{Level, reference};

use super::case::Case;
use super::contract::{Answer, Checked, Workload, wrong};
use super::steps::Steps;
use crate::console::failure::Failure;
use crate::synthetic::random_emission;

/// The blank of the synthetic emissions.
const BLANK: u32 = 0;

pub(super) struct Transducer {
    case: Case,
    steps: Steps,
    search: TransducerSearch,
    ids: Vec<RequestId>,
}

impl Transducer {
    pub(super) fn new(case: Case) -> Result<Self, Failure> {
        let [_, _, vocab] = case.shape.0;
        let search = TransducerSearch::new(vocab, Blank(BLANK), case.beams)?;
        let mut search = search.with_topology(Topology::OneSymbol)?;
        if let Some(level) = case.level {
            search = search.with_level(level)?;
        }
        Ok(Transducer {
            case,
            steps: Steps::new(case, |index| random_emission(case.kind, vocab, index))?,
            search,
            ids: Vec::new(),
        })
    }

    /// Decodes `items` utterances of `frames` frames.
    fn run_some(&mut self, items: usize, frames: usize) -> Result<(), Failure> {
        for id in self.ids.drain(..) {
            self.search.remove(id);
        }
        for _ in 0..items {
            self.ids.push(self.search.admit(frames)?);
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

impl Workload for Transducer {
    fn level(&self) -> Level {
        self.search.level()
    }

    fn bytes(&self) -> usize {
        self.case.estimated_bytes()
    }

    fn read(&self) -> Result<(), Failure> {
        let [batch, time, vocab] = self.case.shape.0;
        let mut prefixes = 1;
        for step in 0..time {
            let scores = self.steps.view(step, batch * prefixes)?;
            black_box(read_all(&scores, Level::best())?);
            // The blank changes none.
            prefixes = (prefixes * (vocab - 1) + 1).min(self.case.beams);
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

    /// Every utterance is done, which costs nothing to see. Its hypotheses are for the naive
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

    /// Of the first item alone: what follows it depends on how many prefixes it has.
    fn reference(&self, _items: usize, steps: usize) -> Result<Answer, Failure> {
        let settings = naive::Settings {
            beams: self.case.beams,
            blank: BLANK,
            topology: naive::Topology::OneSymbol,
            commit_delay: None,
            divide_by_length: false,
            nbest: self.case.beams,
        };
        let failed = RefCell::new(None);
        // The reference asks for the rows of a frame in the order of its prefixes.
        let (step, rank) = (Cell::new(0), Cell::new(0));
        let mut joiner = |frame: usize, _: &[u32]| {
            if frame != step.get() {
                step.set(frame);
                rank.set(0);
            }
            let row = rank.replace(rank.get() + 1);
            match self.steps.view(frame, row + 1) {
                Ok(scores) => reference::values(&scores, 0, row),
                Err(failure) => {
                    failed.replace(Some(failure));
                    vec![0.0; self.search.vocab()]
                }
            }
        };
        let found = naive::search(&settings, self.case.kind, steps, &mut joiner, &Unscored);
        if let Some(failure) = failed.take() {
            return Err(failure);
        }
        let found = found.map_err(|invalid| wrong(format_args!("{invalid:?}")))?;
        let bits = found
            .into_iter()
            .map(|found| (found.tokens, found.score.to_bits()));
        Ok(vec![bits.collect()])
    }
}
