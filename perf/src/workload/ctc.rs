//! CTC prefix search.

use std::hint::black_box;

use widebeam::ctc::{Blank, CtcGreedy, CtcHypothesis, CtcNBest, CtcPruning, CtcSearch};
use widebeam::measure::read_all;
use widebeam::scorers::Unscored;
use widebeam::{Level, ScoresView, reference};

use super::case::Case;
use super::contract::{Answer, CHECK_BUDGET, Checked, Workload, largest, wrong};
use super::values::Values;
use crate::console::failure::Failure;
use crate::synthetic::random_emission;

/// The blank of the synthetic emissions.
const BLANK: Blank = Blank(0);

pub(super) struct Ctc {
    case: Case,
    values: Values,
    search: CtcSearch,
    nbest: CtcNBest,
    greedy: CtcGreedy,
    path: CtcNBest,
}

impl Ctc {
    pub(super) fn new(case: Case) -> Result<Self, Failure> {
        let mut search = CtcSearch::new(case.beams, BLANK)?;
        let mut greedy = CtcGreedy::new(BLANK)?;
        if let Some(level) = case.level {
            (search, greedy) = (search.with_level(level)?, greedy.with_level(level)?);
        }
        let [_, _, vocab] = case.shape.0;
        Ok(Ctc {
            case,
            values: Values::new(case.dtype, case.shape, |index| {
                random_emission(case.kind, vocab, index as u64)
            })?,
            search,
            nbest: CtcNBest::new(),
            greedy,
            path: CtcNBest::new(),
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

    fn greedy(&mut self) -> Option<Result<(), Failure>> {
        let scores = self.values.view(self.case.kind, 0, self.case.shape);
        let decoded =
            scores.and_then(|scores| Ok(self.greedy.decode_into(&scores, &mut self.path)?));
        Some(decoded)
    }

    /// The first token of the largest score of each frame, less repeats and blanks, of as many
    /// items as a check may read.
    fn check_greedy(&self) -> Result<(), Failure> {
        let scores = self.scores()?;
        let [items, frames, vocab] = self.case.shape.0;
        for item in 0..items.min(CHECK_BUDGET / (frames * vocab)) {
            let mut tokens = Vec::new();
            for frame in 0..frames {
                let values = reference::values(&scores, item, frame);
                let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                tokens.extend(values.iter().position(|&value| value == largest));
            }
            tokens.dedup();
            tokens.retain(|&token| token != BLANK.0 as usize);
            let found = self.path.best(item).map_err(wrong)?.tokens.iter();
            if !found.map(|&token| token as usize).eq(tokens) {
                return Err(wrong(format_args!("item {item}: another best path")));
            }
        }
        Ok(())
    }

    fn answer(&self) -> Result<Answer, Failure> {
        answer(&self.nbest)
    }

    /// What a hypothesis has gathered under the beam is no more than what the
    /// forward algorithm gathers over all alignments. That algorithm takes frames times
    /// tokens, so a long item may be over the budget. Then its first frames are searched
    /// by themselves and checked: their number is what fits if each emits a token.
    fn check(&mut self, budget: usize) -> Result<Checked, Failure> {
        let scores = self.values.view(self.case.kind, 0, self.case.shape)?;
        let [all_items, all_steps, vocab] = self.case.shape.0;
        let mut checked = Checked {
            items: 0,
            all_items,
            steps: 0,
            all_steps,
        };
        let mut left = budget;
        for item in 0..all_items {
            let best = self.nbest.best(item).map_err(wrong)?;
            // Behind an item that did not fit none is checked, lest only short answers are.
            if checked.items < item {
                continue;
            }
            let cost = forward_cost(all_steps, vocab, best.tokens.len());
            if cost <= left {
                left -= cost;
                check_hypothesis(&scores, item, &best)?;
                checked.items += 1;
            }
        }
        let steps = largest(all_steps, |steps| forward_cost(steps, vocab, steps) <= left);
        if checked.items < all_items && steps > 0 {
            let lengths = [steps];
            let first = scores.items(checked.items..checked.items + 1);
            let first = first.with_lengths(&lengths)?;
            let nbest = self.search.decode(&first)?;
            let best = nbest.best(0).map_err(wrong)?;
            check_hypothesis(&first, 0, &best)?;
            checked.steps = steps;
        }
        Ok(checked)
    }

    fn part(&mut self, items: usize, steps: usize) -> Result<Answer, Failure> {
        let scores = self.values.view(self.case.kind, 0, self.case.shape)?;
        let lengths = vec![steps; items];
        let scores = scores.items(0..items);
        let scores = scores.with_lengths(&lengths)?;
        answer(&self.search.decode(&scores)?)
    }

    fn reference(&self, items: usize, steps: usize) -> Result<Answer, Failure> {
        let lengths = vec![steps; items];
        let scores = self.scores()?.items(0..items);
        let scores = scores.with_lengths(&lengths)?;
        let (beams, pruning) = (self.case.beams, CtcPruning::default());
        let item = |item| {
            reference::ctc::search(&scores, item, beams, BLANK.0, &pruning, &Unscored)
                .into_iter()
                .map(|found| (found.tokens, found.score.to_bits()))
                .collect()
        };
        Ok((0..items).map(item).collect())
    }
}

/// How many scores are read in the time that a cell of the forward algorithm takes.
const CELL: usize = 16;

/// What the forward algorithm of a labelling costs, in scores read.
fn forward_cost(frames: usize, vocab: usize, tokens: usize) -> usize {
    let cells = tokens.saturating_mul(2).saturating_add(1);
    let frame = cells.saturating_mul(CELL).saturating_add(vocab);
    frame.saturating_mul(frames)
}

fn check_hypothesis(
    scores: &ScoresView<'_>,
    item: usize,
    found: &CtcHypothesis<'_>,
) -> Result<(), Failure> {
    let (all, one) = reference::ctc::forward(scores, item, BLANK.0, found.tokens);
    // The two add up in different orders.
    let exceeds = |found: f64, most: f64| found > most + 1e-9 * most.abs();
    if exceeds(found.score, all) || exceeds(found.alignment_score, one) {
        return Err(wrong(format_args!("item {item}: more than all alignments")));
    }
    Ok(())
}

fn answer(nbest: &CtcNBest) -> Result<Answer, Failure> {
    let bits = |found: CtcHypothesis<'_>| (found.tokens.to_vec(), found.score.to_bits());
    nbest
        .iter()
        .map(|item| Ok(item?.map(bits).collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use widebeam::ScoreKind;

    use super::*;
    use crate::workload::{Dtype, Search, Shape};

    fn searched() -> Ctc {
        let case = Case {
            search: Search::Ctc,
            shape: Shape([3, 40, 9]),
            beams: 4,
            kind: ScoreKind::LogProbabilities,
            dtype: Dtype::F32,
            level: None,
        };
        let mut workload = Ctc::new(case).unwrap();
        workload.run().unwrap();
        workload
    }

    fn cost(workload: &Ctc, item: usize) -> usize {
        forward_cost(40, 9, workload.nbest.best(item).unwrap().tokens.len())
    }

    #[test]
    fn items_are_checked_in_their_order_and_the_next_one_in_part() {
        let mut workload = searched();
        let costs = [0, 1, 2].map(|item| cost(&workload, item));
        let mut checked = |budget| {
            let checked = workload.check(budget).unwrap();
            assert_eq!((checked.all_items, checked.all_steps), (3, 40));
            (checked.items, checked.steps)
        };
        assert_eq!(checked(0), (0, 0));
        assert_eq!(checked(forward_cost(1, 9, 1)), (0, 1));
        assert_eq!(checked(forward_cost(5, 9, 5) - 1), (0, 4));
        assert_eq!(checked(costs[0]), (1, 0));
        assert_eq!(checked(costs[0] + forward_cost(5, 9, 5)), (1, 5));
        assert_eq!(checked(costs[0] + costs[1]), (2, 0));
        assert_eq!(checked(costs.iter().sum()), (3, 0));
        assert_eq!(checked(usize::MAX), (3, 0));
    }

    #[test]
    fn a_wrong_answer_is_noticed_where_it_is_checked_and_nowhere_else() {
        let mut workload = searched();
        let first = cost(&workload, 0);
        // Scores of the second item alone become lower than those that were searched.
        let Values::F32(values) = &mut workload.values else {
            panic!("another type")
        };
        for value in &mut values[40 * 9..2 * 40 * 9] {
            *value -= 1.0;
        }
        let items = |checked: Checked| checked.items;
        assert_eq!(workload.check(first).map(items).ok(), Some(1));
        let Err(Failure::Machine(message)) = workload.check(usize::MAX) else {
            panic!("unnoticed")
        };
        assert!(message.contains("item 1: more than all"), "{message}");
    }

    #[test]
    fn the_cost_of_what_no_memory_holds_saturates() {
        assert_eq!(forward_cost(usize::MAX, 2, 2), usize::MAX);
        assert_eq!(forward_cost(1, 2, usize::MAX), usize::MAX);
        assert_eq!(forward_cost(3, 10, 2), 3 * (10 + 5 * CELL));
    }
}
