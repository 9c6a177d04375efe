//! Compares the independent search with its naive reference, at every level and for
//! several thread counts: tokens, order and bits of the scores are the same.

#[path = "support/random.rs"]
mod random;

use std::sync::LazyLock;

use half::{bf16, f16};
use proptest::prelude::*;
use random::Random;
use rayon::{ThreadPool, ThreadPoolBuilder};
use widebeam::{
    Element, ErrorKind, IndependentSearch, Layout, Level, NBest, ScoreKind, ScoresView, reference,
};
use widebeam_toy::seeded;

static POOLS: LazyLock<Vec<ThreadPool>> = LazyLock::new(|| {
    let pool = |threads| {
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    [1, 2, 3, 8].map(pool).into()
});

/// A tensor with everything that a view of it needs.
#[derive(Debug)]
struct Case<T> {
    kind: ScoreKind,
    shape: [usize; 3],
    strides: [usize; 2],
    lengths: Vec<usize>,
    data: Vec<T>,
}

impl<T: Element> Case<T> {
    fn view(&self) -> ScoresView<'_> {
        let layout = Layout::strided(self.shape, self.strides);
        let view = ScoresView::new(self.kind, &self.data, layout).unwrap();
        view.with_lengths(&self.lengths).unwrap()
    }
}

fn kinds() -> impl Strategy<Value = ScoreKind> {
    prop_oneof![
        Just(ScoreKind::Probabilities),
        Just(ScoreKind::LogProbabilities),
        Just(ScoreKind::Logits),
    ]
}

/// How the values of a tensor are spread.
#[derive(Clone, Copy, Debug)]
enum Spread {
    /// Anything.
    Free,
    /// A handful of values, so that most are tied.
    Few(u32),
    /// One value.
    Constant,
    /// Mostly impossible.
    Sparse,
    /// As small, or as large, as numbers get.
    Extreme,
}

fn spreads() -> impl Strategy<Value = Spread> {
    prop_oneof![
        3 => Just(Spread::Free),
        2 => (2u32..5).prop_map(Spread::Few),
        1 => Just(Spread::Constant),
        1 => Just(Spread::Sparse),
        1 => Just(Spread::Extreme),
    ]
}

/// A score of `kind` from 32 random bits.
fn score(kind: ScoreKind, spread: Spread, bits: u32) -> f32 {
    let unit = match spread {
        Spread::Free => (bits >> 8) as f32 / (1 << 24) as f32,
        Spread::Few(values) => (bits % values) as f32 / values as f32,
        Spread::Constant => 0.25,
        Spread::Sparse if !bits.is_multiple_of(7) => 0.0,
        Spread::Extreme => return extreme(kind, bits),
        Spread::Sparse => 0.5 + (bits >> 8) as f32 / (1 << 25) as f32,
    };
    match kind {
        // Zero comes with both signs.
        ScoreKind::Probabilities if unit == 0.0 && bits & 1 == 1 => -0.0,
        ScoreKind::Probabilities => unit,
        ScoreKind::LogProbabilities if unit == 0.0 => f32::NEG_INFINITY,
        ScoreKind::LogProbabilities => unit.ln() * 3.0,
        ScoreKind::Logits if unit == 0.0 => f32::NEG_INFINITY,
        ScoreKind::Logits => (unit - 0.5) * 30.0,
    }
}

/// A subnormal probability, or a score far out that half precision has too.
fn extreme(kind: ScoreKind, bits: u32) -> f32 {
    match (kind, bits % 4) {
        (ScoreKind::Probabilities, 0) => 1.0,
        (ScoreKind::Probabilities, _) => f32::from_bits(bits >> 8 & 15),
        (ScoreKind::LogProbabilities, 0) => -6e-8,
        (ScoreKind::Logits, 0) => 65504.0,
        (_, 1) => -65504.0,
        (_, 2) => -0.0,
        _ => 0.0,
    }
}

/// A tensor of up to `steps` steps and `vocab` tokens, with gaps between rows
/// and items that hold NaN, which nothing may read.
fn cases<T: Element + std::fmt::Debug>(
    steps: usize,
    vocab: impl Strategy<Value = usize>,
    from: fn(f32) -> T,
) -> impl Strategy<Value = Case<T>> {
    let shape = (0usize..4, 0..=steps, vocab, 0usize..3, 0usize..5);
    (shape, kinds(), spreads(), any::<u64>(), any::<bool>()).prop_map(
        move |((batch, time, vocab, gap, item_gap), kind, spread, seed, time_first)| {
            let mut random = Random::new(seed | 1);
            let row = vocab + gap;
            let strides = if time_first {
                [row, batch * row + item_gap]
            } else {
                [time * row + item_gap, row]
            };
            let size = batch * (time * row + item_gap) + time * item_gap;
            let mut data = vec![from(f32::NAN); size];
            let lengths: Vec<usize> = (0..batch)
                .map(|_| match random.below(3) {
                    0 => time,
                    _ => random.below(time + 1),
                })
                .collect();
            for (item, &length) in lengths.iter().enumerate() {
                for step in 0..length {
                    let start = item * strides[0] + step * strides[1];
                    for value in &mut data[start..start + vocab] {
                        *value = from(score(kind, spread, random.bits()));
                    }
                }
            }
            Case {
                kind,
                shape: [batch, time, vocab],
                strides,
                lengths,
                data,
            }
        },
    )
}

/// Results as plain data, scores as bits.
fn flatten(nbest: &NBest) -> Vec<Vec<(Vec<u32>, u64)>> {
    let hypothesis =
        |h: widebeam::independent::Hypothesis<'_>| (h.tokens.to_vec(), h.score.to_bits());
    nbest
        .iter()
        .map(|item| item.unwrap().map(hypothesis).collect())
        .collect()
}

fn check<T: Element>(case: &Case<T>, beams: usize) -> Result<(), TestCaseError> {
    let view = case.view();
    let bits = |(tokens, score): &(Vec<u32>, f64)| (tokens.clone(), score.to_bits());
    let expected: Vec<Vec<_>> = reference::independent(&view, beams)
        .iter()
        .map(|item| item.iter().map(bits).collect())
        .collect();
    for level in Level::available() {
        let mut search = IndependentSearch::new(beams)
            .unwrap()
            .with_level(level)
            .unwrap();
        for pool in POOLS.iter() {
            let found = pool.install(|| search.decode(&view).unwrap());
            prop_assert_eq!(
                &flatten(&found),
                &expected,
                "{} x {}",
                level,
                pool.current_num_threads()
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(seeded::cases(150))]

    #[test]
    fn small_f32_tensors(case in cases(6, 1usize..40, |x| x), beams in 1usize..40) {
        check(&case, beams)?;
    }

    #[test]
    fn small_f16_tensors(case in cases(6, 1usize..40, f16::from_f32), beams in 1usize..40) {
        check(&case, beams)?;
    }

    #[test]
    fn small_bf16_tensors(case in cases(6, 1usize..40, bf16::from_f32), beams in 1usize..40) {
        check(&case, beams)?;
    }

    #[test]
    fn rows_of_many_stripes(case in cases(2, 100usize..3000, |x| x), beams in 1usize..12) {
        check(&case, beams)?;
    }

    #[test]
    fn rows_of_many_stripes_in_f16(case in cases(2, 100usize..3000, f16::from_f32), beams in 1usize..12) {
        check(&case, beams)?;
    }

    #[test]
    fn beams_wider_than_the_vocabulary(case in cases(5, 1usize..6, |x| x), beams in 1usize..700) {
        check(&case, beams)?;
    }
}

proptest! {
    #![proptest_config(seeded::cases(8))]

    #[test]
    fn wide_beams(case in cases(2, 400usize..1200, |x| x), beams in 100usize..500) {
        check(&case, beams)?;
    }
}

/// Every shape up to a few thousand sequences, and every beam width that
/// differs: the exact list of the best sequences.
#[test]
fn all_sequences_of_tiny_shapes_are_enumerated() {
    let mut random = Random::new(1);
    let mut shapes = 0;
    for vocab in 1usize..=60 {
        for time in 0usize..=11 {
            let sequences = vocab.pow(time as u32);
            if sequences > 3000 {
                break;
            }
            shapes += 1;
            // None is 0, which would make sequences impossible.
            let data: Vec<f32> = (0..time * vocab).map(|_| 1.0 - random.unit()).collect();
            let view = ScoresView::probabilities(&data, [1, time, vocab]).unwrap();
            let all = reference::enumerate(&view, 0);
            assert_eq!(all.len(), sequences);
            for beams in [1, 2, 7, sequences / 2, sequences, sequences + 1] {
                let beams = beams.max(1);
                let found = widebeam::beam_search(&view, beams).unwrap();
                assert_eq!(found.item(0).unwrap().len(), beams.min(sequences));
                for (found, (tokens, score)) in found.item(0).unwrap().zip(&all) {
                    assert_eq!((found.tokens, found.score), (&tokens[..], *score));
                }
            }
        }
    }
    assert!(shapes > 150, "{shapes}");
}

/// Scores of a hypothesis do not depend on the other items.
#[test]
fn an_invalid_score_is_named_and_harms_no_other_item() {
    let good: Vec<f32> = (0..4 * 3 * 50)
        .map(|i| (i * 37 % 101) as f32 / 101.0)
        .collect();
    let expected =
        widebeam::beam_search(&ScoresView::probabilities(&good, [4, 3, 50]).unwrap(), 4).unwrap();
    for (value, shown) in [
        (f32::NAN, "NaN"),
        (-f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
        (-0.25, "-0.25"),
        (1.5, "1.5"),
    ] {
        let mut data = good.clone();
        data[150 + 50 + 49] = value;
        data[450 + 7] = value;
        let view = ScoresView::probabilities(&data, [4, 3, 50]).unwrap();
        for level in Level::available() {
            let mut search = IndependentSearch::new(4)
                .unwrap()
                .with_level(level)
                .unwrap();
            let mut nbest = NBest::new();
            search.decode_into(&view, &mut nbest).unwrap();
            let error = nbest.item(1).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "item 1, step 1, token 49: {shown} is not a valid probability (limits: 0 and 1.001)"
                )
            );
            assert_eq!(error.item(), Some(1));
            assert_eq!(nbest.best(1), Err(error));
            let failed: Vec<usize> = nbest.failures().map(|(item, _)| item).collect();
            assert_eq!(failed, [1, 3]);
            for (item, error) in nbest.failures() {
                assert_eq!(nbest.item(item).unwrap_err(), *error);
            }
            for item in [0, 2] {
                assert!(nbest.item(item).unwrap().eq(expected.item(item).unwrap()));
            }
        }
    }
}

/// A part of a batch gives what it gives in the whole, and names items as the
/// whole does.
#[test]
fn some_items_alone_are_decoded_as_in_the_batch() {
    let mut data: Vec<f32> = (0..5 * 3 * 40)
        .map(|i| (i * 53 % 97) as f32 / 97.0)
        .collect();
    let lengths = [3, 0, 2, 3, 1];
    let decode = |data: &[f32], items: std::ops::Range<usize>| {
        let view = ScoresView::probabilities(data, [5, 3, 40]).unwrap();
        let view = view.with_lengths(&lengths).unwrap();
        widebeam::beam_search(&view.items(items), 6)
    };
    let whole = flatten(&decode(&data, 0..5).unwrap());
    for start in 0..=5 {
        for end in start..=5 {
            assert_eq!(
                flatten(&decode(&data, start..end).unwrap()),
                whole[start..end]
            );
        }
    }
    data[3 * 120 + 40] = -1.0;
    let part = decode(&data, 2..5).unwrap();
    let error = part.item(1).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("item 3, step 1, token 0: -1 "),
        "{error}"
    );
    assert_eq!(part.failures().len(), 1);
    for item in [0, 2] {
        let found = part.item(item).unwrap();
        let found: Vec<_> = found
            .map(|h| (h.tokens.to_vec(), h.score.to_bits()))
            .collect();
        assert_eq!(found, whole[2 + item]);
    }
}

#[test]
fn the_limits_of_each_kind_are_exact() {
    let cases = [
        (ScoreKind::Probabilities, 1.001f32, 1.001f32.next_up()),
        (ScoreKind::LogProbabilities, 0.001, 0.001f32.next_up()),
        (ScoreKind::Logits, f32::MAX, f32::INFINITY),
        (ScoreKind::LogProbabilities, f32::NEG_INFINITY, f32::NAN),
        (ScoreKind::Logits, f32::NEG_INFINITY, -f32::NAN),
    ];
    for (kind, valid, invalid) in cases {
        for vocab in [1, 5, 64, 65, 300, 5000] {
            for token in [0, vocab / 2, vocab - 1] {
                let mut data = vec![kind_value(kind); vocab];
                for level in Level::available() {
                    let mut search = IndependentSearch::new(2)
                        .unwrap()
                        .with_level(level)
                        .unwrap();
                    data[token] = valid;
                    let view = ScoresView::new(kind, &data, [1, vocab]).unwrap();
                    assert!(
                        search.decode(&view).unwrap().item(0).is_ok(),
                        "{kind:?} {valid} {vocab} {level}"
                    );
                    data[token] = invalid;
                    let view = ScoresView::new(kind, &data, [1, vocab]).unwrap();
                    let nbest = search.decode(&view).unwrap();
                    let error = nbest.item(0).unwrap_err().to_string();
                    assert!(
                        error.starts_with(&format!("item 0, step 0, token {token}: ")),
                        "{error}"
                    );
                }
            }
        }
    }
}

fn kind_value(kind: ScoreKind) -> f32 {
    match kind {
        ScoreKind::Probabilities => 0.01,
        ScoreKind::LogProbabilities => -3.0,
        ScoreKind::Logits => 3.0,
    }
}

#[test]
fn no_steps_give_the_empty_hypothesis_and_no_items_give_none() {
    let empty: [f32; 0] = [];
    let found = widebeam::beam_search(&ScoresView::logits(&empty, [2, 0, 7]).unwrap(), 3).unwrap();
    assert_eq!(flatten(&found), vec![vec![(vec![], 0.0f64.to_bits())]; 2]);
    let found = widebeam::beam_search(&ScoresView::logits(&empty, [0, 5, 7]).unwrap(), 3).unwrap();
    assert!(found.is_empty());
}

#[test]
fn a_position_where_all_is_impossible_leaves_no_hypothesis() {
    let probabilities = [0.5f32, 0.5, 0.0, 0.0, 0.5, 0.5];
    let logits = [f32::NEG_INFINITY; 6];
    for view in [
        ScoresView::probabilities(&probabilities, [1, 3, 2]).unwrap(),
        ScoresView::logits(&logits, [1, 3, 2]).unwrap(),
    ] {
        let found = widebeam::beam_search(&view, 3).unwrap();
        assert_eq!((found.len(), found.failures().len()), (1, 0));
        assert_eq!(found.item(0).unwrap().len(), 0);
        let error = found.best(0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoHypothesis);
        assert_eq!(error.item(), Some(0));
    }
}

/// One row seen as a batch of many, in place.
#[test]
fn strides_of_zero_repeat_a_row() {
    let row: Vec<f32> = (0..300).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
    let repeated: Vec<f32> = row.iter().copied().cycle().take(4 * 3 * 300).collect();
    let in_place = ScoresView::probabilities(&row, Layout::strided([4, 3, 300], [0, 0])).unwrap();
    let copied = ScoresView::probabilities(&repeated, [4, 3, 300]).unwrap();
    let found = widebeam::beam_search(&in_place, 20).unwrap();
    assert_eq!(found, widebeam::beam_search(&copied, 20).unwrap());
}

/// Shapes that no memory holds are errors at once, not loops or aborts.
#[test]
fn batches_beyond_all_memory_are_refused() {
    let empty: [f32; 0] = [];
    let one = [0.5f32; 7];
    // 2^40, or what 32 bits can count.
    let large = cfg!(target_pointer_width = "64");
    let many = usize::MAX >> if large { 24 } else { 5 };
    for view in [
        ScoresView::probabilities(&empty, [many, 0, 7]).unwrap(),
        ScoresView::probabilities(&empty, [usize::MAX, 0, 7]).unwrap(),
        ScoresView::probabilities(&one, Layout::strided([many, 2, 7], [0, 0])).unwrap(),
        ScoresView::probabilities(&one, Layout::strided([1, usize::MAX >> 4, 7], [0, 0])).unwrap(),
    ] {
        let mut nbest = NBest::new();
        let mut search = IndependentSearch::new(3).unwrap();
        let error = search.decode_into(&view, &mut nbest).unwrap_err();
        assert!(error.is_out_of_memory(), "{error}");
        assert!(nbest.is_empty());
    }
    // A long time axis of which little is used is read.
    let view = ScoresView::probabilities(&one, Layout::strided([2, many, 7], [0, 0])).unwrap();
    let found = widebeam::beam_search(&view.with_lengths(&[3, 1]).unwrap(), 2).unwrap();
    assert_eq!(found.best(0).unwrap().tokens, [0, 0, 0]);
}

#[test]
fn errors_about_nan_are_equal_to_themselves() {
    let view = ScoresView::logits(&[f32::NAN], [1, 1]).unwrap();
    let nbest = widebeam::beam_search(&view, 1).unwrap();
    let error = nbest.item(0).unwrap_err();
    assert_eq!(error, error.clone());
    assert_eq!(nbest, nbest.clone());
}

#[test]
fn hypotheses_can_be_taken_by_rank() {
    let data = [0.5f32, 0.3, 0.2];
    let found = widebeam::beam_search(&ScoresView::probabilities(&data, [1, 3]).unwrap(), 3);
    let found = found.unwrap();
    assert_eq!(found.item(0).unwrap().nth(2).unwrap().tokens, [2]);
    assert_eq!(found.item(0).unwrap().nth(3), None);
    assert_eq!((&found).into_iter().len(), 1);
}

#[test]
fn searches_and_results_can_cross_threads() {
    fn check<T: Send + Sync>() {}
    check::<IndependentSearch>();
    check::<NBest>();
    check::<ScoresView<'_>>();
    check::<widebeam::Error>();
}
