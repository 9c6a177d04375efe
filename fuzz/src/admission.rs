//! Random sequences of calls of an autoregressive search: requests that come, go
//! and fail, steps that are refused, against each request's own reference.

use arbitrary::{Result, Unstructured};
use widebeam::autoregressive::{AutoregressiveSearch, Ended, Request, RequestId};
use widebeam::reference::requests::{Model, Spec, found, score};
use widebeam::{ScoreKind, ScoresView};
use widebeam_toy::any_request;

/// Calls made of one input.
const MOST_CALLS: usize = 40;
/// Requests admitted of one input.
const MOST_REQUESTS: usize = 8;

/// Tries one input.
pub fn run(data: &[u8]) {
    let _ = attempt(&mut Unstructured::new(data));
}

/// `Err` only where the input is too short to make a case of.
fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let model = any_request::model(u)?;
    let mut checked = Checked {
        search: AutoregressiveSearch::new(model.vocab).expect("a vocabulary"),
        model,
        visits: Vec::new(),
        before: Vec::new(),
    };
    for _ in 0..MOST_CALLS {
        if u.is_empty() {
            break;
        }
        match u.int_in_range(0..=7u8)? {
            0 | 1 => checked.admit(any_request::spec(u, &model)?),
            2 => checked.admit_what_is_refused(u)?,
            3 => checked.remove(u)?,
            4 => checked.poison(u)?,
            5 => checked.step_that_is_refused(),
            _ => checked.step(None),
        }
        checked.look(u)?;
    }
    while !checked.search.is_idle() {
        checked.step(None);
    }
    checked.compare();
    Ok(())
}

/// What became of a request, apart from what it found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Lives,
    Poisoned,
    Removed,
}

struct Checked {
    search: AutoregressiveSearch,
    model: Model,
    visits: Vec<(RequestId, Spec, Fate)>,
    /// The sequences of the rows of the last step.
    before: Vec<Vec<u32>>,
}

impl Checked {
    fn admit(&mut self, spec: Spec) {
        if self.visits.len() < MOST_REQUESTS {
            let id = self.search.admit(spec.engine()).expect("a good request");
            self.visits.push((id, spec, Fate::Lives));
        }
    }

    fn admit_what_is_refused(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let rows = self.search.feed().rows();
        let beyond = self.model.vocab as u32;
        let refused = match u.int_in_range(0..=4u8)? {
            0 => Request::new(0, 3),
            1 => Request::new(Request::MAX_BEAMS + 1, 3),
            2 => Request::new(3, 0),
            3 => Request::new(3, 3).end_tokens([beyond]),
            _ => Request::new(3, 3).diverse_groups(2, 0.5),
        };
        assert!(self.search.admit(refused).is_err());
        assert_eq!(self.search.feed().rows(), rows);
        Ok(())
    }

    fn remove(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if self.visits.is_empty() {
            return Ok(());
        }
        let at = u.choose_index(self.visits.len())?;
        let (id, _, fate) = &mut self.visits[at];
        assert_eq!(self.search.remove(*id), *fate != Fate::Removed);
        *fate = Fate::Removed;
        Ok(())
    }

    /// One step; with a bad score in one row, if it is said which.
    fn step(&mut self, poisoned: Option<(usize, usize, f32)>) {
        if self.search.is_idle() {
            return;
        }
        let model = self.model;
        let mut data = score(&self.search, &mut self.before, |_, tokens| {
            model.scores(tokens)
        });
        if let Some((row, token, value)) = poisoned {
            data[row * model.vocab + token] = value;
        }
        self.search
            .advance(&model.view(&data))
            .expect("as many rows as wanted");
        for &id in self.search.finished() {
            assert!(self.search.outcome(id).is_some());
        }
    }

    /// A step with a bad score for one request. One with a trie may never look
    /// at it, and then its result is as good as any.
    fn poison(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let feed = self.search.feed();
        if feed.rows() == 0 {
            return Ok(());
        }
        let row = u.choose_index(feed.rows())?;
        let token = u.choose_index(self.model.vocab)?;
        let own = |(id, rows): (_, std::ops::Range<usize>)| rows.contains(&row).then_some(id);
        let id = feed.requests().find_map(own);
        let value = match self.model.kind {
            ScoreKind::Probabilities => *u.choose(&[f32::NAN, 1.5, -0.5])?,
            _ => *u.choose(&[f32::NAN, f32::INFINITY])?,
        };
        self.step(Some((row, token, value)));
        for (visit, spec, fate) in &mut self.visits {
            if Some(*visit) == id {
                let outcome = self.search.outcome(*visit);
                let ended = outcome.map(|outcome| outcome.ended().clone());
                match ended {
                    Some(Ended::Failed(error)) => {
                        let message = error.to_string();
                        let named = format!("token {token}: {value} is not a valid");
                        assert!(message.contains(&named), "{message}");
                    }
                    _ => assert!(spec.constraint.is_some(), "a bad score went by"),
                }
                *fate = Fate::Poisoned;
            }
        }
        Ok(())
    }

    /// Scores of the wrong shape change nothing.
    fn step_that_is_refused(&mut self) {
        let rows = self.search.feed().rows();
        let data = vec![0.25f32; (rows + 1) * self.model.vocab];
        let view = ScoresView::new(self.model.kind, &data, [rows + 1, self.model.vocab]);
        // A row of 0.25 is no log-probability, but nobody looks.
        assert!(self.search.advance(&view.expect("dense")).is_err());
        assert_eq!(self.search.feed().rows(), rows);
    }

    /// Asks for what may not be there.
    fn look(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (mut tokens, rows) = (vec![7], self.search.feed().rows());
        self.search.feed().sequence(rows, &mut tokens);
        assert!(tokens.is_empty());
        if !self.visits.is_empty() {
            let at = u.choose_index(self.visits.len())?;
            let (id, _, fate) = &self.visits[at];
            self.search.stable_prefix(*id, &mut tokens);
            if *fate == Fate::Removed {
                assert!(tokens.is_empty() && self.search.outcome(*id).is_none());
            }
        }
        Ok(())
    }

    /// What was neither poisoned nor removed has what its reference finds.
    fn compare(&self) {
        for (id, spec, fate) in &self.visits {
            if *fate == Fate::Lives {
                let outcome = self.search.outcome(*id).expect("it is done");
                assert_eq!(found(outcome), spec.expected(&self.model));
            }
        }
    }
}
