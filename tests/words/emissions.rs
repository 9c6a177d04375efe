//! Random emissions, and the comparison of searches over them.

use std::sync::LazyLock;

use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use widebeam::ctc::{Blank, CtcPruning};
use widebeam::reference::ctc as reference;
use widebeam::reference::scorers::PrefixScorer;
use widebeam::scorers::Scorer;
use widebeam::{CtcSearch, Level, ScoreKind};

use crate::ctc_case::Case;
use crate::found::{Found, of_library, of_reference};
use crate::random::Random;

static POOLS: LazyLock<Vec<ThreadPool>> = LazyLock::new(|| {
    let pool = |threads| {
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    [1, 3].map(pool).into()
});

/// What the values of emissions are drawn by, except for their number of tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn {
    batch: usize,
    time: usize,
    beams: usize,
    kind: ScoreKind,
    spread: u32,
    seed: u64,
}

/// Emissions of all kinds, some of which tie and some of which are impossible.
pub(crate) fn drawn(time: usize, beams: usize) -> impl Strategy<Value = Drawn> {
    let kinds = prop::sample::select(vec![
        ScoreKind::Probabilities,
        ScoreKind::LogProbabilities,
        ScoreKind::Logits,
    ]);
    let shape = (1usize..4, 0..=time, 1..=beams);
    let drawn = |((batch, time, beams), kind, spread, seed)| Drawn {
        batch,
        time,
        beams,
        kind,
        spread,
        seed,
    };
    (shape, kinds, 0u32..4, any::<u64>()).prop_map(drawn)
}

impl Drawn {
    /// Emissions of `vocab` tokens, of which 0 is the blank.
    pub(crate) fn case(&self, vocab: usize) -> Case {
        let mut random = Random::new(self.seed | 1);
        let mut value = || {
            let probability = match self.spread {
                0 => random.unit(),
                1 => 0.5f32.powi(random.below(3) as i32),
                2 => random.unit() * (random.below(3) / 2) as f32,
                _ => random.unit().powi(8),
            };
            match self.kind {
                ScoreKind::Probabilities => probability,
                ScoreKind::LogProbabilities => probability.ln(),
                ScoreKind::Logits => probability.ln() + 3.0,
            }
        };
        let count = self.batch * self.time * vocab;
        let data = (0..count).map(|_| value()).collect();
        let length = |_| self.time - random.below(self.time + 1) * random.below(2);
        Case {
            kind: self.kind,
            shape: [self.batch, self.time, vocab],
            lengths: (0..self.batch).map(length).collect(),
            data,
            beams: self.beams,
            blank: 0,
        }
    }
}

/// Compares a batch on one thread and on several, and streams that get the frames in
/// chunks, at every level, with the full search that has the naive scorer.
pub(crate) fn check_search<S: Scorer + Clone + Send + Sync>(
    case: &Case,
    pruning: &CtcPruning,
    scorer: &S,
    naive: &impl PrefixScorer,
) -> Result<(), TestCaseError> {
    let view = case.view();
    let item = |item| {
        let found = reference::search(&view, item, case.beams, case.blank, pruning, naive);
        of_reference(found)
    };
    let expected: Vec<Vec<Found>> = (0..view.batch()).map(item).collect();
    let mut random = Random::new(case.data.len() as u64 + 1);
    for level in Level::available() {
        let search = CtcSearch::new(case.beams, Blank(case.blank)).unwrap();
        let search = search.with_scorer(scorer.clone());
        let search = search.with_pruning(pruning.clone()).unwrap();
        let mut search = search.with_level(level).unwrap();
        for pool in POOLS.iter() {
            let nbest = pool.install(|| search.decode(&view)).unwrap();
            let found = nbest.iter().map(|item| of_library(item.unwrap()));
            let found: Vec<Vec<Found>> = found.collect();
            prop_assert_eq!(&found, &expected, "level {}, {:?}", level, pool);
        }
        let mut stream = search.stream();
        for (item, expected) in expected.iter().enumerate() {
            stream.reset();
            let mut start = 0;
            while start < case.lengths[item] {
                let count = 1 + random.below(3).min(case.lengths[item] - start - 1);
                stream.push(&case.frames(item, start, count)).unwrap();
                start += count;
            }
            let found = &of_library(stream.finish().unwrap());
            prop_assert_eq!(found, expected, "stream {} at level {}", item, level);
        }
    }
    Ok(())
}
