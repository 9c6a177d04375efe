//! What the engine draws, against the oracle.

use arbitrary::Unstructured;
use proptest::prelude::*;
use widebeam::autoregressive::{
    self as engine, AutoregressiveSearch, Completion, CompletionNBest, MaximumLength, Outcome,
    Request, Sampling as Drawing,
};
use widebeam::reference::autoregressive::{Found, Method, Outcome as Expected, Sampled, Sampling};
use widebeam::reference::requests::{Extended, Model, Processor, Spec, found, score};
use widebeam::{ErrorKind, Level, ScoreKind, ScoresView};
use widebeam_toy::any_extended::able;
use widebeam_toy::{any_request, seeded};

use crate::engine_batch::{self, Setting};
use crate::engine_rows;
use crate::model::logits;

/// What is known of hypotheses that were drawn.
type Drawn = (Vec<Found>, Vec<Option<(Sampled, f64)>>, Option<f64>);

fn drawn(outcome: Outcome<'_>) -> Drawn {
    let sampled = outcome.hypotheses().map(|hypothesis| {
        hypothesis.sampled.map(|sampled| {
            let own = Sampled {
                log_probability: sampled.log_probability,
                perturbed: sampled.perturbed,
            };
            (own, sampled.log_weight)
        })
    });
    (found(outcome), sampled.collect(), outcome.threshold())
}

fn expected(outcome: Expected) -> Drawn {
    let sampled = outcome
        .hypotheses
        .iter()
        .map(|hypothesis| hypothesis.sampled.zip(hypothesis.log_weight));
    let sampled = sampled.collect();
    let found = outcome.hypotheses.into_iter().map(|h| h.found);
    (found.collect(), sampled, outcome.threshold)
}

fn check(model: &Model, requests: &[(Extended, usize)], setting: Setting) {
    engine_batch::run(model, requests, setting, |number, outcome| {
        let expected = expected(requests[number].0.expected(model));
        assert_eq!(drawn(outcome), expected, "request {number} of {setting:?}");
    });
}

pub(crate) fn any_setting() -> impl Strategy<Value = Setting> {
    let levels: Vec<Level> = Level::available().collect();
    let level = prop::sample::select(levels);
    (level, 1usize..4, any::<bool>()).prop_map(|(level, threads, sparse)| Setting {
        level,
        threads,
        sparse,
    })
}

pub(crate) fn any_sampling() -> impl Strategy<Value = Option<Sampling>> {
    let methods = vec![Method::StochasticBeams, Method::BeamSampling];
    let temperatures = vec![1.0, 1.0, 0.7, 1.6, 0.02];
    (
        prop::sample::select(methods),
        prop_oneof![any::<u64>(), 0u64..3],
        prop::sample::select(temperatures),
        0u8..5,
    )
        .prop_map(|(method, seed, temperature, none)| {
            (none > 0).then_some(Sampling {
                method,
                seed,
                temperature,
            })
        })
}

/// Draws are from logits or log-probabilities.
fn of_a_kind(model: Model) -> Option<Model> {
    (model.kind != ScoreKind::Probabilities).then_some(model)
}

proptest! {
    #![proptest_config(seeded::cases(1200))]

    #[test]
    fn requests_with_any_rules_draw_what_the_oracle_draws(
        input in prop::collection::vec(any::<u8>(), 600),
        samplings in prop::collection::vec(any_sampling(), 3),
        setting in any_setting(),
    ) {
        let mut u = Unstructured::new(&input);
        let model = any_request::model(&mut u).unwrap();
        prop_assume!(of_a_kind(model).is_some());
        let mut requests = Vec::new();
        for sampling in samplings {
            let mut request = Extended::of(any_request::spec(&mut u, &model).unwrap());
            request.sampling = sampling.map(|sampling| able(sampling, &request));
            if setting.sparse && u.ratio(4, 5).unwrap() {
                request.given = Some(u.int_in_range(0..=model.vocab).unwrap());
            }
            requests.push((request, u.int_in_range(0..=2).unwrap()));
        }
        check(&model, &requests, setting);
    }
}

proptest! {
    #![proptest_config(seeded::cases(600))]

    #[test]
    fn requests_that_change_rows_draw_what_the_oracle_draws(
        (model, requests) in engine_rows::any_case(),
        samplings in prop::collection::vec(any_sampling(), 3),
        given in prop::collection::vec(any::<Option<prop::sample::Index>>(), 3),
        setting in any_setting(),
    ) {
        prop_assume!(of_a_kind(model).is_some());
        let steps = (0..).zip(requests).map(|(step, request)| {
            let given = given[step].filter(|_| setting.sparse);
            let given = given.map(|given| given.index(model.vocab + 1));
            let sampling = samplings[step].map(|sampling| able(sampling, &request));
            (Extended { given, sampling, ..request }, step)
        });
        check(&model, &steps.collect::<Vec<_>>(), setting);
    }
}

/// Rows of several blocks that threads share, of every kind that is drawn from.
#[test]
fn long_rows_are_drawn_from_with_the_same_bits_by_every_level_and_thread_count() {
    for (kind, values, impossible) in [
        (ScoreKind::Logits, 0, 0),
        (ScoreKind::Logits, 3, 3),
        (ScoreKind::LogProbabilities, 0, 3),
    ] {
        let model = Model {
            kind,
            values,
            impossible,
            ..logits(11, 20_000, 2)
        };
        let request = |method, temperature, changed: bool, given| {
            let mut plain = Spec::plain(4, 3, &[1]);
            if changed {
                plain.before.push(Processor::Repetition(1.3));
                plain.before.push(Processor::Hook(700, 1.5));
                plain.after.push(Processor::Suppress(vec![3, 4096, 19_999]));
            }
            let sampling = Sampling {
                method,
                seed: 7,
                temperature,
            };
            Extended {
                sampling: Some(sampling),
                given,
                ..Extended::of(plain)
            }
        };
        let requests = |given| {
            let stochastic = Method::StochasticBeams;
            let beams = Method::BeamSampling;
            [
                (request(stochastic, 1.0, false, given), 0),
                (request(stochastic, 0.8, true, given), 1),
                (request(beams, 1.0, true, given), 1),
                (request(beams, 1.4, false, given), 2),
            ]
        };
        for level in Level::available() {
            for threads in 1..=3 {
                for (sparse, given) in [(false, None), (true, Some(5000))] {
                    let setting = Setting {
                        level,
                        threads,
                        sparse,
                    };
                    check(&model, &requests(given), setting);
                }
            }
        }
    }
}

/// Each with the weight that it has if the request is told to finish.
#[test]
fn what_is_live_or_finished_is_a_sample_at_every_step() {
    type Seen = (Vec<u32>, f64, Option<engine::Sampled>);
    let seen = |hypothesis: Completion<'_>| -> Seen {
        let Completion {
            tokens,
            score,
            sampled,
            ..
        } = hypothesis;
        (tokens.to_vec(), score, sampled)
    };
    let model = logits(12, 9, 2);
    for seed in 0..20 {
        let mut search = AutoregressiveSearch::new(model.vocab).unwrap();
        let request = Request::new(6, MaximumLength(6))
            .with_end_tokens([0, 3])
            .with_sampling(
                Drawing::stochastic_beams(seed)
                    .with_temperature(0.75)
                    .unwrap(),
            );
        let id = search.admit(request).unwrap();
        let (mut before, mut lists) =
            (Vec::new(), [CompletionNBest::new(), CompletionNBest::new()]);
        while !search.is_idle() {
            let data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
            search.advance(&model.view(&data)).unwrap();
            if search.is_idle() {
                break;
            }
            search.live(id, &mut lists[0]).unwrap();
            search.finished_so_far(id, &mut lists[1]).unwrap();
            let both = lists.iter().flat_map(|list| list.item(0).unwrap());
            let mut found: Vec<Seen> = both.map(seen).collect();
            found.sort_by(|a, b| b.1.total_cmp(&a.1));
            let mut told = search.clone();
            told.finish(id);
            let outcome = told.outcome(id).unwrap().unwrap();
            let expected: Vec<Seen> = outcome.hypotheses().map(seen).collect();
            assert!(expected.iter().all(|(_, _, sampled)| sampled.is_some()));
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn temperatures_are_within_their_limits() {
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY, 9.9e-4, 1001.0] {
        let error = Drawing::stochastic_beams(1).with_temperature(temperature);
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSetting);
        assert!(
            error.to_string().starts_with("the temperature is "),
            "{error}"
        );
    }
    for temperature in [Drawing::MIN_TEMPERATURE, 1.0, Drawing::MAX_TEMPERATURE] {
        assert!(
            Drawing::beam_sampling(1)
                .with_temperature(temperature)
                .is_ok()
        );
    }
}

#[test]
fn probabilities_are_refused() {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let request = Request::new(2, MaximumLength(2)).with_sampling(Drawing::beam_sampling(1));
    let id = search.admit(request).unwrap();
    search.feed();
    let view = ScoresView::probabilities(&[0.5f32, 0.25, 0.25], [1, 3]).unwrap();
    search.advance(&view).unwrap();
    let error = search.outcome(id).unwrap_err();
    assert_eq!(
        (error.kind(), error.request()),
        (ErrorKind::InvalidScore, Some(id))
    );
    assert!(error.to_string().starts_with("sampling needs logits"));
}
