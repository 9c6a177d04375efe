//! Requests that come, go and fail at every moment, and what the feed says of
//! their rows.

use widebeam::autoregressive::{
    AutoregressiveSearch, EndRank, Ended, LengthPenalty, MaximumLength, Normaliser, Request,
    RequestId, Rules, Stopping,
};
use widebeam::reference::requests::{Model, Permitted, Processor, Spec, found, score};
use widebeam::{Error, Level, ScoresView};

use crate::{Visit, check_visits, logits};

const MODEL: Model = logits(12, 9, 3);

/// Three requests of different shapes.
fn specs() -> [Spec; 3] {
    let mut grouped = Spec::plain(4, 4, &[2]);
    grouped.groups = (2, 0.5);
    grouped.prompt = vec![1, 2];
    let mut processed = Spec::plain(2, 3, &[]);
    processed.after.push(Processor::Repetition(1.3));
    processed.prompt = vec![4];
    [Spec::plain(3, 4, &[8]), grouped, processed]
}

#[test]
fn a_search_has_a_vocabulary_within_the_limit_and_a_level() {
    let limit = ScoresView::MAX_VOCAB;
    for vocab in [1, 7, limit] {
        for level in Level::available() {
            let search = AutoregressiveSearch::new(vocab).unwrap();
            let search = search.with_level(level).unwrap();
            assert_eq!((search.vocab(), search.level()), (vocab, level));
            assert!(search.is_idle());
        }
    }
    let message = |vocab| AutoregressiveSearch::new(vocab).unwrap_err().to_string();
    assert!(message(0).contains("vocabulary"));
    assert!(message(limit + 1).contains(&(limit + 1).to_string()));
    let request = Request::new(4, MaximumLength(7));
    assert_eq!((request.beams(), request.max_length()), (4, 7));
}

#[test]
fn requests_come_and_go_at_every_moment() {
    for arrives in 0..4 {
        for arrives_later in 0..6 {
            for leaves in [None, Some(0), Some(1), Some(2), Some(5)] {
                let [a, b, c] = specs();
                let visits: Vec<Visit> = vec![
                    (a, 0, leaves),
                    (b, arrives, None),
                    (c.clone(), arrives_later, leaves),
                    (c, arrives_later, None),
                ];
                check_visits(&MODEL, &visits, 1, Level::best());
            }
        }
    }
}

/// Rows of which only permitted tokens are read lie before and between rows of one,
/// two and three blocks that are read whole.
#[test]
fn rows_that_are_read_are_found_among_those_that_are_not() {
    for vocab in [2000, 2049, 4100] {
        let model = Model { vocab, ..MODEL };
        let mut permitted = Spec::plain(2, 3, &[4]);
        let trie = Permitted::Trie(vec![vec![1, 2, 0], vec![3], vec![1, 5]]);
        permitted.constraints = vec![(trie, Normaliser::Permitted)];
        let plain = |beams| Spec::plain(beams, 3, &[4]);
        for order in [
            vec![permitted.clone(), plain(2), permitted.clone(), plain(3)],
            vec![plain(3), permitted.clone(), permitted.clone(), plain(2)],
        ] {
            let visits: Vec<Visit> = order.into_iter().map(|spec| (spec, 0, None)).collect();
            check_visits(&model, &visits, 2, Level::best());
        }
    }
}

#[test]
fn as_many_beams_as_there_may_be_are_admitted() {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let most = Request::MAX_BEAMS;
    let id = search.admit(Request::new(most, MaximumLength(1))).unwrap();
    assert!(
        search
            .admit(Request::new(most + 1, MaximumLength(1)))
            .is_err()
    );
    step(&mut search, &[-1.0, -2.0, NO]);
    assert_eq!(search.outcome(id).unwrap().unwrap().hypotheses().len(), 2);
}

#[test]
fn the_failure_of_any_row_at_any_step_harms_no_other_request() {
    for victim in 0..3 {
        for at in 0..3 {
            for row_of_victim in 0..3 {
                fail(victim, at, row_of_victim);
            }
        }
    }
}

/// Runs three requests, of which one has an invalid score in a row of a step.
fn fail(victim: usize, at: usize, row_of_victim: usize) {
    let specs = specs();
    let mut search = AutoregressiveSearch::new(MODEL.vocab).unwrap();
    let ids: Vec<RequestId> = specs
        .iter()
        .map(|spec| search.admit(spec.engine()).unwrap())
        .collect();
    let mut before = Vec::new();
    let mut failed = None;
    for step in 0.. {
        if search.is_idle() {
            break;
        }
        let mut data = score(&mut search, &mut before, |_, tokens| MODEL.scores(tokens));
        let rows = search.feed().requests().find(|(id, _)| *id == ids[victim]);
        if let (true, Some((_, rows))) = (step == at, rows) {
            let row = rows.clone().nth(row_of_victim.min(rows.len() - 1)).unwrap();
            data[row * MODEL.vocab + 5] = f32::INFINITY;
            failed = Some(row);
        }
        search.advance(&MODEL.view(&data)).unwrap();
    }
    let row = failed.expect("the victim was running");
    for (index, id) in ids.into_iter().enumerate() {
        if index != victim {
            let outcome = search.outcome(id).unwrap().unwrap();
            assert_eq!(found(outcome), specs[index].expected(&MODEL));
            continue;
        }
        let error = search.outcome(id).unwrap_err();
        let place = format!("row {row}, step {at}, token 5: inf is not a valid logit");
        assert!(error.to_string().starts_with(&place), "{error}");
        let place = (error.request(), error.step(), error.token());
        assert_eq!(place, (Some(id), Some(at), Some(5)));
    }
}

/// Admits a request, and takes it through its steps over log-probabilities that are
/// the same for every row.
fn step(search: &mut AutoregressiveSearch, row: &[f32]) {
    let rows = search.feed().rows();
    let data = row.repeat(rows);
    let scores = ScoresView::log_probabilities(&data, [rows, row.len()]).unwrap();
    search.advance(&scores).unwrap();
}

const NO: f32 = f32::NEG_INFINITY;

#[test]
fn the_stable_prefix_is_what_all_live_and_finished_hypotheses_begin_with() {
    let rules = Rules::plain()
        .with_length_penalty(LengthPenalty::None)
        .with_stopping(Stopping::FirstFinished { patience: 9.0 });
    let request = Request::new(2, MaximumLength(9))
        .with_prompt([2])
        .with_end_tokens([0])
        .with_rules(rules);
    let mut search = AutoregressiveSearch::new(4).unwrap();
    let id = search.admit(request).unwrap();
    let mut prefix = vec![7];
    assert!(search.stable_prefix(id, &mut prefix));
    assert!(prefix.is_empty());
    let steps: [([f32; 4], &[u32]); 5] = [
        ([NO, -0.5, NO, NO], &[1]),
        ([NO, NO, -0.5, NO], &[1, 2]),
        // One ends here, so that what the other goes on with is not sure.
        ([-1.0, -0.5, NO, NO], &[1, 2]),
        ([NO, NO, NO, -0.5], &[1, 2]),
        ([NO, -0.5, -0.5, NO], &[1, 2]),
    ];
    for (row, expected) in steps {
        step(&mut search, &row);
        assert!(search.stable_prefix(id, &mut prefix));
        assert_eq!(prefix, expected);
    }
    // Two live ones that part, of which one goes on.
    let id = search.admit(Request::new(2, MaximumLength(9))).unwrap();
    step(&mut search, &[NO, -0.5, -0.6, NO]);
    assert!(search.stable_prefix(id, &mut prefix));
    assert!(prefix.is_empty());
    step(&mut search, &[NO; 4]);
    assert_eq!(
        search.outcome(id).unwrap().unwrap().ended(),
        Ended::NothingFound
    );
    prefix.push(7);
    assert!(!search.stable_prefix(id, &mut prefix), "it is done");
    assert!(prefix.is_empty());
}

#[test]
fn the_feed_says_whether_rows_stay_where_they_are() {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    assert_eq!(search.feed().rows(), 0);
    let first = search.admit(Request::new(2, MaximumLength(4))).unwrap();
    // Nothing was scored, so nothing moves.
    assert!(search.feed().is_identity());
    step(&mut search, &[-1.0, -2.0, NO]);
    // One row became two.
    assert!(!search.feed().is_identity());
    assert_eq!(search.feed().parents(), [0, 0]);
    assert_eq!(search.feed().tokens(), [0, 1]);
    step(&mut search, &[NO, NO, -1.0]);
    assert!(search.feed().is_identity());
    assert_eq!(search.feed().parents(), [0, 1]);
    search.abandon_step();
    // A request that comes moves nothing; one that leaves does.
    let second = search.admit(Request::new(1, MaximumLength(4))).unwrap();
    assert!(search.feed().is_identity());
    let rows: Vec<_> = search.feed().requests().collect();
    assert_eq!(rows, [(first, 0..2), (second, 2..3)]);
    let fresh: Vec<_> = search.feed().fresh().map(|(id, _)| id).collect();
    assert_eq!(fresh, [second]);
    step(&mut search, &[NO, NO, -1.0]);
    assert!(search.feed().is_identity());
    search.abandon_step();
    assert!(search.remove(first));
    assert!(!search.feed().is_identity());
    assert_eq!(search.feed().parents(), [2]);
    assert_eq!(search.feed().fresh().count(), 0);
    // A swap of two rows is no identity either.
    let mut search = AutoregressiveSearch::new(3).unwrap();
    search.admit(Request::new(2, MaximumLength(4))).unwrap();
    step(&mut search, &[-1.0, -1.5, NO]);
    let swapped = [NO, NO, -2.0, NO, NO, -1.0];
    let scores = ScoresView::log_probabilities(&swapped, [2, 3]).unwrap();
    search.feed();
    search.advance(&scores).unwrap();
    assert_eq!(search.feed().parents(), [1, 0]);
    assert!(!search.feed().is_identity());
}

#[test]
fn sequences_of_rows_are_those_of_their_requests() {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let mut tokens = vec![5];
    search
        .admit(Request::new(2, MaximumLength(4)).with_prompt([9, 9]))
        .unwrap();
    step(&mut search, &[-1.0, -2.0, NO]);
    search
        .admit(Request::new(2, MaximumLength(4)).with_prompt([7]))
        .unwrap();
    let mut all = Vec::new();
    for row in 0..3 {
        search.feed().sequence(row, &mut tokens);
        all.push(tokens.clone());
    }
    assert_eq!(all, [vec![9, 9, 0], vec![9, 9, 1], vec![7]]);
}

#[test]
fn what_has_finished_is_named_in_the_order_of_rows_until_the_next_step() {
    let end = |beams| Request::new(beams, MaximumLength(9)).with_end_tokens([0]);
    let mut search = AutoregressiveSearch::new(2).unwrap();
    let ids: Vec<_> = [1, 2, 1]
        .map(|beams| search.admit(end(beams)).unwrap())
        .to_vec();
    let running = |search: &mut AutoregressiveSearch| -> Vec<RequestId> {
        let ids = search.feed().requests().map(|(id, _)| id).collect();
        search.abandon_step();
        ids
    };
    assert!(search.finished().is_empty());
    step(&mut search, &[-0.5, -1.0]);
    assert_eq!(search.finished(), [ids[0], ids[2]]);
    assert_eq!(running(&mut search), [ids[1]]);
    assert!(search.outcome(ids[1]).unwrap().is_none() && !search.is_idle());
    // Removed ones are named no more, and their places are used again.
    assert!(search.remove(ids[0]));
    assert_eq!(search.finished(), [ids[2]]);
    let again = search.admit(Request::new(1, MaximumLength(1))).unwrap();
    assert!(!ids.contains(&again) && search.outcome(ids[0]).is_err());
    assert_eq!(running(&mut search), [ids[1], again]);
    assert_eq!(search.finished(), [ids[2]]);
    step(&mut search, &[-0.5, -1.0]);
    assert_eq!(search.finished(), [ids[1], again]);
    assert!(search.is_idle() && running(&mut search).is_empty());
    assert_eq!(
        search
            .outcome(ids[2])
            .unwrap()
            .unwrap()
            .best()
            .unwrap()
            .tokens,
        [0]
    );
    assert!(search.remove(again) && !search.remove(again));
    assert_eq!(search.finished(), [ids[1]]);
}

/// The place of a request that found much serves one that finds nothing.
#[test]
fn a_place_that_is_used_again_holds_nothing_of_the_request_before() {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let rules = Rules::plain()
        .with_stopping(Stopping::FirstFinished { patience: 1.0 })
        .with_end_rank(EndRank::Any);
    let many = Request::new(6, MaximumLength(5))
        .with_end_tokens([0])
        .with_rules(rules)
        .with_diverse_groups(3, 0.5);
    for _ in 0..3 {
        let id = search.admit(many.clone()).unwrap();
        let model = |_: &widebeam::autoregressive::Feed<'_>, _: &mut [f32]| Ok::<(), Error>(());
        search.run(model).unwrap();
        assert_eq!(search.outcome(id).unwrap().unwrap().hypotheses().len(), 6);
        search.remove(id);
        let id = search
            .admit(Request::new(6, MaximumLength(5)).with_end_tokens([0]))
            .unwrap();
        step(&mut search, &[NO; 3]);
        let outcome = search.outcome(id).unwrap().unwrap();
        assert_eq!(outcome.ended(), Ended::NothingFound);
        assert_eq!(outcome.hypotheses().len(), 0);
        search.remove(id);
    }
}
