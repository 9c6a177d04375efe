//! Autoregressive beam search written naively from its definition: the oracle
//! of the tests. Not part of the public interface.
//!
//! Whole sequences are carried and scored by the model anew; rows are copied,
//! processed and normalised in full; all of beams x vocabulary is sorted, or drawn from. One
//! request at a time. Shared with the engine are the types of the rules that it has, as
//! data, and the scalar arithmetic of a row's log-softmax.

mod candidate;
mod drawing;
mod draws;
mod ending;
mod finish;
mod group;
mod hypothesis;
mod random;
mod request;
mod required;
mod requirement;
mod row;
mod rules;
mod sampling;
mod step;

pub use finish::{Completeness, Finish};
pub use hypothesis::{Found, Hypothesis, Live};
pub use request::{Change, Completes, Ends, Place, Predicate, Request, Row};
pub use requirement::Requirement;
pub use row::{Scored, Scores};
pub use rules::{AtMaximum, EndRank, PoolSize, Rules, Stopping};
pub use sampling::{Method, Sampled, Sampling};

use crate::scores::ScoreKind;
use group::Group;
use row::Processed;

/// What a request has found, and how it got there.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The hypotheses, best first.
    pub hypotheses: Vec<Hypothesis>,
    /// The best perturbed log-probability that is not among them, if sequences were drawn.
    pub threshold: Option<f64>,
    /// What there was after each step.
    pub steps: Vec<Snapshot>,
}

/// What there is after a step, of all groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Live hypotheses, group by group, best first.
    pub live: Vec<Live>,
    /// Finished ones, group by group, best first.
    pub finished: Vec<Hypothesis>,
}

/// The hypotheses of a request, best first. `model` gives the scores, of a
/// kind, of the token after a prompt and generated tokens.
pub fn search(
    request: &Request,
    kind: ScoreKind,
    model: &dyn Fn(&[u32]) -> Vec<f32>,
) -> Vec<Found> {
    let outcome = run(request, kind, &|history| model(history).into());
    let hypotheses = outcome.hypotheses.into_iter();
    hypotheses.map(|hypothesis| hypothesis.found).collect()
}

/// All that a request finds.
///
/// # Panics
///
/// If sequences are to be drawn without replacement from several groups, or from a beam that
/// widens.
pub fn run(request: &Request, kind: ScoreKind, model: &dyn Fn(&[u32]) -> Scored) -> Outcome {
    let replaces = request.groups.0 > 1 || request.widens();
    assert!(
        !(request.is_stochastic() && replaces),
        "refused by the search"
    );
    let mut groups: Vec<Group> = (0..request.groups.0)
        .map(|index| Group::new(request, index))
        .collect();
    groups
        .iter_mut()
        .for_each(|group| group.finish_empty(request));
    let mut steps = Vec::new();
    for length in 1..=request.max_length {
        if request.finish_after == Some(length - 1) {
            break;
        }
        let mut chosen: Vec<u32> = Vec::new();
        for group in groups.iter_mut().filter(|group| !group.live.is_empty()) {
            let row = |live: &Live| row(request, kind, live, &chosen, model);
            let rows: Vec<Processed> = group.live.iter().map(row).collect();
            chosen.extend(group.step(request, &rows, length));
        }
        steps.push(Snapshot {
            live: groups.iter().flat_map(|group| group.live.clone()).collect(),
            finished: groups.iter().flat_map(|group| group.pool.clone()).collect(),
        });
    }
    groups
        .iter_mut()
        .for_each(|group| group.finish_now(request));
    gather(request, groups, steps)
}

/// The processed row of a live hypothesis.
fn row(
    request: &Request,
    kind: ScoreKind,
    live: &Live,
    chosen: &[u32],
    model: &dyn Fn(&[u32]) -> Scored,
) -> Processed {
    let place = Place {
        request,
        generated: &live.tokens,
    };
    let scored = model(&place.history());
    let mut row = Processed::new(&place, kind, scored, chosen);
    if !request.required.is_empty() {
        request.forbid_early_ends(&live.tokens, &mut row);
    }
    row
}

/// The best of all groups.
fn gather(request: &Request, groups: Vec<Group>, steps: Vec<Snapshot>) -> Outcome {
    let thresholds = groups.iter().map(|group| group.threshold);
    let threshold = thresholds.fold(f64::NEG_INFINITY, f64::max);
    let mut hypotheses: Vec<Hypothesis> = groups.into_iter().flat_map(|group| group.pool).collect();
    let score = |hypothesis: &Hypothesis| hypothesis.found.score;
    hypotheses.sort_by(|a, b| score(b).partial_cmp(&score(a)).expect("no NaN"));
    let wanted = request.wanted().min(hypotheses.len());
    let left_out = hypotheses.split_off(wanted);
    let threshold = left_out.first().map_or(threshold, score).max(threshold);
    for hypothesis in &mut hypotheses {
        let weight = |sampled: Sampled| sampling::log_weight(sampled.log_probability, threshold);
        hypothesis.log_weight = hypothesis.sampled.map(weight);
    }
    Outcome {
        hypotheses,
        threshold: request.is_stochastic().then_some(threshold),
        steps,
    }
}
