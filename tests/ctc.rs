//! The CTC search against its naive reference, at every level and for several
//! thread counts: same tokens, same frames, same order, same bits of the
//! scores.

use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::LazyLock;
use widebeam::reference::ctc as reference;
use widebeam::{CtcNBest, CtcPruning, CtcSearch, Level, ScoreKind, Scorer, ScoresView, Unscored};

static POOLS: LazyLock<Vec<ThreadPool>> = LazyLock::new(|| {
    let pool = |threads| {
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    [1, 3].map(pool).into()
});

/// Random bits from a seed.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / (1 << 24) as f32
    }
}

/// How the values of a tensor are spread.
#[derive(Clone, Copy, Debug)]
enum Spread {
    /// Any value.
    Flat,
    /// One token of each row has most of the mass.
    Peaked,
    /// Powers of two, so that sums tie exactly.
    Tied,
    /// Mostly impossible.
    Sparse,
    /// Distances beyond the precision of f64, and ties among them.
    Far,
}

#[derive(Clone, Debug)]
struct Case {
    kind: ScoreKind,
    shape: [usize; 3],
    lengths: Vec<usize>,
    data: Vec<f32>,
    beams: usize,
    blank: u32,
}

impl Case {
    fn view(&self) -> ScoresView<'_> {
        let view = ScoresView::new(self.kind, &self.data, self.shape).unwrap();
        view.with_lengths(&self.lengths).unwrap()
    }
}

fn log_probability(spread: Spread, random: &mut Random) -> f32 {
    match spread {
        Spread::Flat | Spread::Peaked => random.unit().ln(),
        Spread::Tied => -((random.bits() % 3) as f32),
        Spread::Sparse if random.bits() % 3 == 0 => (random.unit()).ln(),
        Spread::Sparse => f32::NEG_INFINITY,
        Spread::Far => match random.bits() % 4 {
            0 => -60.0,
            1 => f32::NEG_INFINITY,
            _ => -1.0,
        },
    }
}

fn cases(time: usize, vocab: usize, beams: usize) -> impl Strategy<Value = Case> {
    let kinds = prop_oneof![
        Just(ScoreKind::Probabilities),
        Just(ScoreKind::LogProbabilities),
        Just(ScoreKind::Logits),
    ];
    let spreads = prop_oneof![
        Just(Spread::Flat),
        Just(Spread::Peaked),
        Just(Spread::Tied),
        Just(Spread::Sparse),
        Just(Spread::Far),
    ];
    let shape = (0usize..3, 0..=time, 1..=vocab, 1..=beams);
    (shape, kinds, spreads, any::<u64>()).prop_map(
        |((batch, time, vocab, beams), kind, spread, seed)| {
            let mut random = Random(seed | 1);
            let mut data: Vec<f32> = Vec::new();
            for _ in 0..batch * time {
                let start = data.len();
                data.extend((0..vocab).map(|_| log_probability(spread, &mut random)));
                if let Spread::Peaked = spread {
                    let peak = random.bits() as usize % vocab;
                    for (token, value) in data[start..].iter_mut().enumerate() {
                        *value -= if token == peak { 0.0 } else { 8.0 };
                    }
                }
            }
            match kind {
                ScoreKind::Probabilities => data.iter_mut().for_each(|x| *x = x.exp()),
                ScoreKind::LogProbabilities => {}
                ScoreKind::Logits => data.iter_mut().for_each(|x| *x += 3.0),
            }
            let length = |_| match random.bits() % 2 {
                0 => time,
                _ => random.bits() as usize % (time + 1),
            };
            let lengths = (0..batch).map(length).collect();
            let blank = random.bits() % vocab as u32;
            Case {
                kind,
                shape: [batch, time, vocab],
                lengths,
                data,
                beams,
                blank,
            }
        },
    )
}

/// A hypothesis as plain data, scores as bits.
type Plain = (Vec<u32>, Vec<u32>, u64, u64, u64);

fn plain(nbest: &CtcNBest) -> Vec<Vec<Plain>> {
    let item = |item: usize| {
        let hypotheses = nbest.item(item).map(|h| {
            let [score, alignment, scorer] =
                [h.score, h.alignment_score, h.scorer_score].map(f64::to_bits);
            (
                h.tokens.to_vec(),
                h.frames.to_vec(),
                score,
                alignment,
                scorer,
            )
        });
        hypotheses.collect()
    };
    (0..nbest.len()).map(item).collect()
}

fn expected<S: Scorer>(
    case: &Case,
    view: &ScoresView<'_>,
    pruning: &CtcPruning,
    scorer: &S,
) -> Vec<Vec<Plain>> {
    let item = |item| {
        let found = reference::search(view, item, case.beams, case.blank, pruning, scorer);
        let hypotheses = found.into_iter().map(|h| {
            let [score, alignment, scorer] =
                [h.score, h.alignment_score, h.scorer_score].map(f64::to_bits);
            (h.tokens, h.frames, score, alignment, scorer)
        });
        hypotheses.collect()
    };
    (0..view.batch()).map(item).collect()
}

fn check<S: Scorer<State: std::fmt::Debug> + Send + Sync + Copy>(
    case: &Case,
    pruning: &CtcPruning,
    scorer: S,
) -> Result<(), TestCaseError> {
    let view = case.view();
    let expected = expected(case, &view, pruning, &scorer);
    for level in Level::available() {
        let search = CtcSearch::new(case.beams, case.blank).unwrap();
        let search = search.with_scorer(scorer).with_level(level).unwrap();
        let mut search = search.with_pruning(pruning.clone()).unwrap();
        for pool in POOLS.iter() {
            let nbest = pool.install(|| search.decode(&view)).unwrap();
            prop_assert_eq!(&plain(&nbest), &expected, "{} {:?}", level, pool);
        }
        for hypotheses in &plain(&search.decode(&view).unwrap()) {
            for (tokens, frames, ..) in hypotheses {
                prop_assert_eq!(tokens.len(), frames.len());
                prop_assert!(frames.windows(2).all(|pair| pair[0] < pair[1]));
            }
        }
    }
    Ok(())
}

fn prunings() -> impl Strategy<Value = CtcPruning> {
    let limits = (
        prop::option::of(0usize..5),
        prop::option::of(-4.0f64..0.0),
        prop::option::of(0.0f64..6.0),
        prop::option::of(-1.0f64..0.0),
    );
    limits.prop_map(|(top, least, distance, skip)| {
        let mut pruning = CtcPruning::none();
        if let Some(top) = top {
            pruning = pruning.top_tokens(top);
        }
        if let Some(least) = least {
            pruning = pruning.min_token_log_probability(least);
        }
        if let Some(distance) = distance {
            pruning = pruning.score_threshold(distance);
        }
        if let Some(skip) = skip {
            pruning = pruning.blank_skip(skip);
        }
        pruning
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn small_searches_equal_the_full_search(case in cases(9, 7, 6)) {
        check(&case, &CtcPruning::none(), Unscored)?;
    }

    #[test]
    fn pruned_searches_equal_the_full_search_pruned(case in cases(8, 7, 6), pruning in prunings()) {
        check(&case, &pruning, Unscored)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn wide_searches_equal_the_full_search(case in cases(14, 40, 40)) {
        check(&case, &CtcPruning::none(), Unscored)?;
    }
}
