//! What the engine finds, as the oracle says it.

use super::model::Model;
use super::spec::Spec;
use crate::Level;
use crate::autoregressive::{AutoregressiveSearch, Completion, Outcome, RequestId};
use crate::reference::autoregressive::{Found, Hypothesis, Sampled};

/// What the engine has found, as the oracle says it.
pub fn found(outcome: Outcome<'_>) -> Vec<Found> {
    let own = |hypothesis: Completion<'_>| Found {
        tokens: hypothesis.tokens.to_vec(),
        token_scores: hypothesis.token_scores.to_vec(),
        log_probability: hypothesis.log_probability,
        score: hypothesis.score,
        finish: hypothesis.finish.into(),
    };
    outcome.hypotheses().map(own).collect()
}

/// What the engine has found, with all that is known of it, as the oracle says it.
pub fn hypotheses(outcome: Outcome<'_>, wants_own: bool) -> Vec<Hypothesis> {
    let own = |(found, hypothesis): (Found, Completion<'_>)| Hypothesis {
        found,
        ending: hypothesis.ending,
        group: hypothesis.group,
        own_scores: wants_own.then(|| hypothesis.own_scores.to_vec()),
        coverage: hypothesis.coverage,
        sampled: hypothesis.sampled.map(|sampled| Sampled {
            log_probability: sampled.log_probability,
            perturbed: sampled.perturbed,
        }),
        log_weight: hypothesis.sampled.map(|sampled| sampled.log_weight),
    };
    found(outcome)
        .into_iter()
        .zip(outcome.hypotheses())
        .map(own)
        .collect()
}

/// Scores the rows of the feed, having checked that the map of parents agrees
/// with the sequences of the step before.
pub fn score(
    search: &mut AutoregressiveSearch,
    before: &mut Vec<Vec<u32>>,
    model: impl Fn(RequestId, &[u32]) -> Vec<f32>,
) -> Vec<f32> {
    let feed = search.feed();
    let (mut sequences, mut data) = (Vec::new(), Vec::new());
    for (id, rows) in feed.requests() {
        for row in rows {
            let mut tokens = Vec::new();
            feed.sequence(row, &mut tokens);
            data.extend(model(id, &tokens));
            sequences.push(tokens);
        }
    }
    assert_eq!(sequences.len(), feed.rows());
    assert_eq!(feed.tokens().len(), feed.parents().len());
    for ((token, &parent), sequence) in feed.tokens().iter().zip(feed.parents()).zip(&sequences) {
        assert_eq!(sequence.last(), Some(token));
        assert_eq!(sequence[..sequence.len() - 1], before[parent as usize]);
    }
    let fresh = &sequences[feed.parents().len()..];
    assert!(feed.fresh().map(|(_, prompt)| prompt).eq(fresh.iter()));
    let in_place = (0..before.len() as u32).eq(feed.parents().iter().copied());
    assert_eq!(feed.is_identity(), in_place);
    *before = sequences;
    data
}

/// How many tokens all of them begin with.
fn shared<'a>(mut sequences: impl Iterator<Item = &'a [u32]>) -> usize {
    let first = sequences.next().unwrap_or_default();
    sequences.fold(first.len(), |length, tokens| {
        let pairs = first[..length].iter().zip(tokens);
        pairs.take_while(|(a, b)| a == b).count()
    })
}

/// What a request alone finds.
pub fn alone(spec: &Spec, model: &Model, level: Level) -> Vec<Found> {
    alone_in_steps(spec, model, level).0
}

/// What a request alone finds, and how many steps it takes.
pub fn alone_in_steps(spec: &Spec, model: &Model, level: Level) -> (Vec<Found>, usize) {
    let mut search = AutoregressiveSearch::new(model.vocab)
        .unwrap()
        .with_level(level)
        .unwrap();
    let id = search.admit(spec.engine()).unwrap();
    let mut before = Vec::new();
    let (mut prefix, mut shown) = (Vec::new(), Vec::new());
    let mut steps = 0;
    while !search.is_idle() {
        search.stable_prefix(id, &mut prefix);
        assert!(prefix.starts_with(&shown), "what was shown is taken back");
        std::mem::swap(&mut prefix, &mut shown);
        let data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
        let generated = before.iter().map(|tokens| &tokens[spec.prompt.len()..]);
        let live = shared(generated);
        let completes = spec.completes();
        match spec.ends.is_empty() && !completes {
            true => assert_eq!(shown.len(), live, "nothing else has finished"),
            false => assert!(shown.len() <= live),
        }
        search.advance(&model.view(&data)).unwrap();
        steps += 1;
    }
    let found = found(search.outcome(id).unwrap().unwrap());
    assert!(found.iter().all(|found| found.tokens.starts_with(&shown)));
    (found, steps)
}
