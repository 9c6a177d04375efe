//! The trait that every workload implements, and the answers that it returns.

use std::fmt;

use serde::Serialize;
use widebeam::Level;

use crate::console::failure::Failure;

/// Of each item the hypotheses, best first: tokens and the bits of the score.
pub type Answer = Vec<Vec<(Vec<u32>, u64)>>;

/// A search over scores in memory, to be run again and again on the threads of
/// the pool it is called in.
pub trait Workload: Send + Sync {
    /// The instruction-set level it runs at.
    fn level(&self) -> Level;

    /// Bytes of scores that a run reads.
    fn bytes(&self) -> usize;

    /// Reads them and does nothing else: the roofline.
    fn read(&self) -> Result<(), Failure>;

    /// Runs the search over all of them.
    fn run(&mut self) -> Result<(), Failure>;

    /// Takes the best token of each position or frame of all of them; `None` where a search
    /// has no greedy form but itself with one beam.
    fn greedy(&mut self) -> Option<Result<(), Failure>> {
        None
    }

    /// Checks what greedy decoding found last.
    fn check_greedy(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// What the last run found, unchecked.
    fn answer(&self) -> Result<Answer, Failure>;

    /// Checks what the last run found in the ways that need no naive search: whole items
    /// from the first on, then the first steps of the next item, until `budget` is
    /// spent. The budget counts scores that are read, so that what is checked does not
    /// depend on the machine or the clock.
    fn check(&mut self, budget: usize) -> Result<Checked, Failure>;

    /// What the last run found, once it has passed the checks, and how much of it they
    /// covered.
    fn found(&mut self) -> Result<(Answer, Checked), Failure> {
        let checked = self.check(CHECK_BUDGET)?;
        Ok((self.answer()?, checked))
    }

    /// What the search finds in the first `steps` steps of the first `items`
    /// items.
    fn part(&mut self, items: usize, steps: usize) -> Result<Answer, Failure>;

    /// What the naive search finds there.
    fn reference(&self, items: usize, steps: usize) -> Result<Answer, Failure>;
}

/// Scores that one check may read. It takes some seconds, and covers all standard shapes.
pub(super) const CHECK_BUDGET: usize = 1 << 29;

/// How much of an answer was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Items that were checked whole, from the first on.
    pub items: usize,
    /// Items of the answer.
    pub all_items: usize,
    /// Steps that were checked of the item behind those.
    pub steps: usize,
    /// Steps of an item.
    pub all_steps: usize,
}

impl Checked {
    /// What a table and a record say where not all was checked.
    pub(crate) fn left_out(&self) -> Option<String> {
        let Checked {
            items,
            all_items,
            steps,
            all_steps,
        } = self;
        let part = match steps {
            0 => String::new(),
            _ => format!(" and {steps} of {all_steps} steps of item {items}"),
        };
        (items < all_items).then(|| {
            format!("checked {items} of {all_items} items{part}: the rest is over the budget")
        })
    }
}

/// The largest number up to `limit` that fits, where all numbers below one that fits do
/// too, and 0 does.
pub(super) fn largest(limit: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, limit);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match fits(middle) {
            true => low = middle,
            false => high = middle - 1,
        }
    }
    low
}

/// An answer that is not the naive one: a defect of widebeam.
pub(crate) fn wrong(what: impl fmt::Display) -> Failure {
    Failure::Machine(format!("wrong answer, please report it: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_said() {
        let said = |items, steps| {
            let checked = Checked {
                items,
                all_items: 2,
                steps,
                all_steps: 9,
            };
            checked.left_out()
        };
        assert_eq!(said(2, 0), None);
        let none = "checked 0 of 2 items: the rest is over the budget";
        assert_eq!(said(0, 0).as_deref(), Some(none));
        let part = "checked 1 of 2 items and 4 of 9 steps of item 1: the rest is over the budget";
        assert_eq!(said(1, 4).as_deref(), Some(part));
    }

    #[test]
    fn the_largest_number_that_fits_is_found() {
        for limit in 0..20 {
            for most in 0..25 {
                assert_eq!(largest(limit, |n| n <= most), most.min(limit));
            }
        }
        assert_eq!(largest(usize::MAX, |_| true), usize::MAX);
    }
}
