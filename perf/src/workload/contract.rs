//! The trait that every workload implements, and the answers that it returns.

use std::fmt;

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

    /// What the last run found, once it has passed the checks that need no
    /// second search.
    fn found(&self) -> Result<Answer, Failure>;

    /// What the search finds in the first `steps` steps of the first `items`
    /// items.
    fn part(&mut self, items: usize, steps: usize) -> Result<Answer, Failure>;

    /// What the naive search finds there.
    fn reference(&self, items: usize, steps: usize) -> Result<Answer, Failure>;
}

/// An answer that is not the naive one: a defect of widebeam.
pub(crate) fn wrong(what: impl fmt::Display) -> Failure {
    Failure::Machine(format!("wrong answer, please report it: {what}"))
}
