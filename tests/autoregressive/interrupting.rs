//! What comes between the feed of a step and its scores: requests that come and go, steps
//! that are given up, clones.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use widebeam::autoregressive::{
    AutoregressiveSearch, Ended, Feed, FrequencyPenalty, MaximumLength, Request, RequestId,
    processor_fn,
};
use widebeam::reference::autoregressive::Found;
use widebeam::reference::requests::{Model, Spec, found, score};
use widebeam::{Error, ErrorKind, ScoresView, SparseScoresView};
use widebeam_toy::seeded;

use crate::{Visit, any_model, logits, model_and_visits};

const MODEL: Model = logits(31, 9, 3);

/// The model of a request: requests that changed places would be noticed.
fn own(model: &Model, index: usize) -> Model {
    let seed = model.seed.wrapping_add(1000 * index as u64);
    Model { seed, ..*model }
}

/// All that a feed shows.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    tokens: Vec<u32>,
    parents: Vec<u32>,
    is_identity: bool,
    requests: Vec<(RequestId, Range<usize>)>,
    fresh: Vec<(RequestId, Vec<u32>)>,
    sequences: Vec<Vec<u32>>,
}

impl Shown {
    fn by(feed: Feed<'_>) -> Self {
        let sequence = |row| {
            let mut tokens = vec![77];
            feed.sequence(row, &mut tokens);
            tokens
        };
        Shown {
            tokens: feed.tokens().to_vec(),
            parents: feed.parents().to_vec(),
            is_identity: feed.is_identity(),
            requests: feed.requests().collect(),
            fresh: feed.fresh().map(|(id, p)| (id, p.to_vec())).collect(),
            sequences: (0..feed.rows()).map(sequence).collect(),
        }
    }
}

/// When, in a step, requests come and go.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    BeforeFeed,
    AfterFeed,
    /// After the feed of a step that is then given up, and begun anew.
    Abandoned,
}

fn moments() -> impl Strategy<Value = Vec<Moment>> {
    let all = [Moment::BeforeFeed, Moment::AfterFeed, Moment::Abandoned];
    prop::collection::vec(prop::sample::select(all.to_vec()), 1..9)
}

/// A batch of visits, each of a request with a model of its own.
struct Batch<'a> {
    search: AutoregressiveSearch,
    model: &'a Model,
    visits: &'a [Visit],
    /// Those that are in the search.
    ids: HashMap<RequestId, usize>,
    /// Those that have left it.
    removed: Vec<RequestId>,
    /// The sequences of the rows last scored.
    before: Vec<Vec<u32>>,
    steps: Vec<usize>,
    results: Vec<Option<Vec<Found>>>,
}

impl Batch<'_> {
    /// Lets requests come and go whose time it is.
    fn come_and_go(&mut self, step: usize) {
        for (index, (spec, arrives, leaves)) in self.visits.iter().enumerate() {
            if *arrives == step {
                let id = self.search.admit(spec.engine()).unwrap();
                assert!(self.search.outcome(id).unwrap().is_none());
                assert_eq!(self.ids.insert(id, index), None);
            }
            if leaves.is_some_and(|after| arrives + after == step) {
                let id = self.ids.iter().find(|&(_, &at)| at == index);
                let id = *id.expect("it is there").0;
                assert!(self.search.remove(id));
                self.ids.remove(&id);
                self.removed.push(id);
            }
        }
        for &id in &self.removed {
            let error = self.search.outcome(id).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnknownRequest);
            assert_eq!(error.request(), Some(id));
            assert!(!self.search.remove(id));
            assert!(!self.search.stable_prefix(id, &mut Vec::new()));
        }
    }

    /// Those that are not done.
    fn running(&self) -> Vec<RequestId> {
        let mut ids: Vec<RequestId> = self.ids.keys().copied().collect();
        ids.retain(|&id| matches!(self.search.outcome(id), Ok(None)));
        ids.sort();
        ids
    }

    /// The scores of the rows of a step, which it begins or shows again.
    fn score(&mut self) -> Vec<f32> {
        let (model, ids) = (self.model, &self.ids);
        score(&mut self.search, &mut self.before, |id, tokens| {
            // Of those that are removed, the same as any other.
            let index = ids.get(&id).copied().unwrap_or(99);
            own(model, index).scores(tokens)
        })
    }

    fn step(&mut self, step: usize, moment: Moment) {
        if moment == Moment::BeforeFeed {
            self.come_and_go(step);
        }
        if self.search.is_idle() {
            assert_eq!(self.search.feed().rows(), 0);
            if moment != Moment::BeforeFeed {
                self.come_and_go(step);
            }
            return;
        }
        let before = self.before.clone();
        let mut data = self.score();
        let mut shown = Shown::by(self.search.feed());
        if moment != Moment::BeforeFeed {
            self.come_and_go(step);
            assert_eq!(
                Shown::by(self.search.feed()),
                shown,
                "the step is under way"
            );
        }
        assert_eq!(self.search.is_idle(), self.running().is_empty());
        if moment == Moment::Abandoned {
            self.search.abandon_step();
            self.before = before;
            if self.search.is_idle() {
                return;
            }
            data = self.score();
            shown = Shown::by(self.search.feed());
            let mut ids: Vec<_> = shown.requests.iter().map(|(id, _)| *id).collect();
            ids.sort();
            assert_eq!(ids, self.running());
        }
        for (id, rows) in &shown.requests {
            match self.ids.get(id) {
                Some(&index) => self.steps[index] += 1,
                // Nobody looks at these.
                None => {
                    let vocab = self.model.vocab;
                    data[rows.start * vocab..rows.end * vocab].fill(f32::NAN);
                }
            }
        }
        self.search.advance(&self.model.view(&data)).unwrap();
        for &id in self.search.finished() {
            let index = self.ids[&id];
            let outcome = self.search.outcome(id).unwrap().unwrap();
            self.results[index] = Some(found(outcome));
        }
    }
}

proptest! {
    #![proptest_config(seeded::cases(600))]

    #[test]
    fn requests_that_come_and_go_within_a_step_do_not_see_each_other(
        (model, visits) in model_and_visits(any_model()),
        moments in moments(),
    ) {
        let mut batch = Batch {
            search: AutoregressiveSearch::new(model.vocab).unwrap(),
            model: &model,
            visits: &visits,
            ids: HashMap::new(),
            removed: Vec::new(),
            before: Vec::new(),
            steps: vec![0; visits.len()],
            results: vec![None; visits.len()],
        };
        for step in 0..30 {
            batch.step(step, moments[step % moments.len()]);
        }
        prop_assert!(batch.search.is_idle());
        for (index, (spec, _, leaves)) in visits.iter().enumerate() {
            match &batch.results[index] {
                Some(found) => {
                    let expected = spec.expected_in_steps(&own(&model, index));
                    prop_assert_eq!((found, batch.steps[index]), (&expected.0, expected.1));
                }
                None => prop_assert!(leaves.is_some()),
            }
        }
    }
}

/// A row of each of some requests, all scores `score`.
fn rows(search: &mut AutoregressiveSearch, score: f32) -> (Vec<f32>, [usize; 2]) {
    let shape = [search.feed().rows(), search.vocab()];
    (vec![score; shape[0] * shape[1]], shape)
}

#[track_caller]
fn is_out_of_order(search: &mut AutoregressiveSearch, rows: usize) {
    let data = vec![0f32; rows * search.vocab()];
    let scores = ScoresView::logits(&data, [rows, search.vocab()]).unwrap();
    let error = search.advance(&scores).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfOrder, "{error}");
    assert_eq!(
        error.to_string(),
        "no step has begun, so no scores are expected; `feed` begins one"
    );
}

#[test]
fn scores_without_a_feed_are_out_of_order() {
    let mut search = AutoregressiveSearch::new(4).unwrap();
    is_out_of_order(&mut search, 1);
    // Where nothing is running, no step begins.
    assert_eq!(search.feed().rows(), 0);
    is_out_of_order(&mut search, 1);
    let id = search.admit(Request::new(2, MaximumLength(2))).unwrap();
    is_out_of_order(&mut search, 1);
    let (data, shape) = rows(&mut search, 0.0);
    // Scores of another shape leave the step under way.
    let wrong = ScoresView::logits(&data[..3], [1, 3]).unwrap();
    assert_eq!(
        search.advance(&wrong).unwrap_err().kind(),
        ErrorKind::InvalidShape
    );
    search
        .advance(&ScoresView::logits(&data, shape).unwrap())
        .unwrap();
    // The scores of a step are taken once.
    is_out_of_order(&mut search, 1);
    is_out_of_order(&mut search, 2);
    search.feed();
    search.abandon_step();
    is_out_of_order(&mut search, 2);
    // Without a step under way there is nothing to give up.
    search.abandon_step();
    search.run(|_, _| Ok::<(), Error>(())).unwrap();
    assert_eq!(search.outcome(id).unwrap().unwrap().hypotheses().len(), 2);
    is_out_of_order(&mut search, 1);
}

#[test]
fn a_step_whose_requests_are_all_removed_is_idle_and_can_be_ended() {
    for abandoned in [false, true] {
        let mut search = AutoregressiveSearch::new(4).unwrap();
        let ids = [2, 1].map(|beams| search.admit(Request::new(beams, MaximumLength(5))).unwrap());
        let shown = Shown::by(search.feed());
        assert!(!search.is_idle());
        assert!(search.remove(ids[0]) && !search.is_idle());
        assert!(search.remove(ids[1]) && search.is_idle());
        assert_eq!(Shown::by(search.feed()), shown);
        // One that comes now is in the next step.
        let late = search.admit(Request::new(2, MaximumLength(1))).unwrap();
        assert!(!search.is_idle());
        assert_eq!(Shown::by(search.feed()), shown);
        if abandoned {
            search.abandon_step();
        } else {
            let (data, shape) = rows(&mut search, f32::NAN);
            search
                .advance(&ScoresView::logits(&data, shape).unwrap())
                .unwrap();
            assert!(search.finished().is_empty());
        }
        let next = Shown::by(search.feed());
        assert_eq!(next.requests, [(late, 0..1)]);
        assert_eq!(next.fresh, [(late, vec![])]);
        assert!(next.parents.is_empty() && next.tokens.is_empty());
        let (data, shape) = rows(&mut search, 0.0);
        search
            .advance(&ScoresView::logits(&data, shape).unwrap())
            .unwrap();
        assert_eq!(search.finished(), [late]);
        let outcome = search.outcome(late).unwrap().unwrap();
        assert_eq!(
            (outcome.ended(), outcome.hypotheses().len()),
            (Ended::Length, 2)
        );
    }
}

#[test]
fn a_removed_request_leaves_its_place_to_none_before_its_step_ends() {
    let mut search = AutoregressiveSearch::new(4).unwrap();
    let first = search
        .admit(Request::new(2, MaximumLength(5)).with_prompt([3]))
        .unwrap();
    let shown = Shown::by(search.feed());
    assert!(search.remove(first));
    // Were the place free, this one would take it, and the scores.
    let second = search
        .admit(Request::new(2, MaximumLength(1)).with_prompt([2]))
        .unwrap();
    assert_ne!(first, second);
    assert_eq!(Shown::by(search.feed()), shown);
    let (data, shape) = rows(&mut search, 0.0);
    search
        .advance(&ScoresView::logits(&data, shape).unwrap())
        .unwrap();
    assert!(search.finished().is_empty());
    assert!(search.outcome(second).unwrap().is_none());
    assert_eq!(Shown::by(search.feed()).fresh, [(second, vec![2])]);
    assert!(search.outcome(first).is_err() && !search.remove(first));
}

/// What has finished can be removed while the next step is under way, and its place used.
#[test]
fn a_request_that_is_done_is_removed_at_once() {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let short = search.admit(Request::new(1, MaximumLength(1))).unwrap();
    let long = search.admit(Request::new(1, MaximumLength(3))).unwrap();
    let (data, shape) = rows(&mut search, 0.0);
    search
        .advance(&ScoresView::logits(&data, shape).unwrap())
        .unwrap();
    assert_eq!(search.finished(), [short]);
    let shown = Shown::by(search.feed());
    assert_eq!(shown.requests, [(long, 0..1)]);
    assert!(search.remove(short));
    assert!(search.finished().is_empty());
    let next = search.admit(Request::new(1, MaximumLength(1))).unwrap();
    assert_eq!(Shown::by(search.feed()), shown);
    search.run(|_, _| Ok::<(), Error>(())).unwrap();
    for id in [long, next] {
        assert_eq!(search.outcome(id).unwrap().unwrap().ended(), Ended::Length);
    }
}

#[test]
fn ids_of_two_searches_are_never_equal_and_name_nothing_in_the_other() {
    let mut searches = [(); 2].map(|()| AutoregressiveSearch::new(3).unwrap());
    let request = || Request::new(1, MaximumLength(2));
    let ids: [Vec<RequestId>; 2] = searches
        .each_mut()
        .map(|search| (0..3).map(|_| search.admit(request()).unwrap()).collect());
    let mut all = ids.concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
    for (search, others) in searches.iter_mut().zip([&ids[1], &ids[0]]) {
        for &id in others {
            let error = search.outcome(id).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnknownRequest);
            assert_eq!(error.request(), Some(id));
            assert_eq!(
                error.to_string(),
                format!("{id} is not in this search: it was removed, or belongs to another")
            );
            let mut tokens = vec![1];
            assert!(!search.remove(id) && !search.stable_prefix(id, &mut tokens));
            assert!(tokens.is_empty());
        }
        assert_eq!(search.feed().requests().count(), 3);
    }
    // Places are used again, ids are not.
    let [mut search, _] = searches;
    search.abandon_step();
    let mut seen = all;
    for _ in 0..20 {
        let last = *seen.last().unwrap();
        search.remove(last);
        let id = search.admit(request()).unwrap();
        assert!(!seen.contains(&id));
        seen.push(id);
    }
}

/// Requests of which one has groups and one ends early.
fn specs() -> [Spec; 3] {
    let mut grouped = Spec::plain(4, 4, &[2]);
    grouped.groups = (2, 0.5);
    grouped.prompt = vec![1, 2];
    [Spec::plain(3, 5, &[8]), grouped, Spec::plain(2, 3, &[])]
}

/// Runs what is running to its end, from a step that may be under way.
fn finish(search: &mut AutoregressiveSearch) {
    let mut tokens = Vec::new();
    while !search.is_idle() {
        let feed = search.feed();
        let mut data = Vec::new();
        for row in 0..feed.rows() {
            feed.sequence(row, &mut tokens);
            data.extend(MODEL.scores(&tokens));
        }
        search.advance(&MODEL.view(&data)).unwrap();
    }
}

#[test]
fn a_clone_goes_on_by_itself_from_any_moment() {
    for steps in 0..4 {
        for under_way in [false, true] {
            let mut search = AutoregressiveSearch::new(MODEL.vocab).unwrap();
            let specs = specs();
            let ids = specs
                .each_ref()
                .map(|spec| search.admit(spec.engine()).unwrap());
            let mut before = Vec::new();
            for _ in 0..steps {
                let data = score(&mut search, &mut before, |_, tokens| MODEL.scores(tokens));
                search.advance(&MODEL.view(&data)).unwrap();
            }
            if under_way {
                search.feed();
            }
            let mut clone = search.clone();
            assert_eq!(clone.level(), search.level());
            assert_eq!(Shown::by(clone.feed()), Shown::by(search.feed()));
            // What is removed from the one, or admitted to it, is not from the other.
            assert!(clone.remove(ids[0]));
            let extra = clone.admit(specs[2].engine()).unwrap();
            assert!(search.outcome(extra).is_err());
            finish(&mut search);
            assert!(!clone.is_idle(), "it has not moved");
            finish(&mut clone);
            assert!(clone.outcome(ids[0]).is_err());
            let of =
                |search: &AutoregressiveSearch, id| found(search.outcome(id).unwrap().unwrap());
            for (index, id) in ids.into_iter().enumerate() {
                let expected = specs[index].expected(&MODEL);
                assert_eq!(of(&search, id), expected);
                if index > 0 {
                    assert_eq!(of(&clone, id), expected);
                }
            }
            assert_eq!(of(&clone, extra), specs[2].expected(&MODEL));
            // Each admits on; no id is given twice.
            let more = [&mut search, &mut clone].map(|search| search.admit(specs[0].engine()));
            let [a, b] = more.map(Result::unwrap);
            assert!(a != b && search.outcome(b).is_err() && clone.outcome(a).is_err());
        }
    }
}

#[test]
fn a_model_that_fails_leaves_its_step_to_the_next_run() {
    /// What a model of a caller says.
    #[derive(Debug, PartialEq)]
    enum Broken {
        Model,
        Search(Error),
    }
    impl From<Error> for Broken {
        fn from(error: Error) -> Self {
            Broken::Search(error)
        }
    }
    for fails_at in 0..3 {
        let specs = specs();
        let mut search = AutoregressiveSearch::new(MODEL.vocab).unwrap();
        let first = search.admit(specs[0].engine()).unwrap();
        let gone = search.admit(specs[2].engine()).unwrap();
        let mut step = 0;
        let mut tokens = Vec::new();
        let mut model = |fails_at: Option<usize>, feed: &Feed<'_>, logits: &mut [f32]| {
            assert!(logits.iter().all(|&logit| logit == 0.0));
            for (row, logits) in logits.chunks_mut(MODEL.vocab).enumerate() {
                feed.sequence(row, &mut tokens);
                logits.copy_from_slice(&MODEL.scores(&tokens));
                if fails_at == Some(step) {
                    return Err(Broken::Model);
                }
            }
            step += 1;
            Ok(())
        };
        let failed = search.run(|feed, logits| model(Some(fails_at), feed, logits));
        assert_eq!(failed, Err(Broken::Model));
        is_out_of_order(&mut search, 1);
        // What comes and goes meanwhile is in the step that begins anew, or not.
        assert!(search.remove(gone));
        let late = search.admit(specs[1].engine()).unwrap();
        let ids: Vec<_> = search.feed().requests().map(|(id, _)| id).collect();
        assert_eq!(ids, [first, late]);
        search
            .run(|feed, logits| model(None, feed, logits))
            .unwrap();
        for (id, spec) in [(first, &specs[0]), (late, &specs[1])] {
            let outcome = search.outcome(id).unwrap().unwrap();
            assert_eq!(found(outcome), spec.expected(&MODEL));
        }
    }
}

/// A processor that panics costs its own request, and those behind it in the step; those
/// before it, and the search, are as if nothing had happened.
#[test]
fn a_panic_of_a_processor_ends_the_step_and_no_more() {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let plain = || Request::new(2, MaximumLength(2));
    let panics = processor_fn(|_| panic!("as it should"));
    let before = search.admit(plain()).unwrap();
    let guilty = search
        .admit(plain().process_log_probabilities(panics))
        .unwrap();
    let removed = search.admit(plain()).unwrap();
    let behind = search.admit(plain()).unwrap();
    let row = [3.0f32, 2.0, 1.0];
    let advance = |search: &mut AutoregressiveSearch| {
        let rows = search.feed().rows();
        search.remove(removed);
        let logits = row.repeat(rows);
        let scores = ScoresView::logits(&logits, [rows, 3]).unwrap();
        catch_unwind(AssertUnwindSafe(|| search.advance(&scores)))
    };
    assert!(advance(&mut search).is_err());
    assert_eq!(search.finished(), [guilty, behind]);
    for id in [guilty, behind] {
        let error = search.outcome(id).unwrap_err();
        assert_eq!(
            (error.kind(), error.request()),
            (ErrorKind::Panicked, Some(id))
        );
    }
    assert!(!search.remove(removed));
    // What came before goes on, beside a new one.
    let after = search.admit(plain()).unwrap();
    while !search.is_idle() {
        advance(&mut search).unwrap().unwrap();
    }
    let tokens = |id| {
        let outcome = search.outcome(id).unwrap().unwrap();
        outcome
            .hypotheses()
            .map(|found| found.tokens.to_vec())
            .collect::<Vec<_>>()
    };
    assert_eq!(tokens(before), [[0, 0], [0, 1]]);
    assert_eq!(tokens(after), tokens(before));
}

/// A function that panics while tokens are counted, in a row of some tokens: what was counted,
/// and the places of the row, are no one's afterwards.
#[test]
fn a_panic_while_tokens_are_counted_leaves_nothing_behind() {
    let advance = |search: &mut AutoregressiveSearch, tokens: &[u32], logits: &[f32]| {
        let rows = search.feed().rows();
        let (tokens, logits) = (tokens.repeat(rows), logits.repeat(rows));
        let shape = [rows, tokens.len() / rows];
        let scores = SparseScoresView::logits(6, &tokens, &logits, shape).unwrap();
        catch_unwind(AssertUnwindSafe(|| search.advance_sparse(&scores)))
    };
    // A penalty that looks up tokens of which the rows give few.
    let request = || {
        let penalty = FrequencyPenalty::new(0.25).unwrap();
        let asks = processor_fn(|row| {
            for token in 0..6 {
                row.set(token, row.get(token));
            }
        });
        Request::new(2, MaximumLength(3))
            .with_prompt([1, 1, 5])
            .process_logits(penalty)
            .process_logits(asks)
    };
    let finish = |search: &mut AutoregressiveSearch, id| {
        while !search.is_idle() {
            advance(search, &[4, 2], &[1.0, 0.5]).unwrap().unwrap();
        }
        let outcome = search.outcome(id).unwrap().unwrap();
        let found = outcome.hypotheses();
        found
            .map(|one| (one.tokens.to_vec(), one.score.to_bits()))
            .collect::<Vec<_>>()
    };
    let mut fresh = AutoregressiveSearch::new(6).unwrap();
    let id = fresh.admit(request()).unwrap();
    let expected = finish(&mut fresh, id);
    assert!(!expected.is_empty());

    let mut search = AutoregressiveSearch::new(6).unwrap();
    let panics = processor_fn(|row| {
        row.map_counted(&[5, 5, 4, 2, 2], |_, _, _| panic!("as it should"));
    });
    let guilty = Request::new(2, MaximumLength(3)).process_logits(panics);
    let guilty = search.admit(guilty).unwrap();
    assert!(advance(&mut search, &[0, 1, 2, 3, 5], &[0.0; 5]).is_err());
    assert!(search.outcome(guilty).is_err());
    let id = search.admit(request()).unwrap();
    assert_eq!(finish(&mut search, id), expected);
}
