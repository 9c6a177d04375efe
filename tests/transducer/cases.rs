//! Tiny cases, all of whose alignments can be listed.

use std::collections::HashSet;

use widebeam::ScoreKind;
use widebeam::reference::log_probabilities;
use widebeam::reference::scorers::PrefixScorer;
use widebeam::reference::transducer::{Hypothesis, Invalid, Settings, Topology, search};

use crate::model::Model;
use crate::random::Random;

/// More than there are prefixes.
pub(crate) const OPEN: usize = 1 << 20;

/// An utterance.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) model: Model,
    pub(crate) topology: Topology,
    pub(crate) frames: usize,
    pub(crate) blank: u32,
}

impl Case {
    /// The log-probabilities of tokens and durations.
    pub(crate) fn log_probabilities(&self, frame: usize, prefix: &[u32]) -> (Vec<f64>, Vec<f64>) {
        let row = self.model.row(frame, prefix);
        let (tokens, durations) = row.split_at(self.model.vocab);
        let log = |scores| log_probabilities(self.model.kind, scores);
        (log(tokens), log(durations))
    }

    /// Everything, without a limit.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            beams: OPEN,
            blank: self.blank,
            topology: self.topology.clone(),
            commit_delay: None,
            divide_by_length: false,
            nbest: usize::MAX,
        }
    }

    pub(crate) fn max_symbols(&self) -> usize {
        match &self.topology {
            Topology::Standard { max_symbols } | Topology::Tdt { max_symbols, .. } => *max_symbols,
            Topology::OneSymbol => 1,
        }
    }

    /// What is found with the beam open.
    pub(crate) fn open(&self, scorer: &impl PrefixScorer) -> Vec<Hypothesis> {
        self.search(&self.settings(), scorer).unwrap()
    }

    /// Searches, and checks that no row is asked for twice.
    pub(crate) fn search(
        &self,
        settings: &Settings,
        scorer: &impl PrefixScorer,
    ) -> Result<Vec<Hypothesis>, Invalid> {
        let mut asked = HashSet::new();
        let mut joiner = |frame: usize, prefix: &[u32]| {
            assert!(frame < self.frames, "frame {frame}");
            assert!(asked.insert((frame, prefix.to_vec())), "{frame} {prefix:?}");
            self.model.row(frame, prefix)
        };
        search(settings, self.model.kind, self.frames, &mut joiner, scorer)
    }
}

/// Durations with and without 0, with gaps, and beyond the end.
pub(crate) const DURATIONS: [&[u32]; 5] = [&[0, 1, 2], &[1, 2, 4], &[0, 1, 2, 3, 4], &[0, 2], &[1]];

/// RNN-T, few frames where there may be many symbols.
pub(crate) fn standard(seed: u64, count: usize) -> Vec<Case> {
    let sizes = [(0, 2), (1, 3), (2, 3), (3, 2), (4, 1), (3, 1)];
    let topology = |max_symbols| Topology::Standard { max_symbols };
    made(seed, count, &sizes, 0, topology)
}

/// One symbol a frame.
pub(crate) fn one_symbol(seed: u64, count: usize) -> Vec<Case> {
    let sizes = [(0, 1), (1, 1), (3, 1), (4, 1), (5, 1)];
    made(seed, count, &sizes, 0, |_| Topology::OneSymbol)
}

/// TDT with some durations.
pub(crate) fn tdt(seed: u64, count: usize, durations: &[u32]) -> Vec<Case> {
    let sizes = [(0, 2), (1, 3), (2, 3), (3, 2), (4, 1), (3, 1)];
    let topology = |max_symbols| Topology::Tdt {
        durations: durations.to_vec(),
        max_symbols,
    };
    made(seed, count, &sizes, durations.len(), topology)
}

/// Cases of all three kinds.
pub(crate) fn mixed(seed: u64, count: usize) -> Vec<Case> {
    let tdt = DURATIONS.iter().flat_map(|d| tdt(seed + 2, count, d));
    let others = standard(seed, count).into_iter();
    others
        .chain(one_symbol(seed + 1, count))
        .chain(tdt)
        .collect()
}

fn made(
    seed: u64,
    count: usize,
    sizes: &[(usize, usize)],
    durations: usize,
    topology: impl Fn(usize) -> Topology,
) -> Vec<Case> {
    let mut random = Random::new(seed);
    let mut case = |number: usize| {
        let (frames, max_symbols) = sizes[number % sizes.len()];
        let vocab = 2 + random.below(3);
        let model = Model {
            seed: u64::from(random.bits()),
            vocab,
            durations,
            memory: random.below(5),
            values: [0, 0, 3][random.below(3)],
            impossible: [0, 0, 5][random.below(3)],
            spread: [1.0, 6.0][random.below(2)],
            kind: [
                ScoreKind::Logits,
                ScoreKind::LogProbabilities,
                ScoreKind::Probabilities,
            ][random.below(3)],
        };
        Case {
            model,
            topology: topology(max_symbols),
            frames,
            blank: random.below(vocab) as u32,
        }
    };
    (0..count).map(&mut case).collect()
}
