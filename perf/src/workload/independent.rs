//! Search over independent positions.

use std::hint::black_box;

use widebeam::independent::Hypothesis;
use widebeam::measure::read_all;
use widebeam::{IndependentSearch, Level, NBest, ScoresView, reference};

use super::case::Case;
use super::contract::{Answer, Checked, Workload, wrong};
use super::values::Values;
use crate::console::failure::Failure;
use crate::synthetic::random_score;

pub(super) struct Independent {
    case: Case,
    values: Values,
    search: IndependentSearch,
    nbest: NBest,
    greedy: IndependentSearch,
    path: NBest,
}

impl Independent {
    pub(super) fn new(case: Case) -> Result<Self, Failure> {
        let search = |beams| {
            let search = IndependentSearch::new(beams)?;
            match case.level {
                Some(level) => search.with_level(level),
                None => Ok(search),
            }
        };
        let [_, _, vocab] = case.shape.0;
        Ok(Independent {
            case,
            values: Values::new(case.dtype, case.shape, |index| {
                random_score(case.kind, vocab, index as u64)
            })?,
            search: search(case.beams)?,
            nbest: NBest::new(),
            greedy: search(1)?,
            path: NBest::new(),
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

    fn greedy(&mut self) -> Option<Result<(), Failure>> {
        let scores = self.values.view(self.case.kind, 0, self.case.shape);
        let decoded =
            scores.and_then(|scores| Ok(self.greedy.decode_into(&scores, &mut self.path)?));
        Some(decoded)
    }

    /// It is the best sequence, which [`Workload::check`] looks at.
    fn check_greedy(&self) -> Result<(), Failure> {
        for (item, path) in self.path.iter().enumerate() {
            let best = self.nbest.best(item).map_err(wrong)?;
            let path = path.map_err(wrong)?.next();
            if path != Some(best) {
                return Err(wrong(format_args!("item {item} is another, greedily")));
            }
        }
        Ok(())
    }

    fn answer(&self) -> Result<Answer, Failure> {
        answer(&self.nbest)
    }

    /// The best sequence of independent positions is the best token of each: the first
    /// where some tie.
    fn check(&mut self, budget: usize) -> Result<Checked, Failure> {
        let scores = self.scores()?;
        let [all_items, all_steps, vocab] = self.case.shape.0;
        let most = budget / vocab;
        let items = (most / all_steps).min(all_items);
        let checked = Checked {
            items,
            all_items,
            steps: match items < all_items {
                true => most % all_steps,
                false => 0,
            },
            all_steps,
        };
        for item in 0..all_items {
            let best = self.nbest.best(item).map_err(wrong)?.tokens;
            if best.len() != scores.length(item) {
                return Err(wrong(format_args!("item {item} has no best sequence")));
            }
            let steps = match item {
                _ if item < checked.items => all_steps,
                _ if item == checked.items => checked.steps,
                _ => 0,
            };
            for (step, &token) in best.iter().enumerate().take(steps) {
                let values = reference::values(&scores, item, step);
                let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                if values.iter().position(|&value| value == largest) != Some(token as usize) {
                    return Err(wrong(format_args!("item {item}, step {step} of the best")));
                }
            }
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
        let found = reference::independent(&scores, self.case.beams).into_iter();
        let bits = |(tokens, score): (Vec<u32>, f64)| (tokens, score.to_bits());
        Ok(found
            .map(|item| item.into_iter().map(bits).collect())
            .collect())
    }
}

fn answer(nbest: &NBest) -> Result<Answer, Failure> {
    let bits = |found: Hypothesis<'_>| (found.tokens.to_vec(), found.score.to_bits());
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

    #[test]
    fn steps_are_checked_in_their_order_until_the_budget_is_spent() {
        let case = Case {
            search: Search::Independent,
            shape: Shape([2, 3, 7]),
            beams: 2,
            kind: ScoreKind::Probabilities,
            dtype: Dtype::F32,
            level: None,
        };
        let mut workload = Independent::new(case).unwrap();
        workload.run().unwrap();
        // Another token of the last step is the best one after the search.
        let Values::F32(values) = &mut workload.values else {
            panic!("another type")
        };
        let last = values.len() - 7;
        let least = values[last..].iter().copied().fold(1.0, f32::min);
        let worst = values[last..].iter().position(|&value| value == least);
        values[last + worst.unwrap()] = 1.0;
        for (budget, expected) in [
            (0, (0, 0)),
            (6, (0, 0)),
            (7, (0, 1)),
            (3 * 7, (1, 0)),
            (6 * 7 - 1, (1, 2)),
        ] {
            let checked = workload.check(budget).unwrap();
            assert_eq!((checked.items, checked.steps), expected, "{budget}");
            assert_eq!((checked.all_items, checked.all_steps), (2, 3));
        }
        for budget in [6 * 7, usize::MAX] {
            let Err(Failure::Machine(message)) = workload.check(budget) else {
                panic!("unnoticed")
            };
            assert!(message.contains("item 1, step 2 of the best"), "{message}");
        }
    }
}
