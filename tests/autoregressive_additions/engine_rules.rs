//! Rules, presets, widths and the caller's word: the engine against the oracle.

use proptest::prelude::*;
use widebeam::Level;
use widebeam::autoregressive::{
    AtMaximum, AutoregressiveSearch, CompletionNBest, EndRank, Ended, PoolSize, Rules, Stopping,
};
use widebeam::reference::autoregressive::{self as oracle, Finish};
use widebeam::reference::requests::{Extended, Model, hypotheses, score};
use widebeam_toy::seeded;

use crate::engine::{advance, check, check_batch};
use crate::engine_ends::model_and_request;

pub(crate) fn any_end_rank() -> impl Strategy<Value = EndRank> {
    prop::sample::select(vec![
        EndRank::WithinBeam,
        EndRank::Any,
        EndRank::BeforeLastBeam,
        EndRank::WithinRow,
    ])
}

/// Rules that only the walk apart has, laid over any others.
fn any_more_rules() -> impl Strategy<Value = (Stopping, EndRank, AtMaximum, PoolSize)> {
    let stopping = prop::sample::select(vec![
        Stopping::Never,
        Stopping::PoolFull,
        Stopping::Exhaustive,
        Stopping::FirstFinished { patience: 1.5 },
    ]);
    let at_maximum = prop::sample::select(vec![
        AtMaximum::Finish,
        AtMaximum::FillUp,
        AtMaximum::FinishUnlessDone,
        AtMaximum::ForceEnd,
    ]);
    let pool_size = prop::sample::select(vec![
        PoolSize::Beams,
        PoolSize::Patience { patience: 0.4 },
        PoolSize::Patience { patience: 2.5 },
        PoolSize::All,
    ]);
    (stopping, any_end_rank(), at_maximum, pool_size)
}

/// A model and a request with every kind of end and rule, width and number of hypotheses.
pub(crate) fn model_and_ruled() -> impl Strategy<Value = (Model, Extended)> {
    let preset = prop::option::weighted(
        0.2,
        prop::sample::select(vec![
            Rules::whisper(None, 1.0),
            Rules::whisper(Some(0.7), 0.4),
            Rules::whisper(None, 2.0),
            Rules::vllm(1.0),
            Rules::vllm(0.3),
        ]),
    );
    (
        model_and_request(),
        any_more_rules(),
        preset,
        prop::collection::vec(1usize..6, 0..4),
        prop::option::of(1usize..9),
        (
            prop::option::weighted(0.3, (-0.5..1.5f64, 1usize..4)),
            any::<bool>(),
        ),
    )
        .prop_map(
            |((model, mut request), rules, preset, widths, n_best, extras)| {
                (request.coverage, request.own_scores) = extras;
                let (stopping, end_rank, at_maximum, pool_size) = rules;
                let plain = &mut request.plain;
                plain.rules = plain
                    .rules
                    .with_stopping(stopping)
                    .with_end_rank(end_rank)
                    .with_at_maximum(at_maximum)
                    .with_pool_size(pool_size);
                plain.rules = preset.unwrap_or(plain.rules);
                let groups = plain.groups.0;
                request.widths = widths.into_iter().map(|width| width * groups).collect();
                request.n_best = n_best;
                (model, request)
            },
        )
        .prop_filter("it can end", |(model, request)| request.is_admitted(model))
}

proptest! {
    #![proptest_config(seeded::cases(800))]

    #[test]
    fn every_rule_is_as_the_oracle_says((model, request) in model_and_ruled()) {
        check(&request, &model);
    }

    #[test]
    fn rules_do_not_depend_on_neighbours(
        (model, mut first) in model_and_ruled(),
        (_, mut second) in model_and_ruled(),
        start in 0usize..3,
    ) {
        for request in [&mut first, &mut second] {
            crate::engine_ends::fit(request, model.vocab as u32);
            prop_assume!(request.is_admitted(&model));
        }
        let visits = [(first, 0), (second, start)];
        check_batch(&visits, &model, Level::best(), 3);
    }

    /// A request that is told to finish has what the oracle says, and so have its live and
    /// finished hypotheses after each step before.
    #[test]
    fn what_is_seen_at_any_step_is_what_the_oracle_says(
        (model, request) in model_and_ruled(),
        after in 0usize..5,
        under_way: bool,
    ) {
        let mut request = request;
        request.finish_after = Some(after);
        let expected = request.expected(&model);
        let mut search = AutoregressiveSearch::new(model.vocab).unwrap();
        let id = search.admit(request.engine()).unwrap();
        let visits = [(request.clone(), 0)];
        let (mut seen, mut before) = (CompletionNBest::new(), Vec::new());
        for step in 0.. {
            if search.is_idle() {
                break;
            }
            if step == after {
                if under_way {
                    let rows = search.feed().rows();
                    prop_assert!(search.finish(id));
                    prop_assert_eq!(search.feed().rows(), rows);
                    prop_assert_eq!(search.feed().requests().count(), 1);
                } else {
                    prop_assert!(search.finish(id));
                }
                prop_assert!(!search.finish(id));
                prop_assert!(search.is_idle());
                break;
            }
            let data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
            advance(&mut search, &visits, &[Some(id)], &model, &data);
            if search.is_idle() {
                break;
            }
            let snapshot = &expected.steps[step];
            search.live(id, &mut seen).unwrap();
            let live: Vec<_> = seen.item(0).unwrap().map(|h| (h.tokens.to_vec(), h.log_probability, h.token_scores.to_vec())).collect();
            let wanted: Vec<_> = snapshot.live.iter().map(|l| (l.tokens.clone(), l.log_probability, l.token_scores.clone())).collect();
            prop_assert_eq!(live, wanted);
            search.finished_so_far(id, &mut seen).unwrap();
            let found: Vec<_> = seen.item(0).unwrap().map(|h| (h.tokens.to_vec(), h.score, Finish::from(h.finish), h.group)).collect();
            let wanted: Vec<_> = snapshot.finished.iter().map(|h| (h.found.tokens.clone(), h.found.score, h.found.finish, h.group)).collect();
            prop_assert_eq!(found, wanted);
        }
        prop_assert_eq!(search.finished(), [id]);
        let outcome = search.outcome(id).unwrap().unwrap();
        prop_assert_eq!(hypotheses(outcome, request.own_scores), expected.hypotheses);
        search.live(id, &mut seen).unwrap();
        prop_assert_eq!((seen.len(), seen.item(0).unwrap().len()), (1, 0));
        prop_assert!(search.remove(id) && search.is_idle() && search.finished().is_empty());
    }
}

#[test]
fn presets_are_those_of_the_oracle() {
    for patience in [0.4, 1.0, 2.0] {
        for alpha in [None, Some(0.6)] {
            let rules = oracle::Rules::from(Rules::whisper(alpha, patience));
            assert_eq!(rules, oracle::Rules::whisper(alpha, patience));
        }
    }
    assert_eq!(
        oracle::Rules::from(Rules::vllm(0.7)),
        oracle::Rules::vllm(0.7)
    );
}

/// A cancel between the feed and the scores harms no neighbour.
#[test]
fn a_request_is_told_to_finish_while_the_model_works() {
    let model = crate::model::logits(4, 7, 2);
    let requests = [2, 3, 4].map(|beams| {
        let spec = widebeam::reference::requests::Spec::plain(beams, 5, &[1]);
        Extended::of(spec)
    });
    for at in 0..4 {
        for victim in 0..3 {
            for removed in [false, true] {
                let mut search = AutoregressiveSearch::new(model.vocab).unwrap();
                let ids = requests
                    .each_ref()
                    .map(|r| search.admit(r.engine()).unwrap());
                let mut before = Vec::new();
                for step in 0.. {
                    if search.is_idle() {
                        break;
                    }
                    let data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
                    if step == at && search.finish(ids[victim]) {
                        let ended = search.outcome(ids[victim]).unwrap().unwrap().ended();
                        assert_eq!(ended == Ended::Told, step > 0);
                        let feed = search.feed();
                        assert_eq!(feed.rows(), before.len());
                        let (mut tokens, last) = (Vec::new(), before.len() - 1);
                        feed.sequence(last, &mut tokens);
                        assert_eq!(tokens, before[last]);
                        if removed {
                            assert!(search.remove(ids[victim]));
                        }
                    }
                    search.advance(&model.view(&data)).unwrap();
                }
                for (index, request) in requests.iter().enumerate() {
                    let mut request = request.clone();
                    if index == victim {
                        request.finish_after = Some(at);
                    }
                    match search.outcome(ids[index]) {
                        Ok(outcome) => {
                            let expected = request.expected(&model).hypotheses;
                            assert_eq!(hypotheses(outcome.unwrap(), false), expected);
                        }
                        Err(_) => assert!(removed && index == victim),
                    }
                }
            }
        }
    }
}
