//! What is kept beside log-probabilities, together with what is drawn: coverage and the model's
//! own scores of sequences and candidates that are drawn, against the oracle.

use proptest::prelude::*;
use widebeam::ScoreKind;
use widebeam::autoregressive::EndRank;
use widebeam::reference::autoregressive::{Method, Sampling};
use widebeam::reference::requests::{Extended, Model, Spec, hypotheses};
use widebeam_toy::any_extended::able;
use widebeam_toy::seeded;

use crate::engine_batch::{self, Setting};
use crate::engine_draws::{any_sampling, any_setting};
use crate::engine_rules::model_and_ruled;
use crate::model::logits;

fn check(model: &Model, requests: &[(Extended, usize)], setting: Setting) {
    engine_batch::run(model, requests, setting, |number, outcome| {
        let request = &requests[number].0;
        let expected = request.expected(model);
        let found = hypotheses(outcome, request.own_scores);
        assert_eq!(
            found, expected.hypotheses,
            "request {number} of {setting:?}"
        );
        assert_eq!(outcome.threshold(), expected.threshold);
    });
}

/// A model, and a request with coverage or its own scores, or both, that may draw.
fn any_case() -> impl Strategy<Value = (Model, Extended)> {
    let coverage = prop::option::weighted(0.7, (-0.5..1.5f64, 1usize..4));
    let any = (model_and_ruled(), any_sampling(), coverage, any::<bool>()).prop_map(
        |((model, mut request), sampling, coverage, own_scores)| {
            request.sampling = sampling.map(|sampling| able(sampling, &request));
            request.own_scores = own_scores || coverage.is_none();
            request.coverage = coverage;
            (model, request)
        },
    );
    any.prop_filter("the engine draws so", |(_, request)| {
        let by_row = request.engine().rules().end_rank() == EndRank::WithinRow;
        request.sampling.is_none() || !by_row
    })
}

proptest! {
    #![proptest_config(seeded::cases(800))]

    #[test]
    fn coverage_and_own_scores_go_with_what_is_drawn(
        (model, first) in any_case(),
        (other_model, second) in any_case(),
        given in prop::collection::vec(any::<Option<prop::sample::Index>>(), 2),
        setting in any_setting(),
    ) {
        let mut requests = vec![(first, 0)];
        if other_model.vocab <= model.vocab {
            requests.push((second, 1));
        }
        for ((request, _), given) in requests.iter_mut().zip(given) {
            let given = given.filter(|_| setting.sparse);
            request.given = given.map(|given| given.index(model.vocab + 1));
        }
        check(&model, &requests, setting);
    }
}

/// Rows of several blocks: the normaliser of the model's own scores is that of the whole row,
/// beside the weights that are drawn by.
#[test]
fn own_scores_of_long_rows_that_are_drawn_from() {
    for kind in [ScoreKind::Logits, ScoreKind::LogProbabilities] {
        let model = Model {
            kind,
            ..logits(6, 9000, 2)
        };
        for method in [Method::StochasticBeams, Method::BeamSampling] {
            let request = |temperature, given| Extended {
                own_scores: true,
                coverage: Some((0.5, 3)),
                sampling: Some(Sampling {
                    method,
                    seed: 9,
                    temperature,
                }),
                given,
                ..Extended::of(Spec::plain(3, 3, &[4]))
            };
            for (sparse, given) in [(false, None), (true, Some(3000))] {
                for threads in [1, 3] {
                    let setting = Setting {
                        level: widebeam::Level::best(),
                        threads,
                        sparse,
                    };
                    let requests = [(request(1.0, given), 0), (request(0.7, given), 1)];
                    check(&model, &requests, setting);
                }
            }
        }
    }
}
