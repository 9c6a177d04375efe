//! The naive search beside the engine.

use serde::Serialize;

use super::{Case, Search, Workload, wrong};
use crate::clock::Times;
use crate::failure::Failure;

/// Seconds after which the reference is not run again.
const ENOUGH: f64 = 1.0;

/// The naive search, and how much of the whole it was given: all, or where
/// that takes long, as many positions from the first as its time allows.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) items: usize,
    pub(crate) steps: usize,
    /// Candidates it scored, of those it would score in all.
    pub(crate) candidates: usize,
    pub(crate) all_candidates: usize,
    pub(crate) runs: Times,
    /// For the whole, in proportion to the candidates.
    pub(crate) seconds: f64,
    pub(crate) times_slower: f64,
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

/// Times the reference on as much of the scores as it can do in about a
/// second, at most `runs` times, and compares its answer with the engine's,
/// bit by bit.
pub(crate) fn compare(
    case: &Case,
    workload: &mut dyn Workload,
    engine_seconds: f64,
    runs: usize,
) -> Result<Comparison, Failure> {
    let [batch, time, vocab] = case.shape.0;
    let candidates = |steps| candidates(steps, vocab, case.beams);
    // About a second's worth. Prefixes are looked up in a map; and requests are
    // alike, so one will do.
    let (budget, most_items) = match case.search {
        Search::Independent => (8_000_000, batch),
        Search::Autoregressive => (4_000_000, 1),
        Search::Ctc => (400_000, batch),
    };
    let items = (budget / candidates(time)).clamp(1, most_items);
    let fits = |&steps: &usize| items.saturating_mul(candidates(steps)) <= budget;
    let steps = (1..=time).rev().find(fits).unwrap_or(1);

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
    let (done, all) = (
        items.saturating_mul(candidates(steps)),
        batch.saturating_mul(candidates(time)),
    );
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

/// How many candidates the naive search of an item scores: beam x vocab a
/// step, and the beam is not full at first.
pub(super) fn candidates(steps: usize, vocab: usize, beams: usize) -> usize {
    let (mut beam, mut sum) = (1usize, 0usize);
    for _ in 0..steps {
        let step = beam.saturating_mul(vocab);
        sum = sum.saturating_add(step);
        beam = step.min(beams);
    }
    sum.max(1)
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn the_beam_fills_before_it_costs_its_width() {
        assert_eq!(candidates(0, 10, 3), 1);
        assert_eq!(candidates(3, 10, 3), 10 + 30 + 30);
        assert_eq!(candidates(3, 2, 100), 2 + 4 + 8);
    }
}
