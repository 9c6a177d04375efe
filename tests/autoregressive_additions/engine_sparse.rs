//! The engine's sparse rows against the oracle's.

use arbitrary::Unstructured;
use proptest::prelude::*;
use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
use widebeam::reference::autoregressive::Found;
use widebeam::reference::requests::{Extended, Model, Processor, Spec, found};
use widebeam::{Level, ScoreKind, SparseScoresView};
use widebeam_toy::{any_request, seeded};

use crate::engine_batch::{self, Setting};
use crate::engine_rows;
use crate::model::logits;

fn any_setting() -> impl Strategy<Value = Setting> {
    let levels: Vec<Level> = Level::available().collect();
    (prop::sample::select(levels), 1usize..4).prop_map(|(level, threads)| Setting {
        level,
        threads,
        sparse: true,
    })
}

/// A model and requests of it, each of which gives some tokens or all.
fn any_batch(input: &[u8]) -> arbitrary::Result<(Model, Vec<(Extended, usize)>)> {
    let mut u = Unstructured::new(input);
    let model = any_request::model(&mut u)?;
    let mut requests = Vec::new();
    for _ in 0..u.int_in_range(1..=3)? {
        let mut request = Extended::of(any_request::spec(&mut u, &model)?);
        if u.ratio(4, 5)? {
            request.given = Some(u.int_in_range(0..=model.vocab)?);
        }
        requests.push((request, u.int_in_range(0..=2)?));
    }
    Ok((model, requests))
}

fn check(model: &Model, requests: &[(Extended, usize)], setting: Setting) {
    engine_batch::run(model, requests, setting, |number, outcome| {
        let expected = requests[number].0.expected(model).hypotheses;
        let expected: Vec<Found> = expected.into_iter().map(|h| h.found).collect();
        assert_eq!(found(outcome), expected, "request {number} of {setting:?}");
    });
}

proptest! {
    #![proptest_config(seeded::cases(1500))]

    #[test]
    fn requests_find_what_the_oracle_finds_whoever_is_beside_them(
        input in prop::collection::vec(any::<u8>(), 600),
        setting in any_setting(),
    ) {
        let (model, requests) = any_batch(&input).unwrap();
        check(&model, &requests, setting);
    }
}

proptest! {
    #![proptest_config(seeded::cases(400))]

    #[test]
    fn rows_that_are_changed_find_what_the_oracle_finds(
        (model, requests) in engine_rows::any_case(),
        given in prop::collection::vec(any::<Option<prop::sample::Index>>(), 3),
        setting in any_setting(),
    ) {
        let steps = (0..).zip(requests).map(|(step, request)| {
            let given = given[step].map(|given| given.index(model.vocab + 1));
            (Extended { given, ..request }, step)
        });
        check(&model, &steps.collect::<Vec<_>>(), setting);
    }
}

/// Given and possible tokens fill several blocks of a row, and threads share the rows.
#[test]
fn long_rows_are_the_same_bits_for_every_level_and_thread_count() {
    for kind in [ScoreKind::Logits, ScoreKind::LogProbabilities] {
        let model = Model {
            kind,
            ..logits(5, 9000, 2)
        };
        let mut processed = Spec::plain(3, 2, &[4]);
        processed.before.push(Processor::Hook(3, 0.5));
        let request = |plain: &Spec, given| Extended {
            given,
            ..Extended::of(plain.clone())
        };
        let plain = Spec::plain(4, 2, &[1]);
        let requests = [
            (request(&plain, Some(2048)), 0),
            (request(&plain, Some(5000)), 0),
            (request(&plain, None), 1),
            (request(&processed, Some(3000)), 1),
            (request(&processed, Some(2049)), 2),
        ];
        for level in Level::available() {
            for threads in 1..=3 {
                let setting = Setting {
                    level,
                    threads,
                    sparse: true,
                };
                check(&model, &requests, setting);
            }
        }
    }
}

#[test]
fn steps_of_another_shape_or_with_bad_tokens_are_refused_and_change_nothing() {
    let mut search = AutoregressiveSearch::new(5).unwrap();
    let step = |search: &mut AutoregressiveSearch, vocab, tokens: &[u32], rows| {
        let scores = vec![-1.0f32; tokens.len()];
        let shape = [rows, tokens.len() / rows];
        let view = SparseScoresView::logits(vocab, tokens, &scores, shape).unwrap();
        search
            .advance_sparse(&view)
            .map_err(|error| error.to_string())
    };
    let said = step(&mut search, 5, &[0], 1).unwrap_err();
    assert!(said.starts_with("no step has begun"), "{said}");
    let id = search.admit(Request::new(2, MaximumLength(2))).unwrap();
    search.feed();
    for (vocab, tokens, rows, expected) in [
        (
            5,
            &[0, 1][..],
            2,
            "2 sparse rows of a vocabulary of 5 tokens",
        ),
        (6, &[0, 1], 1, "1 sparse rows of a vocabulary of 6 tokens"),
        (
            5,
            &[0, 5],
            1,
            "row 0: token 5 is beyond the vocabulary of 5",
        ),
        (5, &[3, 0, 3], 1, "row 0: token 3 is given more than once"),
    ] {
        let said = step(&mut search, vocab, tokens, rows).unwrap_err();
        assert!(said.starts_with(expected), "{said}");
        assert_eq!(search.feed().rows(), 1);
    }
    step(&mut search, 5, &[3, 0], 1).unwrap();
    assert_eq!(search.feed().tokens(), [0, 3]);
    // Rows without a token leave nothing to go on with.
    let view = SparseScoresView::logits(5, &[], &[0f32; 0], [2, 0]).unwrap();
    search.advance_sparse(&view).unwrap();
    assert_eq!(search.outcome(id).unwrap().unwrap().hypotheses().len(), 0);
}

/// What is not valid is named by its token, not by its place, and fails its request alone.
#[test]
fn a_score_that_is_no_number_fails_its_request() {
    let mut search = AutoregressiveSearch::new(9).unwrap();
    let ids = [1, 2].map(|beams| {
        let request = Request::new(beams, MaximumLength(1));
        search.admit(request).unwrap()
    });
    search.feed();
    let (tokens, scores) = ([7, 2, 5, 8, 0, 1], [0.5, f32::NAN, 0.25, 1.0, 2.0, 3.0]);
    let view = SparseScoresView::logits(9, &tokens, &scores, [2, 3]).unwrap();
    search.advance_sparse(&view).unwrap();
    let error = search.outcome(ids[0]).unwrap_err();
    assert_eq!((error.token(), error.request()), (Some(2), Some(ids[0])));
    let outcome = search.outcome(ids[1]).unwrap().unwrap();
    assert_eq!(outcome.best().unwrap().tokens, [1]);
}
