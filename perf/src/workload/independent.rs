//! Search over independent positions.

use std::hint::black_box;

use widebeam::measure::read_all;
use widebeam::{IndependentSearch, Level, NBest, ScoresView, reference};

use super::case::Case;
use super::contract::{Answer, Workload, wrong};
use super::values::Values;
use crate::console::failure::Failure;
use crate::synthetic::random_score;

pub(super) struct Independent {
    case: Case,
    values: Values,
    search: IndependentSearch,
    nbest: NBest,
}

impl Independent {
    pub(super) fn new(case: Case) -> Result<Self, Failure> {
        let mut search = IndependentSearch::new(case.beams)?;
        if let Some(level) = case.level {
            search = search.with_level(level)?;
        }
        let [_, _, vocab] = case.shape.0;
        Ok(Independent {
            case,
            values: Values::new(case.dtype, case.shape, |index| {
                random_score(case.kind, vocab, index as u64)
            })?,
            search,
            nbest: NBest::new(),
        })
    }

    fn scores(&self) -> Result<ScoresView<'_>, Failure> {
        self.values.view(self.case.kind, 0, self.case.shape)
    }
}

impl Workload for Independent {
    fn level(&self) -> Level {
        self.search.level()
    }

    fn bytes(&self) -> usize {
        self.case.estimated_bytes()
    }

    fn read(&self) -> Result<(), Failure> {
        black_box(read_all(&self.scores()?, Level::best())?);
        Ok(())
    }

    fn run(&mut self) -> Result<(), Failure> {
        let scores = self.values.view(self.case.kind, 0, self.case.shape)?;
        Ok(self.search.decode_into(&scores, &mut self.nbest)?)
    }

    /// Of independent positions, the best sequence is the best token of each:
    /// the first where some tie.
    fn found(&self) -> Result<Answer, Failure> {
        let scores = self.scores()?;
        for item in 0..scores.batch() {
            let best = self.nbest.best(item).map_or(&[][..], |best| best.tokens);
            if best.len() != scores.length(item) {
                return Err(wrong(format_args!("item {item} has no best sequence")));
            }
            for (step, &token) in best.iter().enumerate() {
                let values = reference::values(&scores, item, step);
                let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                if values.iter().position(|&value| value == largest) != Some(token as usize) {
                    return Err(wrong(format_args!("item {item}, step {step} of the best")));
                }
            }
        }
        Ok(answer(&self.nbest))
    }

    fn part(&mut self, items: usize, steps: usize) -> Result<Answer, Failure> {
        let scores = self.values.view(self.case.kind, 0, self.case.shape)?;
        let lengths = vec![steps; items];
        let scores = scores.items(0..items);
        let scores = scores.with_lengths(&lengths)?;
        Ok(answer(&self.search.decode(&scores)?))
    }

    fn reference(&self, items: usize, steps: usize) -> Result<Answer, Failure> {
        let lengths = vec![steps; items];
        let scores = self.scores()?.items(0..items);
        let scores = scores.with_lengths(&lengths)?;
        let found = reference::independent(&scores, self.case.beams).into_iter();
        let bits = |(tokens, score): (Vec<u32>, f64)| (tokens, score.to_bits());
        Ok(found
            .map(|item| item.into_iter().map(bits).collect())
            .collect())
    }
}

fn answer(nbest: &NBest) -> Answer {
    let item = |item: usize| {
        let bits = |found: widebeam::Hypothesis<'_>| (found.tokens.to_vec(), found.score.to_bits());
        nbest.item(item).map(bits).collect()
    };
    (0..nbest.len()).map(item).collect()
}
