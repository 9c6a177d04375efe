//! Required words in the engine, against the oracle.

use proptest::prelude::*;
use widebeam::ErrorKind;
use widebeam::autoregressive::{
    AutoregressiveSearch, EndRank, MaximumLength, Request, Requirement,
};
use widebeam::reference::autoregressive::{self as oracle};
use widebeam::reference::requests::{Extended, Model, Spec};
use widebeam_toy::seeded;

use crate::engine::{check, check_batch};
use crate::engine_rules::model_and_ruled;
use crate::model::logits;
use crate::required::{Required, any_required};

/// How many tokens it takes at least.
pub(crate) fn missing(required: &Required) -> usize {
    let mut request = oracle::Request::new(1, 1);
    request.required = required.iter().cloned().map(oracle::Requirement).collect();
    request.missing(&[])
}

/// A request in which all that the engine knows may occur, and words that it has room for.
fn any_request() -> impl Strategy<Value = (Model, Extended)> {
    let drawn = prop::option::weighted(0.2, any::<u64>());
    let any = (model_and_ruled(), any_required(), 0usize..3, drawn).prop_map(
        |((model, mut request), mut required, more, drawn)| {
            request.sampling = drawn.map(|seed| oracle::Sampling {
                method: oracle::Method::BeamSampling,
                seed,
                temperature: 1.0,
            });
            let vocab = model.vocab as u32;
            required
                .iter_mut()
                .flatten()
                .flatten()
                .for_each(|token| *token %= vocab);
            let needed = missing(&required);
            let length = &mut request.plain.max_length;
            *length = (*length).max(needed + more);
            request.required = required;
            (model, request)
        },
    );
    any.prop_filter("the engine takes it", |(model, request)| {
        let drawn = request.sampling.is_some();
        let by_row = request.engine().rules().end_rank() == EndRank::WithinRow;
        !(drawn && by_row) && request.is_admitted(model)
    })
}

proptest! {
    #![proptest_config(seeded::cases(500))]

    #[test]
    fn words_are_required_as_the_oracle_says((model, request) in any_request()) {
        check(&request, &model);
    }

    /// Plain beams that end with a token, of sizes at which banks are shared out.
    #[test]
    fn the_beam_is_shared_out_as_the_oracle_says(
        seed: u64,
        required in any_required(),
        beams in 1usize..12,
        more in 0usize..4,
        groups in prop::sample::select(vec![1, 1, 2]),
    ) {
        let model = logits(seed, 6, 2);
        let mut plain = Spec::plain(beams * groups, missing(&required) + more, &[0]);
        plain.groups = (groups, 0.5);
        check(&Extended { required, ..Extended::of(plain) }, &model);
    }
}

proptest! {
    #![proptest_config(seeded::cases(60))]

    /// Neighbours with and without required words.
    #[test]
    fn required_words_do_not_depend_on_neighbours(
        (model, first) in any_request(),
        more in prop::collection::vec((any_request(), 0usize..3), 1..3),
    ) {
        let mut visits = vec![(first, 0)];
        for ((other, request), start) in more {
            if other.vocab <= model.vocab {
                visits.push((request, start));
            }
        }
        for level in widebeam::Level::available() {
            check_batch(&visits, &model, level, 2);
        }
    }
}

/// A vocabulary of many groups of tokens, and words among the least probable.
#[test]
fn words_of_a_large_vocabulary() {
    for seed in 0..6 {
        let model = logits(seed, 3000, 2);
        let mut plain = Spec::plain(6, 7, &[5]);
        plain.prompt = vec![8];
        let required = vec![vec![vec![17, 2900], vec![1]], vec![vec![900, 17, 900]]];
        check(
            &Extended {
                required,
                ..Extended::of(plain)
            },
            &model,
        );
    }
}

#[test]
fn what_cannot_occur_is_refused() {
    let empty: [Vec<u32>; 0] = [];
    let error = Requirement::any_of(empty).unwrap_err();
    assert_eq!(
        error.to_string(),
        "required words: a requirement of 0 phrases; at least 1 is needed"
    );
    let error = Requirement::any_of([vec![1], vec![]]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "required words: phrase 1 has 0 tokens; at least 1 is needed"
    );
    let mut search = AutoregressiveSearch::new(9).unwrap();
    let mut refused = |tokens: &[u32], length| {
        let requirement = Requirement::phrase(tokens).unwrap();
        let request = Request::new(2, MaximumLength(length)).with_required_words([requirement]);
        search.admit(request).unwrap_err()
    };
    let error = refused(&[1, 9], 4);
    assert_eq!(error.kind(), ErrorKind::UnknownToken);
    assert_eq!(
        error.to_string(),
        "required words: token 9 is beyond the vocabulary of 9 tokens"
    );
    let error = refused(&[1, 2, 1], 2);
    assert_eq!(error.kind(), ErrorKind::InvalidSetting);
    assert_eq!(
        error.to_string(),
        "required words take 3 tokens at least, the maximum length is 2"
    );
}
