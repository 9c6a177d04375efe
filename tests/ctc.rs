//! Compares the CTC search with its naive reference, at every level and for several
//! thread counts: tokens, frames, order and bits of the scores are the same.

#[path = "support/ctc_case.rs"]
mod ctc_case;
#[path = "support/prunings.rs"]
mod prunings;
#[path = "support/random.rs"]
mod random;

use std::sync::LazyLock;

use ctc_case::{Case, Plain, expected, plain, plain_item};
use half::{bf16, f16};
use proptest::prelude::*;
use random::Random;
use rayon::{ThreadPool, ThreadPoolBuilder};
use widebeam::ctc::{Blank, CtcDetails, CtcGreedy, CtcHypothesis, CtcNBest, CtcPruning, CtcStream};
use widebeam::reference::{ctc as reference, scorers::PrefixScorer, toy::Anything};
use widebeam::scorers::{Scorer, Unscored};
use widebeam::{
    CancellationToken, CtcSearch, Element, Error, ErrorKind, Hypotheses, Layout, Level, ScoreKind,
    ScoresView,
};
use widebeam_toy::seeded;

static POOLS: LazyLock<Vec<ThreadPool>> = LazyLock::new(|| {
    let pool = |threads| {
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    [1, 3].map(pool).into()
});

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

fn log_probability(spread: Spread, random: &mut Random) -> f32 {
    match spread {
        Spread::Flat | Spread::Peaked => random.unit().ln(),
        Spread::Tied => -((random.bits() % 3) as f32),
        Spread::Sparse if random.bits().is_multiple_of(3) => random.unit().ln(),
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
            let mut random = Random::new(seed | 1);
            let mut data: Vec<f32> = Vec::new();
            for _ in 0..batch * time {
                let start = data.len();
                data.extend((0..vocab).map(|_| log_probability(spread, &mut random)));
                if let Spread::Peaked = spread {
                    let peak = random.below(vocab);
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
                _ => random.below(time + 1),
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

fn check<S: Scorer<State: std::fmt::Debug> + PrefixScorer + Send + Sync + Copy>(
    case: &Case,
    pruning: &CtcPruning,
    scorer: S,
) -> Result<(), TestCaseError> {
    let view = case.view();
    let expected = expected(case, &view, pruning, &scorer);
    for level in Level::available() {
        let search = CtcSearch::new(case.beams, Blank(case.blank)).unwrap();
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
    prunings::any(5, 0.5, 0.5)
}

proptest! {
    #![proptest_config(seeded::cases(400))]

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
    #![proptest_config(seeded::cases(40))]

    #[test]
    fn wide_searches_equal_the_full_search(case in cases(14, 40, 40)) {
        check(&case, &CtcPruning::none(), Unscored)?;
    }

    #[test]
    fn greedy_decoding_finds_the_best_token_of_each_frame(case in cases(14, 40, 1)) {
        check_greedy(&case)?;
    }

    // A single thread makes no lists of the long rows of a batch. Three threads do,
    // because the batch has two items at most.
    #[test]
    fn searches_of_long_rows_equal_the_full_search(case in cases(9, 300, 24)) {
        check(&case, &CtcPruning::none(), Unscored)?;
        check(&case, &CtcPruning::none().with_score_threshold(3.0).with_commit_delay(4), Unscored)?;
    }
}

proptest! {
    #![proptest_config(seeded::cases(50))]

    // A row whose tokens are pruned is never read late.
    #[test]
    fn pruned_searches_of_long_rows_equal_the_full_search_pruned(
        case in cases(6, 90, 5),
        pruning in prunings(),
    ) {
        check(&case, &pruning, Unscored)?;
    }
}

proptest! {
    #![proptest_config(seeded::cases(60))]

    // A stream makes lists of long rows, a batch on one thread does not.
    #[test]
    fn any_chunking_of_long_rows_equals_one_call(
        case in cases(16, 260, 9),
        seed in any::<u64>(),
        taking in any::<bool>(),
    ) {
        check_chunks(&case, CtcPruning::none(), seed, taking)?;
    }
}

/// Compares greedy decoding, at every level and for several threads, with its reference.
fn check_greedy(case: &Case) -> Result<(), TestCaseError> {
    let view = case.view();
    for level in Level::available() {
        let greedy = CtcGreedy::new(Blank(case.blank)).unwrap();
        let mut greedy = greedy.with_level(level).unwrap();
        prop_assert_eq!((greedy.level(), greedy.blank().0), (level, case.blank));
        for pool in POOLS.iter() {
            let nbest = pool.install(|| greedy.decode(&view)).unwrap();
            prop_assert_eq!(nbest.len(), view.batch());
            for (item, found) in nbest.iter().enumerate() {
                let mut found = found.unwrap();
                let expected = reference::greedy(&view, item, case.blank);
                let found = found.next().map(|found| {
                    prop_assert_eq!(found.scorer_score.to_bits(), 0);
                    Ok((
                        found.tokens.to_vec(),
                        found.frames.to_vec(),
                        found.last_frames.to_vec(),
                        [found.score, found.log_mass, found.alignment_score].map(f64::to_bits),
                    ))
                });
                let expected = expected.map(|found| {
                    let scores = [found.score, found.log_mass, found.alignment_score];
                    let scores = scores.map(f64::to_bits);
                    (found.tokens, found.frames, found.last_frames, scores)
                });
                prop_assert_eq!(found.transpose()?, expected, "{} {:?}", level, pool);
            }
        }
    }
    Ok(())
}

/// An item with an invalid score is refused alone, and names itself in its batch; the others
/// are decoded. What the blank, the shape and the token refuse is an error of the call.
#[test]
fn greedy_decoding_refuses_what_the_search_refuses() {
    let data = [0.9f32, 0.1, f32::NAN, 0.1, 0.2, 0.8];
    let view = ScoresView::probabilities(&data, [3, 1, 2]).unwrap();
    let mut greedy = CtcGreedy::new(Blank(0)).unwrap();
    let nbest = greedy.decode(&view.items(1..3)).unwrap();
    let error = nbest.best(0).unwrap_err();
    assert_eq!(
        (error.item(), error.step(), error.token()),
        (Some(1), Some(0), Some(0))
    );
    assert_eq!((nbest.best(1).unwrap().tokens, nbest.len()), (&[1][..], 2));
    let narrow = ScoresView::probabilities(&data[..1], [1, 1]).unwrap();
    let error = CtcGreedy::new(Blank(1))
        .unwrap()
        .decode(&narrow)
        .unwrap_err();
    assert!(error.to_string().contains("blank"), "{error}");
    let token = CancellationToken::new();
    token.cancel();
    greedy.set_cancellation(Some(token));
    let mut nbest = nbest;
    let error = greedy.decode_into(&view, &mut nbest).unwrap_err();
    assert_eq!((error.kind(), nbest.len()), (ErrorKind::Cancelled, 0));
    greedy.set_cancellation(None);
    let needed = greedy.bytes_needed(&view);
    let mut greedy = greedy.with_max_bytes(Some(needed - 1));
    let error = greedy.decode_into(&view, &mut nbest).unwrap_err();
    assert_eq!((error.kind(), nbest.len()), (ErrorKind::LimitExceeded, 0));
    let mut greedy = greedy.with_max_bytes(Some(needed));
    assert_eq!(greedy.max_bytes(), Some(needed));
    greedy.decode_into(&view, &mut nbest).unwrap();
    assert!(nbest.best(0).unwrap().tokens.is_empty());
}

/// Compares a stream that is fed any chunks, at every level, with one call on one
/// thread.
fn check_chunks(
    case: &Case,
    pruning: CtcPruning,
    seed: u64,
    taking: bool,
) -> Result<(), TestCaseError> {
    let view = case.view();
    let search = CtcSearch::new(case.beams, Blank(case.blank)).unwrap();
    let mut search = search.with_pruning(pruning).unwrap();
    let expected = plain(&POOLS[0].install(|| search.decode(&view)).unwrap());
    let mut cuts = Random::new(seed | 1);
    for level in Level::available() {
        search = search.with_level(level).unwrap();
        let mut stream = search.stream();
        for (item, expected) in expected.iter().enumerate() {
            let found = streamed(&mut stream, case, &view, item, &mut cuts, taking);
            prop_assert_eq!(&found, expected);
        }
    }
    Ok(())
}

/// Feeds the emissions of an item in chunks; returns the hypotheses behind the tokens
/// that were taken on the way.
fn streamed<S: Scorer>(
    stream: &mut CtcStream<S>,
    case: &Case,
    view: &ScoresView<'_>,
    item: usize,
    cuts: &mut Random,
    taking: bool,
) -> Vec<Plain> {
    let (mut tokens, mut frames) = (Vec::new(), Vec::new());
    let mut at = 0;
    stream.reset();
    while at < view.length(item) {
        let more = cuts.below(4).min(view.length(item) - at);
        stream.push(&case.frames(item, at, more)).unwrap();
        at += more;
        if taking && cuts.bits().is_multiple_of(2) {
            stream.take_stable(&mut tokens, &mut frames).unwrap();
        } else if cuts.bits().is_multiple_of(3) {
            let stable = stream.stable();
            let stable = (stable.0.to_vec(), stable.1.to_vec());
            for hypothesis in stream.current().unwrap() {
                assert!(hypothesis.tokens.starts_with(&stable.0));
                assert!(hypothesis.frames.starts_with(&stable.1));
            }
            let best = stream.current().unwrap().best();
            let best = best.map(|best| plain_item([best]));
            let alone = stream.current_best();
            assert_eq!(alone.map(|alone| plain_item([alone])), best);
        }
    }
    assert_eq!(stream.frames(), view.length(item));
    let mut found = plain_item(stream.finish().unwrap());
    for hypothesis in &mut found {
        hypothesis.0.splice(0..0, tokens.iter().copied());
        hypothesis.1.splice(0..0, frames.iter().copied());
    }
    found
}

proptest! {
    #![proptest_config(seeded::cases(300))]

    #[test]
    fn any_chunking_equals_one_call(
        case in cases(24, 6, 5),
        pruning in prop_oneof![Just(CtcPruning::none()), prunings()],
        seed in any::<u64>(),
        taking in any::<bool>(),
    ) {
        check_chunks(&case, pruning, seed, taking)?;
    }

    #[test]
    fn an_open_beam_finds_all_mass_and_the_best_alignments(case in cases(5, 4, 1)) {
        let view = case.view();
        let mut search = CtcSearch::new(2000, Blank(case.blank)).unwrap();
        let nbest = search.decode(&view).unwrap();
        for item in 0..view.batch() {
            let all = reference::labellings(&view, item, case.blank);
            prop_assert_eq!(nbest.item(item).unwrap().len(), all.len());
            for found in nbest.item(item).unwrap() {
                let tolerance = 1e-12 * found.score.abs().max(1.0);
                prop_assert!((all[found.tokens] - found.score).abs() <= tolerance);
                let (forward, best) = reference::forward(&view, item, case.blank, found.tokens);
                prop_assert!((forward - found.score).abs() <= tolerance);
                prop_assert!((best - found.alignment_score).abs() <= tolerance);
                prop_assert!(found.alignment_score <= found.score + tolerance);
            }
        }
    }
}

#[test]
fn half_precision_and_time_first_are_read_where_they_lie() {
    for vocab in [17, 170] {
        reads_where_it_lies(vocab, f16::from_f32, f16::to_f32);
        reads_where_it_lies(vocab, bf16::from_f32, bf16::to_f32);
    }
}

fn reads_where_it_lies<E: Element + Copy>(vocab: usize, round: fn(f32) -> E, widen: fn(E) -> f32) {
    let mut random = Random::new(11);
    let [batch, time] = [2, 11];
    let values = (0..batch * time * vocab).map(|_| round(random.unit()));
    let halves: Vec<E> = values.collect();
    let singles: Vec<f32> = halves.iter().map(|&half| widen(half)).collect();
    let mut time_first = vec![0.0; singles.len()];
    for (row, values) in singles.chunks(vocab).enumerate() {
        let (item, step) = (row / time, row % time);
        time_first[(step * batch + item) * vocab..][..vocab].copy_from_slice(values);
    }
    let shape = [batch, time, vocab];
    let layout = Layout::strided(shape, [vocab, batch * vocab]);
    // With two beams most repeats are gathered from the row.
    let mut search = CtcSearch::new(2, Blank(3)).unwrap();
    // On one thread rows are read when their turn comes, on three they are listed first.
    let mut decode = |view: ScoresView<'_>| {
        let [one, many] = [&POOLS[0], &POOLS[1]]
            .map(|pool| plain(&pool.install(|| search.decode(&view).unwrap())));
        assert_eq!(one, many);
        one
    };
    let expected = decode(ScoresView::probabilities(&singles, shape).unwrap());
    assert_eq!(
        decode(ScoresView::probabilities(&halves, shape).unwrap()),
        expected
    );
    assert_eq!(
        decode(ScoresView::probabilities(&time_first, layout).unwrap()),
        expected
    );
}

#[test]
fn an_item_without_frames_has_the_empty_hypothesis() {
    let mut search = CtcSearch::new(3, Blank(1)).unwrap();
    let view = ScoresView::probabilities(&[0f32; 0], [2, 0, 4]).unwrap();
    let empty = (vec![], vec![], [0f64.to_bits(); 3]);
    let nbest = search.decode(&view).unwrap();
    assert_eq!(plain(&nbest), [[empty.clone()], [empty.clone()]]);
    assert_eq!(plain_item(search.stream().finish().unwrap()), [empty]);
}

#[test]
fn an_impossible_frame_leaves_no_hypothesis() {
    let mut search = CtcSearch::new(3, Blank(0)).unwrap();
    let data = [0.5f32, 0.5, 0.0, 0.0, 0.5, 0.5];
    let view = ScoresView::probabilities(&data, [1, 3, 2]).unwrap();
    let nbest = search.decode(&view).unwrap();
    assert_eq!(nbest.item(0).unwrap().len(), 0);
    let error = nbest.best(0).unwrap_err();
    assert_eq!(
        (error.kind(), error.item()),
        (ErrorKind::NoHypothesis, Some(0))
    );
    let mut stream = search.stream();
    stream.push(&view).unwrap();
    let errors = [
        stream.current().unwrap().best().unwrap_err(),
        stream.current_best().unwrap_err(),
        stream.finish().unwrap().best().unwrap_err(),
    ];
    for error in errors {
        assert_eq!(
            (error.kind(), error.item()),
            (ErrorKind::NoHypothesis, None)
        );
    }
}

#[test]
fn a_prefix_that_comes_back_meets_its_child() {
    // A prefix can leave the beam while a longer one lives on, and be made
    // again: its extension must then merge with the longer one. Narrow beams
    // over few tokens that are far from sure make that common.
    let mut random = Random::new(77);
    for _ in 0..2000 {
        let time = 4 + random.below(9);
        let data = (0..time * 3).map(|_| [0.1, 0.2, 0.4, 0.8][random.below(4)]);
        let case = Case {
            kind: ScoreKind::Probabilities,
            shape: [1, time, 3],
            lengths: vec![time],
            data: data.collect(),
            beams: 2 + random.below(5),
            blank: 0,
        };
        check(&case, &CtcPruning::none(), Unscored).unwrap();
    }
}

#[test]
fn a_bad_item_is_named_and_the_others_are_decoded() {
    // Short rows, and long ones read with and without a list.
    for vocab in [4, 400] {
        for pool in POOLS.iter().chain([&*MANY_THREADS]) {
            for bad in [f32::NAN, 2.0, 1.0011, -0.25, f32::INFINITY] {
                pool.install(|| refuses_one_item(vocab, bad));
            }
        }
    }
}

#[test]
fn every_bad_item_is_named_in_order() {
    for vocab in [4, 200] {
        for pool in POOLS.iter() {
            pool.install(|| refuses_two_items(vocab));
        }
    }
}

fn refuses_two_items(vocab: usize) {
    let mut random = Random::new(8);
    let mut data: Vec<f32> = (0..4 * 3 * vocab).map(|_| -random.unit()).collect();
    let shape = [4, 3, vocab];
    let view = ScoresView::log_probabilities(&data, shape).unwrap();
    let mut search = CtcSearch::new(3, Blank(1)).unwrap();
    let good = plain(&search.decode(&view).unwrap());
    // The first frame of the first item and the last of the last are bad. So is a
    // frame beyond the length of item 2, which is not read.
    data[2] = 0.5;
    data[(3 * 3 + 2) * vocab + 3] = f32::NAN;
    data[(2 * 3 + 2) * vocab] = f32::INFINITY;
    let view = ScoresView::log_probabilities(&data, shape).unwrap();
    let view = view.with_lengths(&[3, 3, 2, 3]).unwrap();
    let mut nbest = CtcNBest::new();
    search.decode_into(&view, &mut nbest).unwrap();
    let named: Vec<_> = nbest
        .failures()
        .map(|(item, error)| (item, error.to_string()[..24].to_owned()))
        .collect();
    let expected = [
        (0, "item 0, step 0, token 2:".to_owned()),
        (3, "item 3, step 2, token 3:".to_owned()),
    ];
    assert_eq!(named, expected);
    for (item, error) in nbest.failures() {
        assert_eq!(nbest.item(item).unwrap_err(), *error);
        assert_eq!(nbest.best(item).unwrap_err(), *error);
    }
    assert_eq!(nbest.len(), 4);
    assert_eq!(plain_item(nbest.item(1).unwrap()), good[1]);
    assert!(nbest.item(2).unwrap().len() > 0 && nbest.best(2).is_ok());
    let counts = nbest.iter().map(|item| item.map_or(0, |found| found.len()));
    assert_eq!(counts.sum::<usize>(), nbest.scores().len());
    assert_eq!(nbest.item_ends().last(), Some(&nbest.scores().len()));
    assert_eq!(nbest.token_ends().last(), Some(&nbest.tokens().len()));
    assert_eq!(nbest.tokens().len(), nbest.frames().len());
    assert_eq!(nbest.alignment_scores().len(), nbest.scores().len());
}

static MANY_THREADS: LazyLock<ThreadPool> =
    LazyLock::new(|| ThreadPoolBuilder::new().num_threads(8).build().unwrap());

fn refuses_one_item(vocab: usize, bad: f32) {
    let mut random = Random::new(5);
    let mut data: Vec<f32> = (0..5 * 9 * vocab).map(|_| random.unit()).collect();
    let good = data.clone();
    data[(3 * 9 + 7) * vocab + 2] = bad;
    let mut search = CtcSearch::new(4, Blank(0)).unwrap();
    let view = ScoresView::probabilities(&data, [5, 9, vocab]).unwrap();
    let mut nbest = CtcNBest::new();
    search.decode_into(&view, &mut nbest).unwrap();
    let error = nbest.item(3).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("item 3, step 7, token 2: {bad} is not a valid probability (limits: 0 and 1.001)")
    );
    assert_eq!(nbest.failures().collect::<Vec<_>>(), [(3, &error)]);
    let view = ScoresView::probabilities(&good, [5, 9, vocab]).unwrap();
    let expected = plain(&search.decode(&view).unwrap());
    assert_eq!(nbest.len(), expected.len());
    for item in [0, 1, 2, 4] {
        assert_eq!(plain_item(nbest.item(item).unwrap()), expected[item]);
    }
}

/// Why a prefix that is carried over and entered too goes by the better of its two
/// sources where scores tie, and not by its own rank alone.
#[test]
fn a_carried_prefix_that_is_entered_goes_by_the_better_source_or_the_bound_would_not_hold() {
    const BEAMS: usize = 3;
    let nothing = f32::NEG_INFINITY;
    // Blank, x, a, b, c, d. After two frames x has rank 0, and xa and xb, so
    // far below that they add nothing to what enters them, have ranks 1 and 2.
    // Then all tokens tie, and there is no blank.
    let data = [
        [nothing, 0.0, nothing, nothing, nothing, nothing],
        [nothing, 0.0, -100.0, -100.0, nothing, nothing],
        [nothing, -1.0, -1.0, -1.0, -1.0, -1.0],
    ];
    let view = ScoresView::log_probabilities(data.as_flattened(), [1, 3, 6]).unwrap();
    let mut search = CtcSearch::new(BEAMS, Blank(0)).unwrap();
    let nbest = search.decode(&view).unwrap();
    let found: Vec<_> = nbest
        .item(0)
        .unwrap()
        .map(|h| (h.tokens.to_vec(), h.score))
        .collect();
    let expected = [vec![1], vec![1, 2], vec![1, 3]].map(|tokens| (tokens, -1.0));
    assert_eq!(found, expected);

    // The keys of the last frame's candidates, all of score -1, from rank 0 on,
    // had the two carried prefixes nothing but their own ranks: source, whether new, own
    // rank or the token's. xc and xd would go before them.
    let carried = [(0, false, 0), (1, false, 1), (2, false, 2)];
    let mut literal = Vec::from(carried);
    literal.extend([(0, true, 3), (0, true, 4)]);
    literal.sort_unstable();
    let kept = &literal[..BEAMS];
    assert_eq!(kept, [(0, false, 0), (0, true, 3), (0, true, 4)]);
    // So the token of rank 5, from 1, would extend the prefix of rank 1, and
    // neither r (s - 1) <= W nor a list of W + 1 tokens would do.
    let (rank, token) = (kept[2].0 + 1, kept[2].2 + 1);
    assert!(rank * (token - 1) > BEAMS && token > BEAMS + 1);
}

#[test]
fn limits_that_are_no_numbers_or_leave_no_token_are_refused() {
    let search = |pruning| CtcSearch::new(2, Blank(0)).unwrap().with_pruning(pruning);
    let none = CtcPruning::none;
    let tokens = "the number of top tokens";
    let least = "the minimum token log-probability";
    let distance = "the score threshold";
    let skip = "the blank skip";
    let delay = "the commit delay";
    for (pruning, what, said) in [
        (none().with_top_tokens(0), tokens, "0; it must be 1 or more"),
        (
            none().with_min_token_log_probability(0.5),
            least,
            "0.5; it must be 0 or less",
        ),
        (
            none().with_min_token_log_probability(f64::INFINITY),
            least,
            "inf; it must be 0 or less",
        ),
        (
            none().with_min_token_log_probability(f64::NAN),
            least,
            "NaN; it must be 0 or less",
        ),
        (
            none().with_score_threshold(-1.0),
            distance,
            "-1; it must be 0 or more",
        ),
        (
            none().with_score_threshold(f64::NAN),
            distance,
            "NaN; it must be 0 or more",
        ),
        (
            none().with_blank_skip(f64::NAN),
            skip,
            "NaN; it must be 0 or less",
        ),
        (
            none().with_blank_skip(0.99),
            skip,
            "0.99; it must be 0 or less",
        ),
        (
            none().with_commit_delay(0),
            delay,
            "0; it must be 1 or more",
        ),
    ] {
        let error = search(pruning).unwrap_err();
        assert_eq!(error.to_string(), format!("{what} is {said}"));
    }
    for pruning in [
        none().with_top_tokens(1).with_commit_delay(1),
        none()
            .with_top_tokens(usize::MAX)
            .with_commit_delay(usize::MAX),
        none()
            .with_min_token_log_probability(0.0)
            .with_score_threshold(0.0),
        none().with_min_token_log_probability(f64::NEG_INFINITY),
        none().with_score_threshold(f64::INFINITY),
        none().with_blank_skip(0.0),
    ] {
        search(pruning).unwrap();
    }
}

#[test]
fn wrong_settings_and_wrong_frames_are_refused() {
    let message = |error: widebeam::Error| error.to_string();
    assert!(message(CtcSearch::new(0, Blank(0)).unwrap_err()).contains("at least 1"));
    assert!(message(CtcSearch::new(usize::MAX, Blank(0)).unwrap_err()).contains("limit"));
    let mut search = CtcSearch::new(2, Blank(4)).unwrap();
    let frame = [0.5f32, 0.5, 0.0, 0.0];
    let view = ScoresView::probabilities(&frame, [1, 4]).unwrap();
    assert_eq!(
        message(search.decode(&view).unwrap_err()),
        "the blank is token 4, beyond a vocabulary of 4 tokens"
    );
    let mut stream = CtcSearch::new(2, Blank(0)).unwrap().stream();
    stream.push(&view).unwrap();
    let narrow = ScoresView::probabilities(&frame[..2], [1, 2]).unwrap();
    assert_eq!(
        message(stream.push(&narrow).unwrap_err()),
        "frames of 2 tokens were fed to a stream that began with 4"
    );
    let two = ScoresView::probabilities(&frame, [2, 1, 2]).unwrap();
    assert!(message(stream.push(&two).unwrap_err()).contains("a batch of 2"));
    let bad_frame = [0.5f32, 0.5, 0.0, 0.0, 0.5, 2.0, 0.0, 0.0];
    let bad = ScoresView::probabilities(&bad_frame, [2, 4]).unwrap();
    let before = plain_item(stream.current().unwrap());
    assert!(message(stream.push(&bad).unwrap_err()).starts_with("item 0, step 1, token 1: 2"));
    assert_eq!(
        (plain_item(stream.current().unwrap()), stream.frames()),
        (before, 1)
    );
    stream.finish().unwrap();
    assert_eq!(
        message(stream.push(&view).unwrap_err()),
        "the stream was finished after 1 frames; reset it first"
    );
    assert!(stream.finish().is_err());
    stream.reset();
    stream.push(&view).unwrap();
}

#[test]
fn streams_and_searches_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<CtcStream>();
    is_send::<CtcSearch>();
    is_send::<CtcNBest>();
}

/// The sequences that a pruned search finds; checks every level.
fn found(case: &Case, pruning: &CtcPruning) -> Vec<Vec<u32>> {
    check(case, pruning, Unscored).unwrap();
    let expected = expected(case, &case.view(), pruning, &Unscored);
    expected[0]
        .iter()
        .map(|(tokens, ..)| tokens.clone())
        .collect()
}

/// A case of frames of log-probabilities, given as scores of some kind.
fn exact(frames: &[[f32; 5]], kind: ScoreKind) -> Case {
    let value = |&log: &f32| match kind {
        ScoreKind::Probabilities => log.exp(),
        ScoreKind::LogProbabilities => log,
        ScoreKind::Logits => log + 2.0,
    };
    Case {
        kind,
        shape: [1, frames.len(), 5],
        lengths: vec![frames.len()],
        data: frames.as_flattened().iter().map(value).collect(),
        beams: 20,
        blank: 1,
    }
}

const KINDS: [ScoreKind; 3] = [
    ScoreKind::Probabilities,
    ScoreKind::LogProbabilities,
    ScoreKind::Logits,
];

#[test]
fn a_blank_at_exactly_the_limit_of_blank_skip_skips() {
    let empty = vec![Vec::<u32>::new()];
    for kind in KINDS {
        let case = exact(&[[-0.5, -1.0, -2.0, -3.0, -4.0]; 2], kind);
        let limit = widebeam::reference::log_probability_row(&case.view(), 0, 0)[1];
        let skip = |limit| found(&case, &CtcPruning::none().with_blank_skip(limit));
        assert_eq!(skip(limit), empty, "{kind:?}");
        assert_eq!(skip(limit.next_down()), empty, "{kind:?}");
        assert!(skip(limit.next_up()).len() > 9, "{kind:?}");
    }
}

#[test]
fn a_token_at_exactly_the_least_log_probability_is_kept() {
    for kind in KINDS {
        // The token of the first frame repeats in the second.
        let case = exact(
            &[
                [-0.5, -30.0, -2.0, -3.0, -4.0],
                [-2.0, -30.0, -0.5, -3.0, -4.0],
            ],
            kind,
        );
        let logs =
            [0, 1].map(|step| widebeam::reference::log_probability_row(&case.view(), 0, step));
        let least = |limit| {
            found(
                &case,
                &CtcPruning::none().with_min_token_log_probability(limit),
            )
        };
        assert_eq!(logs[0][2], logs[1][0]);
        let limit = logs[0][2];
        let kept = least(limit);
        assert!(kept.contains(&vec![2, 0]), "{kind:?} {kept:?}");
        assert_eq!(kept, least(limit.next_down()), "{kind:?}");
        // The best token of each frame carried.
        let dropped = least(limit.next_up());
        assert!(!dropped.contains(&vec![2, 0]), "{kind:?} {dropped:?}");
        assert!(dropped.contains(&vec![0, 2]), "{kind:?} {dropped:?}");
        // The repeat of the best token becomes impossible.
        let mass = |limit| {
            let pruning = CtcPruning::none().with_min_token_log_probability(limit);
            let found = &expected(&case, &case.view(), &pruning, &Unscored)[0];
            let first = found.iter().find(|(tokens, ..)| tokens[..] == [0]).unwrap();
            f64::from_bits(first.2[0])
        };
        assert!(mass(limit) > mass(limit.next_up()) + 1.0, "{kind:?}");
    }
}

#[test]
fn of_tied_tokens_the_first_are_the_top() {
    // The blank ties too, or is not among the best.
    for (kind, blank) in KINDS
        .into_iter()
        .flat_map(|kind| [(kind, -1.0), (kind, -9.0)])
    {
        let case = exact(&[[-1.0, blank, -1.0, -1.0, -2.0]], kind);
        for top in 1..=4 {
            let mut kept = found(&case, &CtcPruning::none().with_top_tokens(top));
            kept.sort();
            let tokens = [0, 2, 3, 4].into_iter().take(top);
            let mut expected: Vec<Vec<u32>> = vec![vec![]];
            expected.extend(tokens.map(|token| vec![token]));
            assert_eq!(kept, expected, "{kind:?} {top}");
        }
    }
}

#[test]
fn a_prefix_at_exactly_the_score_threshold_is_kept() {
    let tie = |frames: &[[f32; 5]], distance: f64| {
        let case = exact(frames, ScoreKind::LogProbabilities);
        found(&case, &CtcPruning::none().with_score_threshold(distance)).len()
    };
    // Two tokens tie at the threshold of 1, two are below it.
    let frame = [-0.25, -1.25, -1.25, -2.25, -4.0];
    for (distance, kept) in [(0.0, 1), (1.0, 3), (2.0, 4), (3.75, 5)] {
        assert_eq!(tie(&[frame], distance), kept);
        if distance > 0.0 {
            // A smaller step would be lost when the difference is rounded.
            assert!(tie(&[frame], distance - 1e-15) < kept);
        }
        assert_eq!(tie(&[frame], distance + 1e-15), kept);
    }
    // The best tokens tie.
    assert_eq!(tie(&[[-0.5, -0.5, -0.5, -1.0, -1.0]], 0.0), 3);
    // A prefix that is dropped can come back only as an extension.
    let nothing = f32::NEG_INFINITY;
    let frames = [frame, [nothing, -0.5, nothing, -0.5, nothing]];
    for distance in [1.0, 1.0 - 1e-15, 0.0] {
        tie(&frames, distance);
    }
}

#[test]
fn wide_beams_over_flat_frames_equal_the_full_search() {
    let mut random = Random::new(31);
    for (beams, half) in [(13, 20), (24, 30), (50, 60)] {
        for jitter in [0.0, 0.01, 2.0] {
            let (frames, vocab) = (3, 2 * half + 1);
            let mut data = Vec::new();
            for frame in 0..frames {
                data.push(-20.0);
                for token in 0..2 * half {
                    let flat = (token < half) == (frame % 2 == 0);
                    data.push(if flat {
                        -jitter * random.unit()
                    } else {
                        f32::NEG_INFINITY
                    });
                }
            }
            let case = Case {
                kind: ScoreKind::LogProbabilities,
                shape: [1, frames, vocab],
                lengths: vec![frames],
                data,
                beams,
                blank: 0,
            };
            check(&case, &CtcPruning::none(), Unscored).unwrap();
        }
    }
}

#[test]
fn tokens_of_equal_logarithms_are_in_the_order_of_their_values() {
    // These logits are too small to change any sum.
    let tiny = [3e-30f32, 0.0, 1e-30, -2e-30, 5e-30];
    for vocab in [5, 70] {
        for beams in [1, 2, 3, 4, 6] {
            let mut random = Random::new(3);
            let data = (0..3 * vocab).map(|_| tiny[random.below(5)]);
            let case = Case {
                kind: ScoreKind::Logits,
                shape: [1, 3, vocab],
                lengths: vec![3],
                data: data.collect(),
                beams,
                blank: 2,
            };
            let logs = widebeam::reference::log_probability_row(&case.view(), 0, 0);
            assert!(logs.iter().all(|&log| log == logs[0]));
            check(&case, &CtcPruning::none(), Unscored).unwrap();
            check(&case, &CtcPruning::none().with_top_tokens(2), Unscored).unwrap();
        }
    }
}

/// The same scorer where the input has not ended.
#[derive(Clone, Copy, Debug)]
struct GoesOn<S>(S);

impl<S: PrefixScorer> PrefixScorer for GoesOn<S> {
    fn last(&self, prefix: &[u32]) -> f64 {
        self.0.last(prefix)
    }

    fn end(&self, _: &[u32]) -> f64 {
        0.0
    }

    fn tries_all(&self) -> bool {
        self.0.tries_all()
    }
}

/// The best hypothesis, if one is possible.
fn possible<'a>(best: Result<CtcHypothesis<'a>, Error>) -> Option<CtcHypothesis<'a>> {
    match best {
        Ok(best) => Some(best),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NoHypothesis);
            None
        }
    }
}

/// The hypotheses of a stream behind the tokens and frames that were taken.
fn behind<'a>(
    taken: &(Vec<u32>, Vec<u32>),
    hypotheses: impl IntoIterator<Item = CtcHypothesis<'a>>,
) -> Vec<Plain> {
    let mut found = plain_item(hypotheses);
    for (tokens, frames, ..) in &mut found {
        tokens.splice(0..0, taken.0.iter().copied());
        frames.splice(0..0, taken.1.iter().copied());
    }
    found
}

/// Compares all that a stream knows at every frame with the definition on the frames so
/// far, whose end is not scored.
fn asked_at_every_frame<S: Scorer + PrefixScorer + Send + Sync + Copy>(
    case: &Case,
    pruning: &CtcPruning,
    scorer: S,
    taking: bool,
) -> Result<(), TestCaseError> {
    let [batch, time, _] = case.shape;
    let search = CtcSearch::new(case.beams, Blank(case.blank)).unwrap();
    let search = search
        .with_scorer(scorer)
        .with_pruning(pruning.clone())
        .unwrap();
    let mut stream = search.stream();
    for item in 0..batch {
        stream.reset();
        let mut taken = (Vec::new(), Vec::new());
        for at in 0..=time {
            let lengths = vec![at; batch];
            let view = ScoresView::new(case.kind, &case.data, case.shape).unwrap();
            let view = view.with_lengths(&lengths).unwrap();
            let open = expected(case, &view, pruning, &GoesOn(scorer)).swap_remove(item);
            let best = behind(&taken, possible(stream.current_best()));
            prop_assert_eq!(&best[..], &open[..open.len().min(1)], "the best at {}", at);
            prop_assert_eq!(
                &behind(&taken, stream.current().unwrap()),
                &open,
                "at {}",
                at
            );
            let stable = stream.stable();
            let stable = (
                [&taken.0[..], stable.0].concat(),
                [&taken.1[..], stable.1].concat(),
            );
            for (tokens, frames, ..) in &open {
                prop_assert!(tokens.starts_with(&stable.0) && frames.starts_with(&stable.1));
            }
            if taking && at % 2 == 1 {
                stream.take_stable(&mut taken.0, &mut taken.1).unwrap();
                prop_assert_eq!(&taken, &stable);
                prop_assert!(stream.stable().0.is_empty());
            }
            let ended = at == time || item > 0 && at == time / 2;
            if ended {
                let closed = expected(case, &view, pruning, &scorer).swap_remove(item);
                let found = behind(&taken, stream.finish().unwrap());
                prop_assert_eq!(found, closed, "ended at {}", at);
                break;
            }
            stream.push(&case.frames(item, at, 1)).unwrap();
            prop_assert_eq!(stream.frames(), at + 1);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(seeded::cases(80))]

    #[test]
    fn streams_with_scorers_are_asked_in_the_middle(
        case in cases(6, 6, 5),
        top in 1usize..6,
        seed in any::<u64>(),
        pruning in prunings(),
        taking in any::<bool>(),
    ) {
        let pruning = pruning.with_top_tokens(top);
        asked_at_every_frame(&case, &pruning, Anything { seed, ends: true }, taking)?;
    }

    #[test]
    fn streams_are_asked_in_the_middle(
        case in cases(7, 6, 5),
        pruning in prop_oneof![Just(CtcPruning::none()), prunings()],
        taking in any::<bool>(),
    ) {
        asked_at_every_frame(&case, &pruning, Unscored, taking)?;
    }

    #[test]
    fn searches_with_any_scorer_equal_the_full_search_scored(
        case in cases(7, 30, 12),
        top in 1usize..30,
        seed in any::<u64>(),
    ) {
        let scorer = Anything { seed, ends: true };
        check(&case, &CtcPruning::none().with_top_tokens(top), scorer)?;
    }
}

#[test]
fn the_end_of_no_input_is_scored_where_the_input_ends() {
    // The end of the first seed is scored, that of the second is refused.
    let scored = Anything {
        seed: 17 * 9,
        ends: true,
    };
    let refused = Anything {
        seed: 0,
        ends: true,
    };
    for (scorer, end) in [(scored, Some(1.5)), (refused, None)] {
        let mut search = CtcSearch::new(2, Blank(0)).unwrap().with_scorer(scorer);
        let one = |h: CtcHypothesis<'_>| (h.score, h.scorer_score, h.alignment_score);
        let scores = |found: Hypotheses<'_, CtcDetails>| found.map(one).collect::<Vec<_>>();
        let mut stream = search.stream();
        assert_eq!(scores(stream.current().unwrap()), [(0.0, 0.0, 0.0)]);
        assert_eq!(one(stream.current_best().unwrap()), (0.0, 0.0, 0.0));
        assert_eq!(stream.stable(), (&[][..], &[][..]));
        let ended: Vec<_> = end.iter().map(|&end| (end, end, 0.0)).collect();
        assert_eq!(scores(stream.finish().unwrap()), ended);
        let view = ScoresView::probabilities(&[0f32; 0], [1, 0, 4]).unwrap();
        assert_eq!(
            scores(search.decode(&view).unwrap().item(0).unwrap()),
            ended
        );
        stream.reset();
        stream.push(&view).unwrap();
        assert_eq!(stream.frames(), 0);
        assert_eq!(scores(stream.current().unwrap()), [(0.0, 0.0, 0.0)]);
        assert_eq!(scores(stream.finish().unwrap()), ended);
    }
}

/// A scorer whose scores add up to infinity.
#[derive(Clone, Copy)]
struct Huge;

impl Scorer for Huge {
    type State = ();

    fn start(&self) {}

    fn score(&self, _: &(), token: u32) -> f64 {
        [0.0, f64::MAX, f64::MIN, 1.0][token as usize]
    }

    fn advance(&self, _: &(), _: u32) {}

    fn finish(&self, _: &()) -> f64 {
        0.0
    }
}

#[test]
fn scores_that_add_up_to_no_number_forbid_a_prefix() {
    let view = ScoresView::probabilities(&[0.25f32; 16], [4, 4]).unwrap();
    let mut search = CtcSearch::new(200, Blank(0)).unwrap().with_scorer(Huge);
    let nbest = search.decode(&view).unwrap();
    let scores = || nbest.scores().iter();
    assert!(scores().all(|score| score.is_finite()));
    assert!(scores().any(|&score| score > 1e308) && scores().any(|&score| score < -1e308));
    let tokens: Vec<_> = nbest.item(0).unwrap().map(|h| h.tokens.to_vec()).collect();
    assert!(tokens.contains(&vec![1, 2, 3]) && tokens.contains(&vec![1, 2, 1]));
    assert!(!tokens.contains(&vec![1, 1]) && !tokens.contains(&vec![1, 3, 1]));
    // They do not take the place of other prefixes either.
    for beams in 1..=3 {
        let mut search = CtcSearch::new(beams, Blank(0)).unwrap().with_scorer(Huge);
        let nbest = search.decode(&view).unwrap();
        assert_eq!(nbest.item(0).unwrap().len(), beams);
    }
}

#[test]
fn streams_of_one_search_do_not_see_each_other() {
    let mut random = Random::new(23);
    let (time, vocab) = (24, 9);
    let data: Vec<f32> = (0..3 * time * vocab).map(|_| random.unit()).collect();
    let view = ScoresView::probabilities(&data, [3, time, vocab]).unwrap();
    let scorer = Anything {
        seed: 4,
        ends: true,
    };
    let mut search = CtcSearch::new(6, Blank(4)).unwrap().with_scorer(scorer);
    let expected = plain(&search.decode(&view).unwrap());
    let mut streams = [(); 3].map(|()| search.stream());
    for step in 0..time {
        for (item, stream) in streams.iter_mut().enumerate() {
            let frame = &data[(item * time + step) * vocab..][..vocab];
            stream
                .push(&ScoresView::probabilities(frame, [1, vocab]).unwrap())
                .unwrap();
        }
    }
    let found = streams.map(|mut stream| plain_item(stream.finish().unwrap()));
    assert_eq!(found[..], expected);
}

#[test]
fn a_search_says_what_it_was_told() {
    for level in Level::available() {
        let search = CtcSearch::new(7, Blank(3))
            .unwrap()
            .with_level(level)
            .unwrap();
        assert_eq!(
            (search.beams(), search.blank(), search.level()),
            (7, Blank(3), level)
        );
        let search = search.with_scorer(Huge);
        assert_eq!(
            (search.beams(), search.blank(), search.level()),
            (7, Blank(3), level)
        );
    }
    assert!(CtcSearch::new(CtcSearch::MAX_BEAMS, Blank(0)).is_ok());
    assert!(CtcSearch::new(CtcSearch::MAX_BEAMS + 1, Blank(0)).is_err());
}

#[test]
fn results_are_empty_until_there_are_some() {
    let mut nbest = CtcNBest::new();
    assert!(nbest.is_empty() && nbest.iter().len() == 0);
    let mut search = CtcSearch::new(2, Blank(0)).unwrap();
    let view = ScoresView::probabilities(&[0.25f32, 0.5, 0.25, 0.5], [2, 1, 2]).unwrap();
    search.decode_into(&view, &mut nbest).unwrap();
    assert!(!nbest.is_empty() && nbest.iter().len() == 2);
    let items = nbest.iter().flat_map(|item| item.unwrap());
    let found: Vec<_> = items.map(|h| h.tokens.to_vec()).collect();
    assert_eq!(found, [vec![1], vec![], vec![1], vec![]]);
}
