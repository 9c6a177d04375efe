//! The engine against the oracle: requests alone, and several in one batch.

use rayon::{ThreadPool, ThreadPoolBuilder};
use widebeam::autoregressive::{AutoregressiveSearch, RequestId};
use widebeam::reference::autoregressive::Hypothesis;
use widebeam::reference::requests::{Extended, Model, hypotheses, score};
use widebeam::{Level, ScoresView};

/// A request, and the step before which it is admitted.
pub(crate) type Visit = (Extended, usize);

/// A pool of this many threads.
fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads start")
}

/// Checks that a request alone finds what the oracle does, at every level and on one to three
/// threads.
pub(crate) fn check(request: &Extended, model: &Model) {
    for level in Level::available() {
        check_batch(&[(request.clone(), 0)], model, level, 1);
    }
    let mut more = request.clone();
    more.plain.beams += request.plain.groups.0;
    let visits = [(request.clone(), 1), (more, 0), (request.clone(), 2)];
    for threads in 2..=3 {
        check_batch(&visits, model, Level::best(), threads);
    }
}

/// Checks that requests in one batch find what the oracle does.
pub(crate) fn check_batch(visits: &[Visit], model: &Model, level: Level, threads: usize) {
    let found = pool(threads).install(|| run(visits, model, level));
    for ((request, start), found) in visits.iter().zip(found) {
        let expected = request.expected(model).hypotheses;
        let what = format!("{level}, {threads} threads, from step {start}: {request:?}");
        assert_eq!(found, expected, "{what}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(bits(found), bits(expected), "{what}");
        }
    }
}

/// What a request alone finds.
pub(crate) fn alone(request: &Extended, model: &Model) -> Vec<Hypothesis> {
    let visits = [(request.clone(), 0)];
    run(&visits, model, Level::best()).remove(0)
}

/// The bits of all scores.
fn bits(hypothesis: &Hypothesis) -> Vec<u64> {
    let found = &hypothesis.found;
    let own = hypothesis.own_scores.iter().flatten();
    let scores = [found.score, found.log_probability, hypothesis.coverage];
    let all = scores.iter().chain(&found.token_scores).chain(own);
    all.map(|score| score.to_bits()).collect()
}

fn run(visits: &[Visit], model: &Model, level: Level) -> Vec<Vec<Hypothesis>> {
    let search = AutoregressiveSearch::new(model.vocab).unwrap();
    let mut search = search.with_level(level).unwrap();
    let mut ids: Vec<Option<RequestId>> = vec![None; visits.len()];
    let mut before = Vec::new();
    for step in 0.. {
        for ((request, start), id) in visits.iter().zip(&mut ids) {
            if *start == step {
                *id = Some(search.admit(request.engine()).unwrap());
            }
        }
        let waiting = visits.iter().any(|(_, start)| *start > step);
        if search.is_idle() && !waiting {
            break;
        }
        if search.is_idle() {
            continue;
        }
        let data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
        advance(&mut search, visits, &ids, model, &data);
    }
    let outcome = |(id, (request, _)): (&Option<RequestId>, &Visit)| {
        let outcome = search.outcome(id.expect("it was admitted")).unwrap();
        hypotheses(outcome.expect("it is done"), request.own_scores)
    };
    ids.iter().zip(visits).map(outcome).collect()
}

/// Takes the scores of a step, with the attention of its rows if a request counts it.
pub(crate) fn advance(
    search: &mut AutoregressiveSearch,
    visits: &[Visit],
    ids: &[Option<RequestId>],
    model: &Model,
    data: &[f32],
) {
    let sources = visits.iter().filter_map(|(request, _)| request.coverage);
    let Some(sources) = sources.map(|(_, sources)| sources).max() else {
        return search.advance(&model.view(data)).unwrap();
    };
    // What is beyond the sources of a request does not matter.
    let padded = sources + 1;
    let mut attention = Vec::new();
    let (feed, mut tokens) = (search.feed(), Vec::new());
    for (id, rows) in feed.requests() {
        let index = ids.iter().position(|other| *other == Some(id)).unwrap();
        for row in rows {
            feed.sequence(row, &mut tokens);
            let start = attention.len();
            attention.extend(visits[index].0.scored(model, &tokens).attention);
            attention.resize(start + padded, 0.5);
        }
    }
    let shape = [attention.len() / padded, padded];
    let attention = ScoresView::probabilities(&attention, shape).unwrap();
    search.advance_with(&model.view(data), &attention).unwrap();
}
