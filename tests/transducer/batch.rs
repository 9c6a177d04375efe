//! Random batches for the engine and the oracle.

use widebeam::reference::scorers::PrefixScorer;
use widebeam::reference::transducer as oracle;
use widebeam::scorers::Scorer;
use widebeam::transducer::{Blank, LengthNormalisation, Topology, TransducerSearch};
use widebeam::{Level, ScoreKind};

use crate::cases::{Case, DURATIONS};
use crate::driver::Found;
use crate::model::Model;
use crate::random::Random;

/// What a search and its utterances are.
pub(crate) struct Batch {
    pub(crate) settings: oracle::Settings,
    pub(crate) cases: Vec<Case>,
    /// Whether some are finished before their end.
    pub(crate) finishes: bool,
}

pub(crate) fn batch(random: &mut Random) -> Batch {
    let most = [3, 9, 40][random.below(3)];
    let vocab = 1 + random.below(most);
    let durations = DURATIONS[random.below(DURATIONS.len())].to_vec();
    let max_symbols = 1 + random.below(3);
    let topology = match random.below(3) {
        0 => oracle::Topology::Standard { max_symbols },
        1 => oracle::Topology::OneSymbol,
        _ => oracle::Topology::Tdt {
            durations: durations.clone(),
            max_symbols,
        },
    };
    let is_tdt = matches!(topology, oracle::Topology::Tdt { .. });
    let blank = random.below(vocab) as u32;
    let kind = [
        ScoreKind::Logits,
        ScoreKind::LogProbabilities,
        ScoreKind::Probabilities,
    ][random.below(3)];
    let mut model = || Model {
        seed: u64::from(random.bits()),
        vocab,
        durations: if is_tdt { durations.len() } else { 0 },
        memory: random.below(4),
        values: [0, 0, 2, 5][random.below(4)],
        impossible: [0, 0, 4][random.below(3)],
        spread: [1.0, 6.0][random.below(2)],
        kind,
    };
    let models: Vec<Model> = (0..1 + 4).map(|_| model()).collect();
    let count = 1 + random.below(models.len());
    let case = |model: Model| Case {
        model,
        topology: topology.clone(),
        frames: random.below(9),
        blank,
    };
    let cases = models.into_iter().take(count).map(case).collect();
    let beams = [1, 2, 3, 5, 12][random.below(5)];
    Batch {
        settings: oracle::Settings {
            beams,
            blank,
            topology,
            commit_delay: [None, None, Some(1 + random.below(4))][random.below(3)],
            divide_by_length: random.one_in(3),
            nbest: [1, beams, beams + 3][random.below(3)],
        },
        cases,
        finishes: random.one_in(3),
    }
}

/// One symbol a frame, and rows that are long enough to be read late.
pub(crate) fn long_rows(random: &mut Random) -> Batch {
    let mut batch = batch(random);
    let vocab = 65 + random.below(240);
    let (blank, topology) = (random.below(vocab) as u32, oracle::Topology::OneSymbol);
    (batch.settings.blank, batch.settings.topology) = (blank, topology.clone());
    for case in &mut batch.cases {
        (case.model.vocab, case.model.durations) = (vocab, 0);
        (case.blank, case.topology) = (blank, topology.clone());
    }
    batch
}

pub(crate) fn engine<S: Scorer + Sync>(
    batch: &Batch,
    scorer: S,
    level: Level,
) -> TransducerSearch<S> {
    let settings = &batch.settings;
    let topology = match settings.topology.clone() {
        oracle::Topology::Standard { max_symbols } => Topology::Standard { max_symbols },
        oracle::Topology::OneSymbol => Topology::OneSymbol,
        oracle::Topology::Tdt {
            durations,
            max_symbols,
        } => Topology::Tdt {
            durations,
            max_symbols,
        },
    };
    let vocab = batch.cases[0].model.vocab;
    let search = TransducerSearch::new(vocab, Blank(settings.blank), settings.beams).unwrap();
    let normalisation = match settings.divide_by_length {
        true => LengthNormalisation::PerToken,
        false => LengthNormalisation::None,
    };
    search
        .with_scorer(scorer)
        .with_topology(topology)
        .unwrap()
        .with_nbest(settings.nbest)
        .unwrap()
        .with_length_normalisation(normalisation)
        .with_commit_delay(settings.commit_delay)
        .unwrap()
        .with_level(level)
        .unwrap()
}

/// What the oracle finds in the first so many frames, as the engine puts it.
pub(crate) fn expected(
    batch: &Batch,
    case: &Case,
    frames: usize,
    scorer: &impl PrefixScorer,
) -> Vec<Found> {
    let case = Case {
        frames,
        ..case.clone()
    };
    let found = case.search(&batch.settings, scorer).unwrap();
    let found = found.into_iter().map(|found| plain(batch, found));
    found.collect()
}

/// A hypothesis of the oracle as the engine puts it: with the durations that the topology fixes.
pub(crate) fn plain(batch: &Batch, found: oracle::Hypothesis) -> Found {
    let fixed = |duration| vec![duration; found.tokens.len()];
    let durations = match &batch.settings.topology {
        oracle::Topology::Standard { .. } => fixed(0),
        oracle::Topology::OneSymbol => fixed(1),
        oracle::Topology::Tdt { .. } => found.durations,
    };
    let scores = [
        found.score,
        found.log_mass,
        found.alignment_score,
        found.scorer_score,
    ];
    let bits = scores.map(f64::to_bits);
    without_signs((found.tokens, found.frames, durations, bits))
}

/// Zeros of either sign are one.
pub(crate) fn without_signs((tokens, frames, durations, scores): Found) -> Found {
    let scores = scores.map(|bits| (f64::from_bits(bits) + 0.0).to_bits());
    (tokens, frames, durations, scores)
}
