//! Which hypotheses finish, at what score, in what order.

use widebeam::autoregressive::{
    AtMaximum, AutoregressiveSearch, CountedLength, EndRank, Ended, Finish, LengthPenalty,
    MaximumLength, Request, Rules, Stopping, WhenFull, processor_fn,
};
use widebeam::{ErrorKind, ScoresView};

/// What a request found: tokens, score and finish of each, and why it ended.
type Answer = (Vec<(Vec<u32>, f64, Finish)>, Ended);

/// Runs a request over log-probabilities that follow from the generated tokens.
fn run(request: Request, row: impl Fn(&[u32]) -> Vec<f32>) -> Answer {
    let vocab = row(&[]).len();
    let mut search = AutoregressiveSearch::new(vocab).unwrap();
    let id = search.admit(request).unwrap();
    let prompt: usize = search.feed().fresh().map(|(_, prompt)| prompt.len()).sum();
    let (mut data, mut tokens) = (Vec::new(), Vec::new());
    while !search.is_idle() {
        data.clear();
        let feed = search.feed();
        let (_, first) = feed.requests().next().unwrap();
        assert_eq!(first, 0..feed.rows());
        for index in 0..feed.rows() {
            feed.sequence(index, &mut tokens);
            let generated: &[u32] = &tokens[prompt..];
            data.extend(row(generated));
        }
        let shape = [feed.rows(), vocab];
        search
            .advance(&ScoresView::log_probabilities(&data, shape).unwrap())
            .unwrap();
    }
    let outcome = search.outcome(id).unwrap().unwrap();
    let found = outcome
        .hypotheses()
        .map(|found| (found.tokens.to_vec(), found.score, found.finish))
        .collect();
    (found, outcome.ended())
}

/// No penalty: scores are sums.
fn sums() -> Rules {
    Rules::plain().with_length_penalty(LengthPenalty::None)
}

fn texts(answer: &Answer) -> Vec<Vec<u32>> {
    answer.0.iter().map(|found| found.0.clone()).collect()
}

#[test]
fn a_candidate_that_ends_finishes_up_to_the_rank_of_its_rule() {
    // One end token at each rank of the first row; a second one comes last.
    for ends in [1, 2] {
        for width in 1..4 {
            let count = (1 + ends) * width;
            for rank in 0..count + 2 {
                for (end_rank, limit) in [(EndRank::WithinBeam, width), (EndRank::Any, count)] {
                    let rules = sums()
                        .with_end_rank(end_rank)
                        .with_at_maximum(AtMaximum::FinishIfNoneEnded);
                    let request = Request::new(width, MaximumLength(1))
                        .with_end_tokens(20..20 + ends as u32)
                        .with_rules(rules);
                    let row = |_: &[u32]| {
                        let mut row: Vec<f32> = (0..22).map(|token| -1.0 - token as f32).collect();
                        row[20] = -0.5 - rank as f32;
                        row
                    };
                    let found = texts(&run(request, row));
                    let live: Vec<Vec<u32>> = (0..width as u32).map(|token| vec![token]).collect();
                    let expected = match rank < limit {
                        true => vec![vec![20]],
                        false => live,
                    };
                    assert_eq!(found, expected, "{ends} {width} {rank} {end_rank:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_live_at_the_maximum_length_finishes_as_its_rule_says() {
    // 0 ends; 1 and 2 go on.
    let early = |tokens: &[u32]| match tokens {
        [] => vec![-1.0, -0.5, -3.0],
        _ => vec![-9.0, -0.25, -0.5],
    };
    let never = |tokens: &[u32]| match tokens {
        [] => vec![-30.0, -0.5, -3.0],
        _ => vec![-9.0, -0.25, -0.5],
    };
    let last = |tokens: &[u32]| match tokens {
        [] => vec![-30.0, -0.5, -3.0],
        _ => vec![-0.3, -0.25, -0.5],
    };
    let patient = Stopping::FirstFinished { patience: 1.5 };
    let hasty = Stopping::FirstFinished { patience: 0.5 };
    let (end, cut) = (Finish::End, Finish::Length);
    let (a, b) = (vec![1, 1], vec![1, 2]);
    use AtMaximum::{Finish as All, FinishIfNoneEnded, FinishUnlessDone, ForceEnd};
    type Found = Vec<(Vec<u32>, f64, Finish)>;
    let cut_both: Found = vec![(a.clone(), -0.75, cut), (b.clone(), -1.0, cut)];
    let mixed: Found = vec![(a.clone(), -0.75, cut), (vec![0], -1.0, end)];
    let forced_early: Found = vec![(vec![0], -1.0, end), (vec![1, 0], -9.5, end)];
    let with_last: Found = vec![(a, -0.75, cut), (vec![1, 0], -0.8, end)];
    let cases: Vec<(usize, AtMaximum, Stopping, Found)> = vec![
        (0, All, patient, mixed.clone()),
        (0, FinishUnlessDone, patient, mixed),
        (0, FinishIfNoneEnded, patient, vec![(vec![0], -1.0, end)]),
        (0, ForceEnd, patient, forced_early),
        (1, All, patient, cut_both.clone()),
        (1, FinishUnlessDone, patient, cut_both.clone()),
        (1, FinishIfNoneEnded, patient, cut_both.clone()),
        (1, All, hasty, cut_both),
        (2, All, hasty, with_last.clone()),
        (2, FinishUnlessDone, patient, with_last),
        (2, FinishUnlessDone, hasty, vec![(vec![1, 0], -0.8, end)]),
        (2, FinishIfNoneEnded, patient, vec![(vec![1, 0], -0.8, end)]),
        (
            2,
            ForceEnd,
            patient,
            vec![(vec![1, 0], -0.8, end), (vec![2, 0], -3.3, end)],
        ),
    ];
    for (model, at_maximum, stopping, expected) in cases {
        let rules = sums().with_at_maximum(at_maximum).with_stopping(stopping);
        let request = Request::new(2, MaximumLength(2))
            .with_end_tokens([0])
            .with_rules(rules);
        let row = |tokens: &[u32]| match model {
            0 => early(tokens),
            1 => never(tokens),
            _ => last(tokens),
        };
        let (found, ended) = run(request, row);
        let rounded = |found: &[(Vec<u32>, f64, Finish)]| -> Vec<(Vec<u32>, i64, Finish)> {
            found
                .iter()
                .map(|(tokens, score, finish)| {
                    (tokens.clone(), (score * 1e6).round() as i64, *finish)
                })
                .collect()
        };
        assert_eq!(
            rounded(&found),
            rounded(&expected),
            "model {model}, {at_maximum:?}, {stopping:?}"
        );
        assert_eq!(ended, Ended::Length);
    }
}

#[test]
fn without_end_tokens_none_is_forced_at_the_maximum_length() {
    let rules = sums().with_at_maximum(AtMaximum::ForceEnd);
    let (found, ended) = run(Request::new(2, MaximumLength(2)).with_rules(rules), |_| {
        vec![-1.0, -2.0]
    });
    let cut = Finish::Length;
    assert_eq!(found, [(vec![0, 0], -2.0, cut), (vec![0, 1], -3.0, cut)]);
    assert_eq!(ended, Ended::Length);
}

#[test]
fn a_penalty_divides_by_the_tokens_that_its_rule_counts() {
    let counts = [
        (CountedLength::Generated, 2.0, 2.0),
        (CountedLength::WithoutEnd, 1.0, 2.0),
        (CountedLength::WithPrompt, 4.0, 5.0),
    ];
    for (counted, ended, cut) in counts {
        for alpha in [-1.0, 0.0, 0.5, 1.0, 2.0] {
            let power = LengthPenalty::Power { alpha };
            let gnmt = LengthPenalty::Gnmt { alpha };
            let divisors: [(LengthPenalty, &dyn Fn(f64) -> f64); 3] = [
                (LengthPenalty::None, &|_| 1.0),
                (power, &|length: f64| length.powf(alpha)),
                (gnmt, &|length: f64| ((5.0 + length) / 6.0).powf(alpha)),
            ];
            for (length_penalty, divisor) in divisors {
                let rules = Rules::plain()
                    .with_length_penalty(length_penalty)
                    .with_counted(counted);
                let request = Request::new(2, MaximumLength(2))
                    .with_prompt([77; 3])
                    .with_end_tokens([0])
                    .with_rules(rules);
                let row = |tokens: &[u32]| match tokens {
                    [] => vec![f32::NEG_INFINITY, -1.0],
                    _ => vec![-1.0, -2.0],
                };
                let (mut found, _) = run(request, row);
                found.sort_by_key(|found| found.0.clone());
                let expected = [
                    (vec![1, 0], -2.0 / divisor(ended), Finish::End),
                    (vec![1, 1], -3.0 / divisor(cut), Finish::Length),
                ];
                assert_eq!(found, expected, "{rules:?}");
            }
        }
    }
}

#[test]
fn a_full_pool_takes_a_better_hypothesis_or_keeps_what_it_has() {
    // Each step ends one hypothesis, at -4, -6, -8 and -8 in all: under a penalty
    // that likes length they get better.
    let row = |tokens: &[u32]| match tokens.len() {
        0 => vec![-4.0, -0.5],
        1 => vec![-5.5, -0.5],
        2 => vec![-7.0, -0.5],
        _ => vec![-6.5, f32::NEG_INFINITY],
    };
    for (when_full, expected) in [
        (WhenFull::Keep, [vec![1, 0], vec![0]]),
        (WhenFull::ReplaceWorst, [vec![1, 1, 1, 0], vec![1, 1, 0]]),
    ] {
        let rules = Rules::plain()
            .with_stopping(Stopping::FirstFinished { patience: 9.0 })
            .with_when_full(when_full);
        let request = Request::new(2, MaximumLength(6))
            .with_end_tokens([0])
            .with_rules(rules);
        let answer = run(request, row);
        assert_eq!(texts(&answer), expected);
        assert_eq!(answer.1, Ended::Exhausted);
    }
}

#[test]
fn of_equal_hypotheses_that_of_the_first_group_goes_first() {
    // Group 1 must leave token 0 to group 0, and then token 2.
    let row = |tokens: &[u32]| match tokens {
        [] => vec![-1.0, -1.25, -9.0, -9.0],
        [0] => vec![-9.0, -9.0, -1.0, -9.0],
        _ => vec![-9.0, -9.0, -9.0, -0.75],
    };
    let request = Request::new(2, MaximumLength(2))
        .with_rules(sums())
        .with_diverse_groups(2, 1.0);
    let (found, _) = run(request, row);
    let cut = Finish::Length;
    assert_eq!(found, [(vec![0, 2], -2.0, cut), (vec![1, 3], -2.0, cut)]);
    // The other way round: the group that has the better start ends no better.
    let row = |tokens: &[u32]| match tokens {
        [] => vec![-1.25, -1.0, -9.0, -9.0],
        [0] => vec![-9.0, -9.0, -0.75, -9.0],
        _ => vec![-9.0, -9.0, -9.0, -1.0],
    };
    let request = Request::new(2, MaximumLength(2))
        .with_rules(sums())
        .with_diverse_groups(2, 1.0);
    let (found, _) = run(request, row);
    assert_eq!(found, [(vec![1, 3], -2.0, cut), (vec![0, 2], -2.0, cut)]);
}

#[test]
fn a_token_pays_for_every_beam_of_the_groups_before_that_continued_with_it() {
    // Two beams of group 0 go on with token 0 at the second step, one of group 1.
    let row = |tokens: &[u32]| match tokens {
        [] => vec![-1.0, -1.5, -40.0, -41.0],
        _ => vec![-1.0, -30.0, -31.0, -32.0],
    };
    let request = Request::new(6, MaximumLength(2))
        .with_rules(sums())
        .with_diverse_groups(3, 0.5);
    let (found, _) = run(request, row);
    // First tokens: group 0 has 0 and 1, at -1 and -1.5. Group 1 has the same at
    // -1.5 and -2, group 2 at -2 and -2.5. Then token 0 costs 0, 1 and 2 more.
    let expected: Vec<(Vec<u32>, f64)> = vec![
        (vec![0, 0], -2.0),
        (vec![1, 0], -2.5),
        (vec![0, 0], -3.5),
        (vec![1, 0], -4.0),
        (vec![0, 0], -5.0),
        (vec![1, 0], -5.5),
    ];
    let found: Vec<_> = found.into_iter().map(|found| (found.0, found.1)).collect();
    assert_eq!(found, expected);
}

#[test]
fn equal_scores_go_by_parent_then_by_log_probability_then_by_token() {
    // All totals of the second step are -3: of parents 0 and 1, tokens alike.
    let row = |tokens: &[u32]| match tokens {
        [] => vec![-1.0, -2.0],
        [0] => vec![-2.0, -2.0],
        _ => vec![-1.0, -1.0],
    };
    let (found, _) = run(Request::new(3, MaximumLength(2)).with_rules(sums()), row);
    let found: Vec<_> = found.into_iter().map(|found| found.0).collect();
    assert_eq!(found, [vec![0, 0], vec![0, 1], vec![1, 0]]);
    // Beyond 2^53 a sum swallows what is added: the better token is still first.
    let row = |tokens: &[u32]| match tokens {
        [] => vec![-1e30, f32::NEG_INFINITY, f32::NEG_INFINITY],
        _ => vec![-2.0, -1.0, -2.0],
    };
    let (found, _) = run(Request::new(3, MaximumLength(2)).with_rules(sums()), row);
    let found: Vec<_> = found.into_iter().map(|found| found.0).collect();
    assert_eq!(found, [vec![0, 1], vec![0, 0], vec![0, 2]]);
    // ... as processed, whatever was read.
    let raise = processor_fn(|row| row.set(2, row.get(2) + 1.5));
    let request = Request::new(3, MaximumLength(2)).with_rules(sums());
    let (found, _) = run(
        request.process_log_probabilities(raise),
        |tokens| match tokens {
            [] => vec![-1e30, f32::NEG_INFINITY, f32::NEG_INFINITY],
            _ => vec![-2.0, -1.0, -2.0],
        },
    );
    let found: Vec<_> = found.into_iter().map(|found| found.0).collect();
    assert_eq!(found, [vec![0, 2], vec![0, 1], vec![0, 0]]);
}

#[test]
fn logits_that_a_normaliser_swallows_go_by_their_value() {
    // Next to a log-sum-exp of about 2, 1e-30 and 2e-30 are the same to f64.
    let logits = [1e-30f32, 2e-30, 0.0, -1e-30, 2e-30, -0.0];
    let mut search = AutoregressiveSearch::new(6).unwrap();
    let id = search.admit(Request::new(6, MaximumLength(1))).unwrap();
    search.feed();
    search
        .advance(&ScoresView::logits(&logits, [1, 6]).unwrap())
        .unwrap();
    let outcome = search.outcome(id).unwrap().unwrap();
    let found: Vec<u32> = outcome.hypotheses().map(|found| found.tokens[0]).collect();
    assert_eq!(found, [1, 4, 0, 2, 5, 3]);
    let scores: Vec<f64> = outcome.hypotheses().map(|found| found.score).collect();
    assert!(scores.iter().all(|&score| score == scores[0]));
}

#[test]
fn an_exhausted_request_says_whether_it_has_found_something() {
    const NO: f32 = f32::NEG_INFINITY;
    // Token 0 ends. After the first step nothing is possible.
    for (first, ended, found) in [
        ([-1.0, -0.5, -2.0], Ended::Exhausted, 1),
        ([NO, -0.5, -2.0], Ended::NothingFound, 0),
        ([NO, NO, NO], Ended::NothingFound, 0),
    ] {
        for groups in [1, 2] {
            let request = Request::new(2 * groups, MaximumLength(5))
                .with_end_tokens([0])
                .with_rules(sums().with_end_rank(EndRank::Any))
                .with_diverse_groups(groups, 0.5);
            let mut search = AutoregressiveSearch::new(3).unwrap();
            let id = search.admit(request).unwrap();
            let mut row = first;
            while !search.is_idle() {
                let shape = [search.feed().rows(), 3];
                let data = row.repeat(shape[0]);
                search
                    .advance(&ScoresView::log_probabilities(&data, shape).unwrap())
                    .unwrap();
                row = [NO; 3];
            }
            let outcome = search.outcome(id).unwrap().unwrap();
            assert_eq!(outcome.ended(), ended);
            assert_eq!(outcome.hypotheses().len(), found * groups);
            let nbest = outcome.nbest();
            assert_eq!((nbest.len(), nbest.scores().len()), (1, found * groups));
            assert!(nbest.item(0).unwrap().eq(outcome.hypotheses()));
            if found > 0 {
                assert_eq!(outcome.best().unwrap().tokens, [0]);
                continue;
            }
            let error = outcome.best().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoHypothesis);
            assert_eq!((error.request(), error.item()), (Some(id), None));
            assert_eq!(error.to_string(), format!("{id}: no hypothesis finished"));
            let error = outcome.hypotheses().best().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoHypothesis);
        }
    }
}

/// Whatever ends a search: what was live may be dropped at the maximum length too.
#[test]
fn a_request_that_found_nothing_says_so_at_the_maximum_length_too() {
    let impossible = [f32::NEG_INFINITY; 3];
    let no_end = [1.0, 1.0, f32::NEG_INFINITY];
    for (request, row) in [
        (Request::new(2, MaximumLength(1)), impossible),
        (Request::new(2, MaximumLength(2)), impossible),
        (
            Request::new(2, MaximumLength(2))
                .with_end_tokens([2])
                .with_rules(Rules::fairseq(1.0)),
            no_end,
        ),
    ] {
        let mut search = AutoregressiveSearch::new(3).unwrap();
        let id = search.admit(request).unwrap();
        while !search.is_idle() {
            let rows = search.feed().rows();
            let logits = row.repeat(rows);
            let scores = ScoresView::logits(&logits, [rows, 3]).unwrap();
            search.advance(&scores).unwrap();
        }
        let outcome = search.outcome(id).unwrap().unwrap();
        assert_eq!(outcome.ended(), Ended::NothingFound);
        assert_eq!(outcome.hypotheses().len(), 0);
        assert_eq!(outcome.best().unwrap_err().request(), Some(id));
    }
}
