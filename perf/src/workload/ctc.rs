//! CTC prefix search.

use std::hint::black_box;

use widebeam::measure::read_all;
use widebeam::{CtcNBest, CtcPruning, CtcSearch, Level, ScoresView, Unscored, reference};

use super::case::Case;
use super::contract::{Answer, Workload, wrong};
use super::values::Values;
use crate::console::failure::Failure;
use crate::synthetic::random_emission;

/// The blank of the synthetic emissions.
const BLANK: u32 = 0;

pub(super) struct Ctc {
    case: Case,
    values: Values,
    search: CtcSearch,
    nbest: CtcNBest,
}

impl Ctc {
    pub(super) fn new(case: Case) -> Result<Self, Failure> {
        let mut search = CtcSearch::new(case.beams, BLANK)?;
        if let Some(level) = case.level {
            search = search.with_level(level)?;
        }
        let [_, _, vocab] = case.shape.0;
        Ok(Ctc {
            case,
            values: Values::new(case.dtype, case.shape, |index| {
                random_emission(case.kind, vocab, index as u64)
            })?,
            search,
            nbest: CtcNBest::new(),
        })
    }

    fn scores(&self) -> Result<ScoresView<'_>, Failure> {
        self.values.view(self.case.kind, 0, self.case.shape)
    }
}

impl Workload for Ctc {
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

    /// What a hypothesis has gathered under the beam is no more than what the
    /// forward algorithm gathers over all alignments.
    fn found(&self) -> Result<Answer, Failure> {
        let scores = self.scores()?;
        for item in 0..scores.batch() {
            let Some(best) = self.nbest.best(item) else {
                return Err(wrong(format_args!("item {item} has no hypothesis")));
            };
            let (all, one) = reference::ctc::forward(&scores, item, BLANK, best.tokens);
            // The two add up in different orders.
            let exceeds = |found: f64, most: f64| found > most + 1e-9 * most.abs();
            if exceeds(best.score, all) || exceeds(best.alignment_score, one) {
                return Err(wrong(format_args!("item {item}: more than all alignments")));
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
        let (beams, pruning) = (self.case.beams, CtcPruning::default());
        let item = |item| {
            reference::ctc::search(&scores, item, beams, BLANK, &pruning, &Unscored)
                .into_iter()
                .map(|found| (found.tokens, found.score.to_bits()))
                .collect()
        };
        Ok((0..items).map(item).collect())
    }
}

fn answer(nbest: &CtcNBest) -> Answer {
    let item = |item: usize| {
        let found = nbest.item(item);
        found
            .map(|found| (found.tokens.to_vec(), found.score.to_bits()))
            .collect()
    };
    (0..nbest.len()).map(item).collect()
}
