//! The naive search beside the engine.

use serde::Serialize;

use super::case::Case;
use super::contract::{Workload, largest, wrong};
use super::search::Search;
use crate::clock::Times;
use crate::console::failure::Failure;

/// Seconds after which the reference is not run again.
const ENOUGH: f64 = 1.0;

/// The naive search, and how much of the whole it was given: all, or where
/// that takes long, as many positions from the first as its time allows.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub items: usize,
    pub steps: usize,
    /// Candidates it scored, of those it would score in all.
    pub candidates: usize,
    pub all_candidates: usize,
    pub runs: Times,
    /// For the whole, in proportion to the candidates.
    pub seconds: f64,
    pub times_slower: f64,
}

impl Comparison {
    /// How much it did, as a table and a record say it.
    pub(crate) fn share(&self) -> String {
        match self.candidates == self.all_candidates {
            true => "all".to_owned(),
            false => {
                let share = self.candidates as f64 / self.all_candidates as f64;
                format!("{:.2} %, scaled up", 100.0 * share)
            }
        }
    }
}

/// How many items of a case, and how many of their steps, the naive search does in about
/// a second.
pub fn naive_share(case: &Case) -> (usize, usize) {
    let [batch, time, _] = case.shape.0;
    // Prefixes are looked up in a map; and requests are alike, so one will do.
    let (budget, most_items) = match case.search {
        Search::Independent => (8_000_000, batch),
        Search::Autoregressive => (4_000_000, 1),
        Search::Ctc => (400_000, batch),
        Search::Transducer => (400_000, 1),
    };
    let items = (budget / case.candidates(time)).clamp(1, most_items);
    let steps = largest(time, |steps| {
        items.saturating_mul(case.candidates(steps)) <= budget
    });
    (items, steps.max(1))
}

/// Times the reference on as much of the scores as it can do in about a
/// second, at most `runs` times, and compares its answer with the engine's,
/// bit by bit.
pub(crate) fn compare(
    case: &Case,
    workload: &mut dyn Workload,
    engine_seconds: f64,
    runs: usize,
) -> Result<Comparison, Failure> {
    let (items, steps) = naive_share(case);
    let mut times = Times::default();
    let mut expected = Vec::new();
    while times.len() < runs && times.total() < ENOUGH {
        // One go a run: it never is short work.
        times.measure(usize::MAX, || {
            expected = workload.reference(items, steps)?;
            Ok::<(), Failure>(())
        })?;
    }
    let found = workload.part(items, steps)?;
    if let Some(item) = (0..items).find(|&item| found[item] != expected[item]) {
        return Err(wrong(format_args!(
            "{case}: item {item} is not the reference's"
        )));
    }
    let [batch, time, _] = case.shape.0;
    let all = batch.saturating_mul(case.candidates(time));
    let done = items.saturating_mul(case.candidates(steps));
    let seconds = times.median() * all as f64 / done as f64;
    Ok(Comparison {
        items,
        steps,
        candidates: done,
        all_candidates: all,
        runs: times,
        seconds,
        times_slower: seconds / engine_seconds,
    })
}

#[cfg(test)]
mod tests {
    use widebeam::ScoreKind;

    use super::*;
    use crate::workload::{Dtype, Shape};

    /// A loop over all steps for each number of steps would take days here.
    #[test]
    fn the_share_of_an_item_of_a_billion_steps_is_found_at_once() {
        let case = Case {
            search: Search::Ctc,
            shape: Shape([2, 1_000_000_000, 32]),
            beams: 16,
            kind: ScoreKind::LogProbabilities,
            dtype: Dtype::F32,
            level: None,
        };
        let (items, steps) = naive_share(&case);
        assert_eq!(items, 1);
        assert!(case.candidates(steps) <= 400_000);
        assert!(case.candidates(steps + 1) > 400_000);
    }
}
