//! Rows that are written out, by frame and prefix.

use std::collections::HashMap;

use widebeam::ScoreKind;
use widebeam::reference::scorers::PrefixScorer;
use widebeam::reference::transducer::{Hypothesis, Invalid, Settings, Topology, search};
use widebeam::scorers::Unscored;

/// Impossible.
pub(crate) const NO: f32 = f32::NEG_INFINITY;

/// At most one token a frame.
pub(crate) const STANDARD: Topology = Topology::Standard { max_symbols: 1 };

/// A row of the blank alone, which costs nothing.
pub(crate) const BLANK: [f32; 4] = [0.0, NO, NO, NO];

/// Log-probabilities by frame and prefix, and which rows were asked for. They need not add up
/// to 1, so all sums are exact.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: HashMap<(usize, Vec<u32>), Vec<f32>>,
    /// The row of all prefixes that are not listed.
    others: Vec<f32>,
    pub(crate) asked: Vec<(usize, Vec<u32>)>,
}

impl Table {
    /// Rows of prefixes at frames, and one of all others.
    pub(crate) fn new(rows: &[(usize, &[u32], &[f32])], others: &[f32]) -> Self {
        let rows = rows.iter();
        Table {
            rows: rows
                .map(|&(frame, prefix, row)| ((frame, prefix.to_vec()), row.to_vec()))
                .collect(),
            others: others.to_vec(),
            asked: Vec::new(),
        }
    }

    /// Searches so many frames.
    pub(crate) fn search(
        &mut self,
        settings: &Settings,
        frames: usize,
        scorer: &impl PrefixScorer,
    ) -> Result<Vec<Hypothesis>, Invalid> {
        let mut joiner = |frame: usize, prefix: &[u32]| {
            let pair = (frame, prefix.to_vec());
            self.asked.push(pair.clone());
            self.rows.get(&pair).unwrap_or(&self.others).clone()
        };
        let kind = ScoreKind::LogProbabilities;
        search(settings, kind, frames, &mut joiner, scorer)
    }
}

/// A search with the blank 0.
pub(crate) fn settings(beams: usize, topology: Topology) -> Settings {
    Settings {
        beams,
        blank: 0,
        topology,
        commit_delay: None,
        divide_by_length: false,
        nbest: usize::MAX,
    }
}

/// At most two tokens a frame.
pub(crate) fn tdt(durations: &[u32]) -> Topology {
    Topology::Tdt {
        durations: durations.to_vec(),
        max_symbols: 2,
    }
}

/// The tokens of each hypothesis.
pub(crate) fn tokens(hypotheses: &[Hypothesis]) -> Vec<&[u32]> {
    hypotheses.iter().map(|h| &h.tokens[..]).collect()
}

/// What is found without a scorer.
pub(crate) fn found(table: &mut Table, settings: &Settings, frames: usize) -> Vec<Hypothesis> {
    table.search(settings, frames, &Unscored).unwrap()
}
