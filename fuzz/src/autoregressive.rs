//! The autoregressive search against its reference: one request alone, and
//! requests with any settings in one batch.

use arbitrary::{Result, Unstructured};
use widebeam::Level;
use widebeam::autoregressive::{AutoregressiveSearch, RequestId};
use widebeam::reference::autoregressive::Hypothesis;
use widebeam::reference::requests::{Extended, Model, StepRows, alone_in_steps, hypotheses};
use widebeam_toy::{any_extended, any_request};

use crate::effort::Effort;

/// Requests of a batch.
const MOST_REQUESTS: usize = 3;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (effort, data) = Effort::of(data);
    let _ = attempt(&mut Unstructured::new(data), effort);
}

/// `Err` only where the input is too short to make a case of.
fn attempt(u: &mut Unstructured<'_>, effort: Effort) -> Result<()> {
    let model = any_request::model(u)?;
    if u.ratio(1, 4)? {
        let spec = any_request::spec(u, &model)?;
        let expected = spec.expected_in_steps(&model);
        for level in effort.levels() {
            assert_eq!(alone_in_steps(&spec, &model, level), expected, "{level}");
        }
        return Ok(());
    }
    let batch = Batch::any(u, model)?;
    let expected: Vec<_> = batch
        .visits
        .iter()
        .map(|visit| batch.expected(visit))
        .collect();
    for level in effort.levels() {
        assert_eq!(batch.found(level), expected, "{level}");
    }
    Ok(())
}

/// Requests that run at once.
struct Batch {
    model: Model,
    /// Whether rows are given as tokens and scores.
    sparse: bool,
    visits: Vec<Visit>,
}

/// A request, and the step before which it is admitted.
struct Visit {
    request: Extended,
    start: usize,
}

/// What a request has found, and the threshold of what it has drawn.
type Found = (Vec<Hypothesis>, Option<f64>);

impl Batch {
    /// Any requests that can end.
    fn any(u: &mut Unstructured<'_>, model: Model) -> Result<Batch> {
        let sparse = u.arbitrary()?;
        let mut visits = Vec::new();
        for _ in 0..u.int_in_range(1..=MOST_REQUESTS)? {
            let mut request = any_extended::request(u, &model)?;
            request.given = request.given.filter(|_| sparse);
            let start = u.int_in_range(0..=2)?;
            if u.ratio(1, 6)? {
                request.finish_after = Some(u.int_in_range(0..=3)?);
            }
            if request.is_admitted(&model) {
                visits.push(Visit { request, start });
            }
        }
        Ok(Batch {
            model,
            sparse,
            visits,
        })
    }

    fn expected(&self, visit: &Visit) -> Found {
        let outcome = visit.request.expected(&self.model);
        (outcome.hypotheses, outcome.threshold)
    }

    /// What each request finds.
    fn found(&self, level: Level) -> Vec<Found> {
        let search = AutoregressiveSearch::new(self.model.vocab);
        let mut search = search.and_then(|search| search.with_level(level)).unwrap();
        let mut ids: Vec<Option<RequestId>> = vec![None; self.visits.len()];
        for step in 0.. {
            for (visit, id) in self.visits.iter().zip(&mut ids) {
                if visit.start == step {
                    *id = Some(search.admit(visit.request.engine()).unwrap());
                }
                let told = visit.request.finish_after.map(|after| visit.start + after);
                if let Some(id) = id.filter(|_| told == Some(step)) {
                    search.finish(id);
                }
            }
            let waits = self.visits.iter().any(|visit| visit.start > step);
            if search.is_idle() && !waits {
                break;
            }
            if !search.is_idle() {
                let rows = StepRows::of(&mut search, &self.model, self.sparse, |id| {
                    let at = ids.iter().position(|known| *known == Some(id));
                    &self.visits[at.expect("it was admitted")].request
                });
                rows.advance(&mut search).unwrap();
            }
        }
        let found = |(visit, id): (&Visit, &Option<RequestId>)| {
            let outcome = search.outcome(id.expect("it was admitted"));
            let outcome = outcome.unwrap().expect("it is done");
            let found = hypotheses(outcome, visit.request.own_scores);
            (found, outcome.threshold())
        };
        self.visits.iter().zip(&ids).map(found).collect()
    }
}
