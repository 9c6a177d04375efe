//! Requests of every sort that come to one search and leave it, now and then
//! with an invalid score for one of them.

use arbitrary::Unstructured;
use widebeam::ScoreKind;
use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request, RequestId};
use widebeam::reference::requests::{Model, Spec, found, score};
use widebeam_toy::any_request;

use crate::Counts;
use crate::random::Random;

const VOCAB: usize = 120;
/// Requests running at once, at most.
pub(crate) const MOST: usize = 5;
/// One request in so many is held against its reference.
const SAMPLE: usize = 8;

pub(crate) struct RequestsAtOnce {
    search: AutoregressiveSearch,
    model: Model,
    running: Vec<(RequestId, Spec)>,
    /// The sequences of the rows of the last step.
    before: Vec<Vec<u32>>,
}

impl RequestsAtOnce {
    pub(crate) fn new() -> Self {
        RequestsAtOnce {
            search: AutoregressiveSearch::new(VOCAB).unwrap(),
            model: Model {
                seed: 5,
                vocab: VOCAB,
                memory: 3,
                values: 0,
                impossible: 7,
                kind: ScoreKind::Logits,
            },
            running: Vec::with_capacity(MOST),
            before: Vec::new(),
        }
    }

    pub(crate) fn round(&mut self, random: &mut Random, counts: &mut Counts) {
        while self.running.len() < MOST && !random.one_in(3) {
            let bytes = random.bytes(200);
            let spec = any_request::spec(&mut Unstructured::new(&bytes), &self.model);
            let spec = spec.expect("enough bytes");
            let id = self.search.admit(spec.engine()).unwrap();
            self.running.push((id, spec));
            counts.requests += 1;
        }
        if random.one_in(16) && !self.running.is_empty() {
            let (id, _) = self.running.swap_remove(random.below(self.running.len()));
            assert!(self.search.remove(id));
        }
        if !self.search.is_idle() {
            self.step(random, counts);
        }
    }

    /// Ends every request where it is, and has the last step be one of a request
    /// of a single token, so that what is remembered of it is always the same.
    pub(crate) fn rest(&mut self) {
        for (id, _) in self.running.drain(..) {
            assert!(self.search.remove(id));
        }
        let id = self
            .search
            .admit(Request::new(1, MaximumLength(1)))
            .unwrap();
        let model = self.model;
        let data = score(&mut self.search, &mut self.before, |_, history| {
            model.scores(history)
        });
        self.search.advance(&model.view(&data)).unwrap();
        assert!(self.search.is_idle() && self.search.remove(id));
    }

    fn step(&mut self, random: &mut Random, counts: &mut Counts) {
        let model = self.model;
        let mut data = score(&mut self.search, &mut self.before, |_, history| {
            model.scores(history)
        });
        let poisoned = random.one_in(4).then(|| {
            let row = random.below(data.len() / VOCAB);
            let token = random.below(VOCAB);
            data[row * VOCAB + token] = f32::NAN;
            let own = |(id, rows): (_, std::ops::Range<usize>)| rows.contains(&row).then_some(id);
            (self.search.feed().requests().find_map(own), token)
        });
        self.search.advance(&model.view(&data)).unwrap();
        counts.steps += 1;

        let finished = self.search.finished().to_vec();
        for id in finished {
            let at = self.running.iter().position(|&(other, _)| other == id);
            let (id, spec) = self.running.swap_remove(at.expect("it was running"));
            let victim = poisoned.filter(|&(victim, _)| victim == Some(id));
            match (self.search.outcome(id), victim) {
                (Err(error), Some((_, token))) => {
                    let named = format!("token {token}: NaN");
                    assert!(error.to_string().contains(&named), "{error}");
                    counts.requests_failed += 1;
                }
                (Err(error), None) => panic!("{error}, though every score was valid"),
                (Ok(outcome), victim) => {
                    if random.one_in(SAMPLE) && victim.is_none() {
                        let outcome = outcome.expect("it is done");
                        assert_eq!(found(outcome), spec.expected(&model));
                        counts.requests_compared += 1;
                    }
                }
            }
            self.search.remove(id);
        }
        // A request that is only fed permitted scores may not have looked. What
        // it finds is as good as any, but not its reference's.
        if let Some((Some(victim), _)) = poisoned
            && let Some(at) = self.running.iter().position(|&(id, _)| id == victim)
        {
            assert!(
                !self.running[at].1.constraints.is_empty(),
                "an invalid score went by"
            );
            let (id, _) = self.running.swap_remove(at);
            self.search.remove(id);
        }
    }
}
