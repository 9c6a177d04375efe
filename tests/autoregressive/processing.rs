//! What each processor leaves of a row, step by step, before and after the
//! log-softmax.

use std::sync::{Arc, Mutex};

use widebeam::autoregressive::{
    AutoregressiveSearch, ForcedFirst, ForcedLast, ForcedScore, LogitsProcessor, MaximumLength,
    MinimumLength, NoRepeatNgram, RepetitionPenalty, Request, Suppress, processor_fn,
};
use widebeam::{ErrorKind, ScoresView};

const NO: f64 = f64::NEG_INFINITY;

/// The scores of all tokens at each step of one beam, after a processor.
fn seen(
    request: Request,
    processor: impl LogitsProcessor + 'static,
    before: bool,
    row: &[f32],
) -> Vec<Vec<f64>> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&all);
    let look = processor_fn(move |row| {
        let scores = (0..row.vocab() as u32).map(|token| row.get(token));
        seen.lock().unwrap().push(scores.collect());
    });
    let request = match before {
        true => request.process_logits(processor).process_logits(look),
        false => request
            .process_log_probabilities(processor)
            .process_log_probabilities(look),
    };
    let mut search = AutoregressiveSearch::new(row.len()).unwrap();
    search.admit(request).unwrap();
    while !search.is_idle() {
        let scores = ScoresView::log_probabilities(row, [1, row.len()]).unwrap();
        search.feed();
        search.advance(&scores).unwrap();
    }
    std::mem::take(&mut *all.lock().unwrap())
}

#[test]
fn end_tokens_are_impossible_until_the_minimum_length() {
    let row = [-1.0, -0.25, -2.0, -3.0];
    let own = row.map(f64::from).to_vec();
    for before in [false, true] {
        for minimum in 0..6 {
            let request = Request::new(1, MaximumLength(4)).with_end_tokens([3, 0]);
            let found = seen(request, MinimumLength(minimum), before, &row);
            let expected: Vec<Vec<f64>> = (0..4)
                .map(|generated| match generated < minimum {
                    true => vec![NO, -0.25, -2.0, NO],
                    false => own.clone(),
                })
                .collect();
            assert_eq!(found, expected, "minimum {minimum}");
        }
    }
}

#[test]
fn a_token_is_forced_at_the_first_or_last_step_alone() {
    let row = [-1.0, -0.25, -2.0];
    let own = row.map(f64::from).to_vec();
    for before in [false, true] {
        for (score, forced) in [(ForcedScore::Own, -2.0), (ForcedScore::Certain, 0.0)] {
            let only = vec![NO, NO, forced];
            let first = ForcedFirst::new(2, score);
            let found = seen(
                Request::new(1, MaximumLength(3)).with_prompt([1]),
                first,
                before,
                &row,
            );
            assert_eq!(found, [only.clone(), own.clone(), own.clone()]);
            let last = ForcedLast::new(2, score);
            let found = seen(
                Request::new(1, MaximumLength(3)).with_prompt([1]),
                last,
                before,
                &row,
            );
            assert_eq!(found, [own.clone(), own.clone(), only.clone()]);
            let found = seen(Request::new(1, MaximumLength(1)), last, before, &row);
            assert_eq!(found, [only]);
        }
    }
}

#[test]
fn a_forced_token_that_is_impossible_comes_only_where_it_is_certain() {
    let row = [-1.0, f32::NEG_INFINITY];
    for (score, count) in [(ForcedScore::Own, 0), (ForcedScore::Certain, 1)] {
        let first = ForcedFirst::new(1, score);
        let request = Request::new(2, MaximumLength(1)).process_log_probabilities(first);
        let mut search = AutoregressiveSearch::new(2).unwrap();
        let id = search.admit(request).unwrap();
        search.feed();
        search
            .advance(&ScoresView::log_probabilities(&row, [1, 2]).unwrap())
            .unwrap();
        assert_eq!(
            search.outcome(id).unwrap().unwrap().hypotheses().len(),
            count
        );
    }
}

#[test]
fn forced_tokens_beyond_the_vocabulary_are_refused() {
    let mut search = AutoregressiveSearch::new(5).unwrap();
    for token in [4, 5, 9] {
        let score = ForcedScore::Own;
        let first =
            Request::new(1, MaximumLength(1)).process_logits(ForcedFirst::new(token, score));
        let last = Request::new(1, MaximumLength(1))
            .process_log_probabilities(ForcedLast::new(token, score));
        for (request, what) in [(first, "first"), (last, "last")] {
            match search.admit(request) {
                Ok(_) => assert_eq!(token, 4),
                Err(error) => {
                    let named = format!("the forced {what} token: token {token} is beyond");
                    assert!(token > 4 && error.to_string().contains(&named), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_repeated_token_pays_once_by_the_sign_of_its_score() {
    // Tokens 0 to 3 of the prompt, some twice, one beyond the vocabulary.
    let prompt = [0, 1, 1, 2, 3, 3, 3, 90];
    let row = [0.0005, -2.0, -0.0, 0.0, -3.0, -0.75];
    for (penalty, small, large) in [(2.0, 0.00025, -4.0), (0.5, 0.001, -1.0)] {
        for before in [false, true] {
            let request = Request::new(1, MaximumLength(1)).with_prompt(prompt);
            let repetition = RepetitionPenalty::new(penalty).unwrap();
            let found = seen(request, repetition, before, &row);
            let expected = [small, large, 0.0, 0.0, -3.0, -0.75];
            let close = found[0].iter().zip(expected);
            assert!(
                close.clone().all(|(a, b)| (a - b).abs() < 1e-9),
                "{found:?}"
            );
        }
    }
    // What has been generated counts too.
    let repetition = RepetitionPenalty::new(2.0).unwrap();
    let found = seen(
        Request::new(1, MaximumLength(3)),
        repetition,
        false,
        &[-1.5, -1.0],
    );
    assert_eq!(found, [[-1.5, -1.0], [-1.5, -2.0], [-3.0, -2.0]]);
}

#[test]
fn a_penalty_is_finite_and_above_zero() {
    for penalty in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = RepetitionPenalty::new(penalty).unwrap_err().to_string();
        assert!(error.contains("the repetition penalty is"), "{error}");
    }
    assert!(RepetitionPenalty::new(f64::MIN_POSITIVE).is_ok());
    assert!(NoRepeatNgram::new(0).is_err() && NoRepeatNgram::new(1).is_ok());
}

#[test]
fn no_ngram_of_the_prompt_and_the_generated_tokens_comes_twice() {
    let table: [(usize, &[u32], &[u32]); 13] = [
        (1, &[], &[]),
        (1, &[0, 3], &[0, 3]),
        (2, &[], &[]),
        (2, &[0], &[]),
        (2, &[0, 1], &[]),
        (2, &[0, 0], &[0]),
        (2, &[0, 1, 0], &[1]),
        (2, &[0, 1, 0, 2, 0], &[1, 2]),
        (3, &[0, 1], &[]),
        (3, &[0, 1, 2, 0, 1], &[2]),
        (3, &[0, 1, 2, 1, 0], &[]),
        (4, &[0, 0, 0, 0], &[0]),
        (9, &[0, 0, 0, 0], &[]),
    ];
    let row = [-1.0f32; 4];
    for before in [false, true] {
        for (size, prompt, banned) in table {
            let request = Request::new(1, MaximumLength(1)).with_prompt(prompt);
            let found = seen(request, NoRepeatNgram::new(size).unwrap(), before, &row);
            let score = |token: u32| if banned.contains(&token) { NO } else { -1.0 };
            let expected: Vec<f64> = (0..4).map(score).collect();
            assert_eq!(found, [expected], "{size} {prompt:?}");
        }
    }
    // Half in the prompt, half generated: 1 0 was there, so 1 is not followed by 0.
    let row = [-3.0, -1.0, -2.0, -9.0];
    let request = Request::new(1, MaximumLength(3)).with_prompt([1, 0]);
    let found = seen(request, NoRepeatNgram::new(2).unwrap(), false, &row);
    assert_eq!(found[0], [-3.0, -1.0, -2.0, -9.0]);
    assert_eq!(found[1], [NO, -1.0, -2.0, -9.0]);
    assert_eq!(found[2], [NO, NO, -2.0, -9.0]);
}

#[test]
fn suppressed_tokens_are_impossible_at_every_step() {
    for before in [false, true] {
        let suppress = Suppress(vec![2, 0, 2]);
        let found = seen(
            Request::new(1, MaximumLength(2)),
            suppress,
            before,
            &[-1.0, -2.0, -3.0],
        );
        assert_eq!(found, [[NO, -2.0, NO], [NO, -2.0, NO]]);
    }
}

#[test]
fn a_row_says_where_it_stands() {
    for before in [false, true] {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let seen_steps = Arc::clone(&steps);
        let hook = processor_fn(move |row| {
            assert_eq!((row.vocab(), row.end_tokens()), (3, &[1, 2][..]));
            assert_eq!(row.is_normalised(), !before);
            assert_eq!(row.history()[..2], [1, 8]);
            assert_eq!(row.history()[2..], *row.generated());
            let mut steps = seen_steps.lock().unwrap();
            steps.push((row.generated().to_vec(), row.is_last()));
        });
        let request = Request::new(1, MaximumLength(3))
            .with_prompt([1, 8])
            .with_end_tokens([2, 1, 2]);
        seen(request, hook, before, &[-0.5, -1.0, -2.0]);
        let expected = [(vec![], false), (vec![0], false), (vec![0, 0], true)];
        assert_eq!(*steps.lock().unwrap(), expected);
    }
}

#[test]
fn scores_are_set_within_the_vocabulary_and_what_is_permitted() {
    for before in [false, true] {
        let rounded = move |score: f64| {
            if before {
                f64::from(score as f32)
            } else {
                score
            }
        };
        let hook = processor_fn(move |row| {
            for token in [4, 5, u32::MAX] {
                row.set(token, 7.0);
                row.forbid(token);
                assert_eq!(row.get(token), NO);
            }
            row.set(1, -0.1);
            row.set(2, -0.2);
            assert_eq!(row.get(1), rounded(-0.1));
            // The same token twice, one beyond the vocabulary.
            row.permit_only([2, 3, 0, 3, 4, 9]);
            row.set(1, -0.3);
            row.set(3, -0.4);
            let scores = [0, 1, 2, 3, 4].map(|token| row.get(token));
            assert_eq!(scores, [-1.0, NO, rounded(-0.2), rounded(-0.4), NO]);
            // No later call permits what an earlier one did not.
            row.permit_only([1, 2, 3]);
            row.map_history(|score| score - 1.0);
            row.forbid(3);
        });
        let request = Request::new(1, MaximumLength(1)).with_prompt([2, 1, 2, 4, 40]);
        let found = seen(request, hook, before, &[-1.0, -2.0, -3.0, -4.0]);
        let two = rounded(rounded(-0.2) - 1.0);
        assert_eq!(found, [[NO, NO, two, NO]]);
    }
}

#[test]
fn processors_act_in_the_order_in_which_they_were_added() {
    let add = |amount: f64| processor_fn(move |row| row.set(0, row.get(0) + amount));
    let double = processor_fn(|row| row.set(0, row.get(0) * 2.0));
    let found = |request: Request| {
        let mut search = AutoregressiveSearch::new(2).unwrap();
        let id = search.admit(request).unwrap();
        search.feed();
        search
            .advance(&ScoresView::log_probabilities(&[-1f32, -9.0], [1, 2]).unwrap())
            .unwrap();
        search.outcome(id).unwrap().unwrap().best().unwrap().score
    };
    let request = || Request::new(1, MaximumLength(1));
    let first = request()
        .process_log_probabilities(add(-0.5))
        .process_log_probabilities(double);
    assert_eq!(found(first), -3.0);
    let last = request()
        .process_log_probabilities(double)
        .process_log_probabilities(add(-0.5));
    assert_eq!(found(last), -2.5);
}

#[test]
fn scores_beyond_what_a_row_can_hold_fail_the_request() {
    // Before the log-softmax a score is an f32, of which 1e300 is infinite.
    let cases = [
        (true, 1e300, "inf"),
        (true, f64::NAN, "NaN"),
        (false, f64::INFINITY, "inf"),
        (false, f64::NAN, "NaN"),
    ];
    for (before, score, shown) in cases {
        let hook = processor_fn(move |row| row.set(1, score));
        let request = match before {
            true => Request::new(1, MaximumLength(1)).process_logits(hook),
            false => Request::new(1, MaximumLength(1)).process_log_probabilities(hook),
        };
        let mut search = AutoregressiveSearch::new(2).unwrap();
        let id = search.admit(request).unwrap();
        search.feed();
        search
            .advance(&ScoresView::logits(&[0f32, 1.0], [1, 2]).unwrap())
            .unwrap();
        let error = search.outcome(id).unwrap_err();
        let message = format!("step 0, token 1: a logits processor set a score of {shown}");
        assert!(error.to_string().starts_with(&message), "{error}");
        let place = (error.request(), error.step(), error.token());
        assert_eq!(place, (Some(id), Some(0), Some(1)));
        assert_eq!(error.kind(), ErrorKind::InvalidScore);
    }
}
