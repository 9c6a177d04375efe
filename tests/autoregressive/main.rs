//! The autoregressive search against its naive oracle: every rule, alone and
//! in batches whose requests come and go, at every level and thread count.

mod batches;
mod constraining;
mod finishing;
mod interrupting;
mod presets;
mod processing;
mod stopping;

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use widebeam::autoregressive::{
    AtMaximum, AutoregressiveSearch, CTranslate2Options, CountedLength, EndRank, Ended, Finish,
    ForcedScore, Leader, LengthPenalty, MaximumLength, MinimumLength, NoRepeatNgram, Normaliser,
    RepetitionPenalty, Request, RequestId, Rules, Stopping, Suppress, TokenMask, TokenTrie,
    WhenFull, processor_fn,
};
use widebeam::reference::autoregressive::{self as oracle, Found};
use widebeam::reference::requests::{
    Model, Permitted, Processor, Spec, alone, alone_in_steps, found, score,
};
use widebeam::{Error, ErrorKind, Layout, Level, ScoreKind, ScoresView};
use widebeam_toy::seeded;

fn any_rules() -> impl Strategy<Value = Rules> {
    let penalty = prop_oneof![
        Just(LengthPenalty::None),
        prop_oneof![
            Just(0.0),
            Just(0.6),
            Just(1.0),
            Just(2.0),
            Just(-0.5),
            Just(-1.0)
        ]
        .prop_map(|alpha| LengthPenalty::Power { alpha }),
        prop_oneof![Just(0.6), Just(2.0), Just(-1.0)]
            .prop_map(|alpha| LengthPenalty::Gnmt { alpha }),
    ];
    let counted = prop_oneof![
        Just(CountedLength::Generated),
        Just(CountedLength::WithoutEnd),
        Just(CountedLength::WithPrompt),
    ];
    let stopping = prop_oneof![
        Just(Stopping::Heuristic {
            leader: Leader::Live
        }),
        Just(Stopping::Heuristic {
            leader: Leader::Any
        }),
        Just(Stopping::Exhaustive),
        prop_oneof![Just(0.4), Just(0.5), Just(1.0), Just(1.5), Just(2.5)]
            .prop_map(|patience| Stopping::FirstFinished { patience }),
        (1usize..5).prop_map(|hypotheses| Stopping::BestFinished { hypotheses }),
    ];
    let end_rank = prop_oneof![Just(EndRank::WithinBeam), Just(EndRank::Any)];
    let when_full = prop_oneof![Just(WhenFull::ReplaceWorst), Just(WhenFull::Keep)];
    let at_maximum = prop_oneof![
        Just(AtMaximum::Finish),
        Just(AtMaximum::FinishIfNoneEnded),
        Just(AtMaximum::FinishUnlessDone),
        Just(AtMaximum::ForceEnd),
    ];
    (penalty, counted, stopping, end_rank, when_full, at_maximum).prop_map(
        |(length_penalty, counted, stopping, end_rank, when_full, at_maximum)| {
            Rules::plain()
                .with_length_penalty(length_penalty)
                .with_counted(counted)
                .with_stopping(stopping)
                .with_end_rank(end_rank)
                .with_when_full(when_full)
                .with_at_maximum(at_maximum)
        },
    )
}

fn any_processor(vocab: u32) -> impl Strategy<Value = Processor> {
    let score = || prop_oneof![Just(ForcedScore::Own), Just(ForcedScore::Certain)];
    prop_oneof![
        (0usize..4).prop_map(Processor::MinimumLength),
        prop::collection::vec(0..vocab, 0..6).prop_map(Processor::Suppress),
        (0..vocab, score()).prop_map(|(token, score)| Processor::First(token, score)),
        (0..vocab, score()).prop_map(|(token, score)| Processor::Last(token, score)),
        prop_oneof![Just(0.7), Just(1.3)].prop_map(Processor::Repetition),
        (1usize..4).prop_map(Processor::Ngram),
        (1..vocab + 1, -0.5..0.5f64).prop_map(|(stride, amount)| Processor::Hook(stride, amount)),
    ]
}

fn any_constraint(vocab: u32) -> impl Strategy<Value = (Permitted, Normaliser)> {
    let sequence = prop::collection::vec(0..vocab.min(5), 0..5);
    let permitted = prop_oneof![
        // One of them has a token: a request of the empty sequence alone takes no step.
        prop::collection::vec(sequence, 0..30).prop_map(|mut sequences| {
            sequences.push(vec![0]);
            Permitted::Trie(sequences)
        }),
        prop::collection::vec(0..vocab, 0..vocab as usize * 2).prop_map(Permitted::Mask),
        (2u32..5).prop_map(Permitted::Function),
    ];
    (
        permitted,
        prop_oneof![Just(Normaliser::WholeRow), Just(Normaliser::Permitted)],
    )
}

fn any_spec(vocab: u32, kind: ScoreKind) -> impl Strategy<Value = Spec> {
    let processors = || prop::collection::vec(any_processor(vocab), 0..3);
    // Half of the requests have no processors, so that rows are also read directly.
    let changes = prop_oneof![
        Just((Vec::new(), Vec::new(), Vec::new())),
        (
            processors(),
            processors(),
            prop::collection::vec(any_constraint(vocab), 0..3)
        ),
    ];
    (
        (
            1usize..10,
            prop_oneof![3 => Just(1usize), 1 => 1usize..4],
            0.0..1.0f64,
        ),
        1usize..7,
        prop::collection::vec(0..vocab, 0..4),
        prop::collection::vec(0..vocab, 0..4),
        any_rules(),
        changes,
    )
        .prop_map(
            move |((width, groups, diversity), max_length, prompt, ends, rules, changes)| {
                let (mut before, after, mut constraints) = changes;
                if kind == ScoreKind::Probabilities {
                    before.clear();
                    for (_, normaliser) in &mut constraints {
                        *normaliser = Normaliser::WholeRow;
                    }
                }
                let spec = Spec {
                    beams: width * groups,
                    max_length,
                    prompt,
                    ends,
                    rules,
                    groups: (groups, diversity),
                    before,
                    after,
                    constraints,
                };
                spec.able_to_end(vocab as usize)
            },
        )
}

fn any_model() -> impl Strategy<Value = Model> {
    let kind = prop_oneof![
        3 => Just(ScoreKind::Logits),
        1 => Just(ScoreKind::LogProbabilities),
        1 => Just(ScoreKind::Probabilities),
    ];
    let vocab = prop_oneof![3 => 1usize..24, 1 => 60usize..200];
    let values = prop_oneof![Just(0), Just(1), Just(3), Just(50)];
    (
        any::<u64>(),
        vocab,
        0usize..9,
        values,
        prop_oneof![Just(0), Just(3)],
        kind,
    )
        .prop_map(|(seed, vocab, memory, values, impossible, kind)| Model {
            seed,
            vocab,
            memory,
            values,
            impossible,
            kind,
        })
}

fn model_and_spec() -> impl Strategy<Value = (Model, Spec)> {
    any_model().prop_flat_map(|model| {
        let spec = any_spec(model.vocab as u32, model.kind);
        (Just(model), spec)
    })
}

/// A request, the step at which it is admitted, and the step at which it is removed,
/// if any.
type Visit = (Spec, usize, Option<usize>);

fn model_and_visits(
    models: impl Strategy<Value = Model>,
) -> impl Strategy<Value = (Model, Vec<Visit>)> {
    models.prop_flat_map(|model| {
        let spec = any_spec(model.vocab as u32, model.kind);
        let leaves = prop_oneof![4 => Just(None), 1 => (0usize..8).prop_map(Some)];
        let visits = prop::collection::vec((spec, 0usize..6, leaves), 1..7);
        (Just(model), visits)
    })
}

/// A model of which every token has a logit of its own.
const fn logits(seed: u64, vocab: usize, memory: usize) -> Model {
    Model {
        seed,
        vocab,
        memory,
        values: 0,
        impossible: 0,
        kind: ScoreKind::Logits,
    }
}

fn in_threads<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(run)
}

/// Checks a request alone against the oracle, at some levels and in pools of some
/// numbers of threads.
fn check_alone(
    spec: &Spec,
    model: &Model,
    levels: impl IntoIterator<Item = Level>,
    threads: [usize; 2],
) {
    let expected = spec.expected(model);
    for level in levels {
        for threads in threads {
            let found = in_threads(threads, || alone(spec, model, level));
            let Model { kind, vocab, .. } = model;
            assert_eq!(
                found, expected,
                "{kind:?} {vocab}, {level}, {threads} threads"
            );
        }
    }
}

proptest! {
    #![proptest_config(seeded::cases(2000))]

    #[test]
    fn a_request_alone_is_what_the_oracle_says((model, spec) in model_and_spec()) {
        let expected = spec.expected_in_steps(&model);
        for level in Level::available() {
            prop_assert_eq!(&alone_in_steps(&spec, &model, level), &expected);
        }
    }
}

/// Runs a batch of visits. Returns what each request that was not removed has found,
/// and in how many steps.
fn come_and_go(model: &Model, visits: &[Visit], level: Level) -> Vec<Option<(Vec<Found>, usize)>> {
    let search = AutoregressiveSearch::new(model.vocab).unwrap();
    let mut search = search.with_level(level).unwrap();
    let mut ids: HashMap<RequestId, usize> = HashMap::new();
    let mut results = vec![None; visits.len()];
    let mut before = Vec::new();
    for step in 0.. {
        for (index, (spec, arrives, _)) in visits.iter().enumerate() {
            if *arrives == step {
                ids.insert(search.admit(spec.engine()).unwrap(), index);
            }
        }
        for (index, (_, arrives, leaves)) in visits.iter().enumerate() {
            let id = ids.iter().find(|&(_, &at)| at == index).map(|(&id, _)| id);
            if let (Some(id), Some(after)) = (id, leaves)
                && arrives + after == step
            {
                assert!(search.remove(id) && !search.remove(id));
                ids.remove(&id);
            }
        }
        if search.is_idle() {
            if step > 20 {
                break;
            }
            continue;
        }
        let data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
        search.advance(&model.view(&data)).unwrap();
        for &id in search.finished() {
            let index = ids[&id];
            let steps = step + 1 - visits[index].1;
            results[index] = Some((found(search.outcome(id).unwrap().unwrap()), steps));
        }
    }
    results
}

/// Checks visits against the oracle, in a pool of some number of threads.
fn check_visits(model: &Model, visits: &[Visit], threads: usize, level: Level) {
    let found = in_threads(threads, || come_and_go(model, visits, level));
    for (found, (spec, _, leaves)) in found.iter().zip(visits) {
        match found {
            Some(found) => assert_eq!(found, &spec.expected_in_steps(model)),
            None => assert!(leaves.is_some()),
        }
    }
}

fn any_threads() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1usize), Just(2), Just(3), Just(8)]
}

fn any_level() -> impl Strategy<Value = Level> {
    prop::sample::select(Level::available().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(seeded::cases(400))]

    #[test]
    fn requests_that_come_and_go_do_not_see_each_other(
        (model, visits) in model_and_visits(any_model()),
        threads in any_threads(),
        level in any_level(),
    ) {
        check_visits(&model, &visits, threads, level);
    }
}

proptest! {
    #![proptest_config(seeded::cases(6))]

    /// The rows are so long that several threads share them.
    #[test]
    fn nor_do_they_where_threads_share_their_rows(
        (model, visits) in model_and_visits((any_model(), 10_000usize..40_000).prop_map(
            |(model, vocab)| Model { vocab, ..model },
        )),
        threads in any_threads(),
        level in any_level(),
    ) {
        check_visits(&model, &visits[..visits.len().min(3)], threads, level);
    }
}

/// The other tests' rows are too short for a second thread.
#[test]
fn long_rows_are_read_in_pieces_by_any_threads_with_the_same_bits() {
    let kinds = [
        ScoreKind::Logits,
        ScoreKind::LogProbabilities,
        ScoreKind::Probabilities,
    ];
    for (seed, vocab) in [2047, 2048, 2049, 6000, 66_001].into_iter().enumerate() {
        for (kind, values) in kinds.into_iter().zip([0, 7, 0]) {
            let model = Model {
                seed: seed as u64,
                vocab,
                memory: 2,
                values,
                impossible: 3 * (seed as u64 % 2),
                kind,
            };
            let mut processed = Spec::plain(4, 2, &[1]);
            processed
                .after
                .push(Processor::Suppress((0..2000).step_by(7).collect()));
            if kind == ScoreKind::Logits {
                processed.before.push(Processor::Hook(1000, 0.5));
            }
            for spec in [
                Spec::plain(1, 2, &[]),
                Spec::plain(3, 2, &[0, 2]),
                processed,
            ] {
                check_alone(&spec, &model, Level::available(), [1, 3]);
            }
        }
    }
}

#[test]
fn an_invalid_score_is_found_in_every_piece_of_a_long_row() {
    let vocab = 70_000;
    for kind in [
        ScoreKind::Logits,
        ScoreKind::LogProbabilities,
        ScoreKind::Probabilities,
    ] {
        for at in [0, 2047, 2048, 40_000, vocab - 1] {
            for bad in [f32::NAN, f32::INFINITY] {
                let mut data = vec![0.0; 2 * vocab];
                data[vocab + at] = bad;
                let ended = in_threads(2, || {
                    let mut search = AutoregressiveSearch::new(vocab).unwrap();
                    let ids = [1, 2]
                        .map(|beams| search.admit(Request::new(beams, MaximumLength(1))).unwrap());
                    search.feed();
                    search
                        .advance(&ScoresView::new(kind, &data, [2, vocab]).unwrap())
                        .unwrap();
                    ids.map(|id| search.outcome(id).map(|outcome| outcome.unwrap().ended()))
                });
                // A probability of 0 is impossible.
                let expected = match kind {
                    ScoreKind::Probabilities => Ended::NothingFound,
                    _ => Ended::Length,
                };
                assert_eq!(ended[0], Ok(expected));
                let error = ended[1].as_ref().unwrap_err();
                let place = format!("row 1, step 0, token {at}: ");
                assert!(error.to_string().starts_with(&place), "{error}");
            }
        }
    }
}

#[test]
fn wide_beams_over_rows_of_every_shape_lose_nothing() {
    // The values go from many ties to none.
    for (seed, values) in [(1, 0), (2, 1), (3, 2), (4, 40), (5, 1000)] {
        let model = Model {
            seed,
            vocab: 700,
            memory: 2,
            values,
            impossible: if seed == 4 { 5 } else { 0 },
            kind: ScoreKind::Logits,
        };
        for beams in [33, 120, 300] {
            let mut spec = Spec::plain(beams, 3, &[7, 9]);
            if seed % 2 == 0 {
                spec.after.push(Processor::Suppress((0..400).collect()));
                spec.before.push(Processor::Repetition(1.5));
            }
            check_alone(&spec, &model, Level::available(), [1, 3]);
        }
    }
}

#[test]
fn five_thousand_beams() {
    let model = logits(6, 300, 3);
    let spec = Spec::plain(5000, 3, &[7]);
    check_alone(&spec, &model, [Level::best()], [1, 4]);
}

#[test]
fn as_many_beams_as_sequences_find_them_all() {
    let model = logits(9, 5, 9);
    let end = 4u32;
    // Every sequence of up to 4 tokens, by enumeration.
    let mut complete: Vec<(f64, Vec<u32>)> = Vec::new();
    let mut open = vec![(0.0, Vec::new())];
    for length in 1..=4 {
        let mut next = Vec::new();
        for (score, tokens) in open {
            let scores = model.scores(&tokens);
            let total: f64 = scores.iter().map(|&x| f64::from(x).exp()).sum();
            for (token, &x) in scores.iter().enumerate() {
                let score: f64 = score + f64::from(x) - total.ln();
                let longer = [&tokens[..], &[token as u32]].concat();
                match token as u32 == end || length == 4 {
                    true => complete.push((score, longer)),
                    false => next.push((score, longer)),
                }
            }
        }
        open = next;
    }
    complete.sort_by(|a, b| b.0.total_cmp(&a.0));
    let rules = Rules::plain()
        .with_length_penalty(LengthPenalty::None)
        .with_stopping(Stopping::Exhaustive);
    let spec = Spec {
        rules,
        ..Spec::plain(400, 4, &[end])
    };
    let found = alone(&spec, &model, Level::best());
    assert_eq!(found.len(), complete.len());
    for (found, (score, tokens)) in found.iter().zip(&complete) {
        assert_eq!(&found.tokens, tokens);
        assert!((found.score - score).abs() < 1e-5);
    }
}

/// An exponent as large as this divides by infinity: 0.0, or -0.0 of a score below 0. Both
/// are 0, and the hypothesis that finished first goes first.
#[test]
fn a_finished_score_of_negative_zero_ties_with_zero() {
    for (first, score) in [(-1.0f32, -0.0f64), (0.0005, 0.0)] {
        let rules = Rules::plain()
            .with_length_penalty(LengthPenalty::Power { alpha: 2000.0 })
            .with_counted(CountedLength::WithPrompt);
        let request = Request::new(2, MaximumLength(2))
            .with_prompt([0, 0])
            .with_end_tokens([1])
            .with_rules(rules);
        let mut search = AutoregressiveSearch::new(2).unwrap();
        let id = search.admit(request).unwrap();
        for scores in [[0.0, first], [-1.0, 0.0]] {
            let step = ScoresView::log_probabilities(&scores, [1, 2]).unwrap();
            search.feed();
            search.advance(&step).unwrap();
        }
        let outcome = search.outcome(id).unwrap().unwrap();
        let found: Vec<_> = outcome
            .hypotheses()
            .map(|h| (h.tokens.to_vec(), h.score.to_bits()))
            .collect();
        let expected = [(vec![1], score.to_bits()), (vec![0, 1], 0f64.to_bits())];
        assert_eq!(found, expected);
    }
}

/// An end token that is not counted leaves a length of 0, which counts as 1: a certain empty
/// answer is the best whatever the exponent, and an improbable one is not.
#[test]
fn a_length_of_0_counts_as_1() {
    for (alpha, empty) in [-0.5, 0.0, 1.0].into_iter().zip([-0.001f32, -2.0, -0.001]) {
        let rules = Rules::plain()
            .with_length_penalty(LengthPenalty::Power { alpha })
            .with_counted(CountedLength::WithoutEnd)
            .with_stopping(Stopping::Exhaustive);
        let request = Request::new(3, MaximumLength(2))
            .with_end_tokens([1])
            .with_rules(rules);
        let mut search = AutoregressiveSearch::new(2).unwrap();
        let id = search.admit(request).unwrap();
        for scores in [[-0.01, empty], [-1.0, -0.1]] {
            if !search.is_idle() {
                search.feed();
                let step = ScoresView::log_probabilities(&scores, [1, 2]).unwrap();
                search.advance(&step).unwrap();
            }
        }
        let outcome = search.outcome(id).unwrap().unwrap();
        let best = outcome.best().unwrap();
        match empty < -1.0 {
            false => assert_eq!((best.tokens, best.score), (&[1][..], f64::from(empty))),
            true => assert_eq!(best.tokens, [0, 1]),
        }
        let found = |tokens: &[u32]| outcome.hypotheses().find(|found| found.tokens == tokens);
        let found = found(&[1]).expect("the empty answer is not lost");
        assert_eq!(found.score, f64::from(empty));
    }
}

#[test]
fn a_score_that_is_no_number_fails_its_request_and_no_other() {
    let model = logits(3, 11, 3);
    let spec = Spec::plain(3, 5, &[10]);
    let mut search = AutoregressiveSearch::new(11).unwrap();
    let ids: Vec<_> = (0..3)
        .map(|_| search.admit(spec.engine()).unwrap())
        .collect();
    let mut before = Vec::new();
    for step in 0.. {
        if search.is_idle() {
            break;
        }
        let mut data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
        if step == 2 {
            let (_, rows) = search.feed().requests().nth(1).unwrap();
            data[(rows.start + 1) * 11 + 4] = f32::NAN;
        }
        search.advance(&model.view(&data)).unwrap();
        if step == 2 {
            assert_eq!(search.finished(), [ids[1]]);
            assert_eq!(search.feed().requests().count(), 2);
        }
    }
    let error = search.outcome(ids[1]).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("row 4, step 2, token 4: NaN is not a valid logit"),
        "{message}"
    );
    let place = (error.request(), error.step(), error.token());
    assert_eq!(place, (Some(ids[1]), Some(2), Some(4)));
    for id in [ids[0], ids[2]] {
        assert_eq!(
            found(search.outcome(id).unwrap().unwrap()),
            spec.expected(&model)
        );
    }
}

#[test]
fn a_processor_that_sets_no_number_fails_its_request() {
    let bad = Request::new(2, MaximumLength(4)).process_log_probabilities(processor_fn(|row| {
        if row.generated().len() == 1 {
            row.set(2, f64::NAN);
        }
    }));
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let id = search.admit(bad).unwrap();
    let fine = search.admit(Request::new(2, MaximumLength(4))).unwrap();
    search.run(|_, _| Ok::<(), Error>(())).unwrap();
    let error = search.outcome(id).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("step 1, token 2: a logits processor set a score of NaN")
    );
    assert_eq!(search.outcome(fine).unwrap().unwrap().hypotheses().len(), 2);
}

#[test]
fn rows_without_a_possible_token_exhaust_a_request() {
    let mut search = AutoregressiveSearch::new(4).unwrap();
    let id = search
        .admit(Request::new(3, MaximumLength(9)).with_end_tokens([1]))
        .unwrap();
    let none = [f32::NEG_INFINITY; 12];
    search.feed();
    search
        .advance(&ScoresView::logits(&[0.0, 1.0, 2.0, f32::NEG_INFINITY], [1, 4]).unwrap())
        .unwrap();
    let rows = search.feed().rows();
    assert_eq!(rows, 2);
    search
        .advance(&ScoresView::logits(&none[..rows * 4], [rows, 4]).unwrap())
        .unwrap();
    let outcome = search.outcome(id).unwrap().unwrap();
    assert_eq!(outcome.ended(), Ended::Exhausted);
    let tokens: Vec<_> = outcome
        .hypotheses()
        .map(|hypothesis| hypothesis.tokens)
        .collect();
    assert_eq!(tokens, [[1]]);
}

#[test]
fn why_hypotheses_and_requests_end() {
    let mut search = AutoregressiveSearch::new(2).unwrap();
    let cut = search.admit(Request::new(1, MaximumLength(3))).unwrap();
    let ended = search
        .admit(Request::new(1, MaximumLength(3)).with_end_tokens([0]))
        .unwrap();
    search
        .run(|_, logits| {
            logits.iter_mut().step_by(2).for_each(|logit| *logit = 1.0);
            Ok::<(), Error>(())
        })
        .unwrap();
    let cut = search.outcome(cut).unwrap().unwrap();
    assert_eq!(
        (cut.ended(), cut.best().unwrap().finish),
        (Ended::Length, Finish::Length)
    );
    let ended = search.outcome(ended).unwrap().unwrap();
    assert_eq!(
        (ended.ended(), ended.best().unwrap().finish),
        (Ended::StoppingRule, Finish::End)
    );
}

fn refused(vocab: usize, request: Request) -> String {
    let mut search = AutoregressiveSearch::new(vocab).unwrap();
    let error = search.admit(request).unwrap_err().to_string();
    assert!(search.is_idle());
    error
}

#[test]
fn settings_out_of_range_are_refused_at_admission() {
    let cases = [
        (Request::new(0, MaximumLength(5)), "a beam width of 0"),
        (
            Request::new(usize::MAX, MaximumLength(5)),
            "is above the limit of 16777215",
        ),
        (Request::new(4, MaximumLength(0)), "a maximum length of 0"),
        (
            Request::new(4, MaximumLength(5)).with_diverse_groups(3, 0.5),
            "4 beams cannot be split evenly into 3",
        ),
        (
            Request::new(4, MaximumLength(5)).with_diverse_groups(0, 0.5),
            "into 0 groups",
        ),
        (
            Request::new(4, MaximumLength(5)).with_diverse_groups(2, f64::NAN),
            "the diversity penalty is NaN",
        ),
        (
            Request::new(4, MaximumLength(5)).with_end_tokens([3, 20]),
            "end tokens: token 20 is beyond the vocabulary of 20 tokens",
        ),
        (
            Request::new(4, MaximumLength(5))
                .with_constraint(TokenTrie::new([[1, 99]]), Normaliser::WholeRow),
            "the trie of permitted sequences: token 99",
        ),
        (
            Request::new(4, MaximumLength(5))
                .with_constraint(TokenMask::from_iter([64]), Normaliser::Permitted),
            "the mask of permitted tokens: token 64",
        ),
        (
            Request::new(4, MaximumLength(5)).process_logits(Suppress(vec![5, 21])),
            "suppressed tokens: token 21",
        ),
        (
            Request::new(4, MaximumLength(5)).with_rules(Rules::hugging_face_scorer(
                f64::INFINITY,
                widebeam::autoregressive::EarlyStopping::Never,
            )),
            "the exponent of the length penalty is inf; it must be finite",
        ),
        (
            Request::new(4, MaximumLength(5)).with_rules(Rules::ctranslate2(
                CTranslate2Options::default().with_patience(0.0),
            )),
            "patience is 0; it must be finite and above 0",
        ),
    ];
    for (request, expected) in cases {
        let message = refused(20, request);
        assert!(message.contains(expected), "{message}");
    }
    assert!(RepetitionPenalty::new(0.0).is_err() && NoRepeatNgram::new(0).is_err());
    assert!(AutoregressiveSearch::new(0).is_err());
}

#[test]
fn scores_of_another_shape_are_refused_and_change_nothing() {
    let model = logits(5, 6, 2);
    let spec = Spec::plain(2, 3, &[]);
    let mut search = AutoregressiveSearch::new(6).unwrap();
    let message = |result: Result<(), Error>| result.unwrap_err().to_string();
    let nothing = ScoresView::logits(&[0f32; 6], [1, 6]).unwrap();
    assert!(message(search.advance(&nothing)).contains("no step has begun"));
    let id = search.admit(spec.engine()).unwrap();
    assert!(message(search.advance(&nothing)).contains("no step has begun"));
    assert_eq!(search.feed().rows(), 1);
    let data = [0f32; 24];
    for shape in [[4, 1, 6], [2, 2, 6], [1, 3, 8], [1, 1, 24]] {
        let wrong = ScoresView::logits(&data, shape).unwrap();
        let message = message(search.advance(&wrong));
        assert!(message.ends_with("this step needs [1, 1, 6]"), "{message}");
    }
    let lengths = ScoresView::logits(&data[..6], [1, 6])
        .unwrap()
        .with_lengths(&[1])
        .unwrap();
    assert!(message(search.advance(&lengths)).contains("no lengths"));
    // The last position of [rows, 2, vocab], in place.
    let mut before = Vec::new();
    while !search.is_idle() {
        let rows = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
        let padded: Vec<f32> = rows
            .chunks(6)
            .flat_map(|row| [&[9.0; 6], row].concat())
            .collect();
        let layout = Layout::strided([rows.len() / 6, 1, 6], [12, 6]);
        search
            .advance(&ScoresView::logits(&padded[6..], layout).unwrap())
            .unwrap();
    }
    assert_eq!(
        found(search.outcome(id).unwrap().unwrap()),
        spec.expected(&model)
    );
    assert_eq!(search.feed().rows(), 0);
    assert!(message(search.advance(&nothing)).contains("no step has begun"));
}

#[test]
fn probabilities_cannot_be_processed_before_a_log_softmax() {
    let mut search = AutoregressiveSearch::new(2).unwrap();
    let id = search
        .admit(Request::new(1, MaximumLength(2)).process_logits(MinimumLength(1)))
        .unwrap();
    search.feed();
    search
        .advance(&ScoresView::probabilities(&[0.5f32, 0.5], [1, 2]).unwrap())
        .unwrap();
    let error = search.outcome(id).unwrap_err();
    assert_eq!(error.request(), Some(id));
    assert!(
        error
            .to_string()
            .contains("needs logits or log-probabilities")
    );
}

#[test]
fn under_a_trie_only_permitted_tokens_are_read() {
    // All other scores are NaN, which is no error, because they are not read.
    let mut row = [f32::NAN; 50];
    (row[7], row[11]) = (1.0, 3.0);
    let request = |normaliser| {
        Request::new(4, MaximumLength(1)).with_constraint(TokenTrie::new([[7], [11]]), normaliser)
    };
    let mut search = AutoregressiveSearch::new(50).unwrap();
    let id = search.admit(request(Normaliser::Permitted)).unwrap();
    search.feed();
    search
        .advance(&ScoresView::logits(&row, [1, 50]).unwrap())
        .unwrap();
    let found = found(search.outcome(id).unwrap().unwrap());
    assert_eq!(found.len(), 2);
    let total: f64 = found.iter().map(|found| found.log_probability.exp()).sum();
    assert!((total - 1.0).abs() < 1e-6);
    // The normaliser of the whole row has to read it all.
    let id = search.admit(request(Normaliser::WholeRow)).unwrap();
    search.feed();
    search
        .advance(&ScoresView::logits(&row, [1, 50]).unwrap())
        .unwrap();
    let error = search.outcome(id).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidScore);
    // A permitted token's score of NaN is an error.
    row[11] = f32::NAN;
    let id = search.admit(request(Normaliser::Permitted)).unwrap();
    search.feed();
    search
        .advance(&ScoresView::logits(&row, [1, 50]).unwrap())
        .unwrap();
    let error = search.outcome(id).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidScore);
}

#[test]
fn half_precision_is_read_as_it_is() {
    let model = Model {
        seed: 8,
        vocab: 90,
        memory: 2,
        values: 0,
        impossible: 4,
        kind: ScoreKind::Logits,
    };
    let spec = Spec {
        before: vec![Processor::Repetition(1.5)],
        ..Spec::plain(7, 5, &[3])
    };
    let halves = |history: &[u32]| -> Vec<half::f16> {
        let scores = model.scores(history);
        scores.into_iter().map(half::f16::from_f32).collect()
    };
    let mut search = AutoregressiveSearch::new(model.vocab).unwrap();
    let id = search.admit(spec.engine()).unwrap();
    let mut tokens = Vec::new();
    while !search.is_idle() {
        let feed = search.feed();
        let row = |row| {
            feed.sequence(row, &mut tokens);
            halves(&tokens)
        };
        let data: Vec<half::f16> = (0..feed.rows()).flat_map(row).collect();
        let shape = [feed.rows(), model.vocab];
        search
            .advance(&ScoresView::logits(&data, shape).unwrap())
            .unwrap();
    }
    let widened = |history: &[u32]| halves(history).into_iter().map(f32::from).collect();
    let expected = oracle::search(&spec.oracle(), model.kind, &widened);
    assert_eq!(found(search.outcome(id).unwrap().unwrap()), expected);
}

#[test]
fn ids_of_removed_requests_name_nothing() {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let old = search.admit(Request::new(2, MaximumLength(2))).unwrap();
    assert!(search.remove(old));
    let new = search.admit(Request::new(2, MaximumLength(2))).unwrap();
    assert_ne!(old, new);
    assert!(!search.remove(old));
    let unknown = |search: &AutoregressiveSearch| {
        let error = search.outcome(old).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownRequest);
        assert_eq!(error.request(), Some(old));
    };
    unknown(&search);
    assert!(search.outcome(new).unwrap().is_none());
    search.run(|_, _| Ok::<(), Error>(())).unwrap();
    assert!(search.outcome(new).unwrap().is_some());
    unknown(&search);
    let mut prefix = vec![1];
    assert!(!search.stable_prefix(old, &mut prefix));
    assert!(prefix.is_empty());
}

#[test]
fn a_search_can_be_sent_to_another_thread() {
    fn check<T: Send + Sync>() {}
    check::<AutoregressiveSearch>();
    check::<Arc<Request>>();
}
