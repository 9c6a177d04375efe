//! An utterance that was admitted, and what its reference finds.

use widebeam::Hypotheses;
use widebeam::reference::scorers::PrefixScorer;
use widebeam::reference::transducer::{Hypothesis, Settings, Topology, search};
use widebeam::transducer::{Emitted, RequestId, TransducerDetails};

use super::model::Model;

/// A request of a search.
pub(super) struct Visit {
    pub(super) id: RequestId,
    /// Chooses its scores.
    pub(super) utterance: u16,
    /// Frames that have come.
    pub(super) frames: usize,
    pub(super) end: End,
    /// The tokens that were taken out of it.
    pub(super) taken: Emitted,
}

/// How its frames end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    /// More may come.
    Open,
    Ended,
    /// It was finished after so many.
    Finished(usize),
    Failed,
    Removed,
}

/// A hypothesis as plain data, its scores as bits.
pub(super) type Found = (Vec<u32>, Vec<u32>, Vec<u32>, [u64; 4]);

impl Visit {
    /// Whether it has no results.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.end, End::Failed | End::Removed)
    }

    /// What is shown, behind what was taken out.
    pub(super) fn found(&self, shown: Hypotheses<'_, TransducerDetails>) -> Vec<Found> {
        let whole = |taken: &[u32], rest: &[u32]| [taken, rest].concat();
        let found = shown.map(|found| {
            let numbers = [
                found.score,
                found.log_mass,
                found.alignment_score,
                found.scorer_score,
            ];
            (
                whole(&self.taken.tokens, found.tokens),
                whole(&self.taken.frames, found.frames),
                whole(&self.taken.durations, found.durations),
                numbers.map(bits),
            )
        });
        found.collect()
    }

    /// What the reference finds in the first so many frames.
    pub(super) fn expected(
        &self,
        settings: &Settings,
        model: &Model,
        frames: usize,
        scorer: &impl PrefixScorer,
    ) -> Vec<Found> {
        let mut joiner = |frame: usize, prefix: &[u32]| model.row(self.utterance, frame, prefix);
        let found = search(settings, model.kind, frames, &mut joiner, scorer);
        let found = found.expect("the scores are valid").into_iter();
        found
            .map(|found| plain(found, &settings.topology))
            .collect()
    }
}

/// With the durations that the topology fixes, which the reference leaves out.
fn plain(found: Hypothesis, topology: &Topology) -> Found {
    let durations = match topology {
        Topology::Standard { .. } => vec![0; found.tokens.len()],
        Topology::OneSymbol => vec![1; found.tokens.len()],
        Topology::Tdt { .. } => found.durations,
    };
    let numbers = [
        found.score,
        found.log_mass,
        found.alignment_score,
        found.scorer_score,
    ];
    (found.tokens, found.frames, durations, numbers.map(bits))
}

/// Zeros of either sign are one.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}
