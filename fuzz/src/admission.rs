//! Random sequences of calls of autoregressive searches, at every moment of a step:
//! requests that come, go, fail and are told to finish, steps that are shown again, given up or refused,
//! searches that are cloned, against each request's own reference.

use std::ops::Range;

use arbitrary::{Result, Unstructured};
use widebeam::autoregressive::{AutoregressiveSearch, Ended, MaximumLength, Request, RequestId};
use widebeam::reference::requests::{Extended, Model, StepRows, hypotheses, score};
use widebeam::{ErrorKind, ScoreKind, ScoresView};
use widebeam_toy::{any_extended, any_request};

/// Calls made of one input.
const MOST_CALLS: usize = 30;
/// Requests admitted to a search.
const MOST_REQUESTS: usize = 4;
/// Searches, those that are clones among them.
const MOST_SEARCHES: usize = 3;

/// Tries one input.
pub fn run(data: &[u8]) {
    let _ = attempt(&mut Unstructured::new(data));
}

/// `Err` only where the input is too short to make a case of.
fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let model = any_request::model(u)?;
    let mut searches = vec![Checked::new(model, false), Checked::new(model, true)];
    // The requests of all searches.
    let mut admitted = Vec::new();
    for _ in 0..MOST_CALLS {
        if u.is_empty() {
            break;
        }
        let at = u.choose_index(searches.len())?;
        if u.ratio(1, 12u8)? && searches.len() < MOST_SEARCHES {
            let clone = searches[at].clone();
            searches.push(clone);
        }
        let checked = &mut searches[at];
        checked.call(u, &mut admitted)?;
        checked.look(u)?;
        if !admitted.is_empty() {
            checked.look_for(*u.choose(&admitted)?);
        }
    }
    for checked in &mut searches {
        checked.finish();
        checked.compare();
    }
    Ok(())
}

/// A request of a search.
#[derive(Clone)]
struct Visit {
    id: RequestId,
    request: Extended,
    fate: Fate,
    /// Steps that it has taken.
    steps: usize,
    /// Its longest stable prefix so far.
    stable: Vec<u32>,
}

/// What became of a request, apart from what it found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Lives,
    Poisoned,
    Removed,
}

/// All that a feed shows.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    requests: Vec<(RequestId, Range<usize>)>,
    fresh: Vec<(RequestId, Vec<u32>)>,
    tokens: Vec<u32>,
    parents: Vec<u32>,
    sequences: Vec<Vec<u32>>,
    is_identity: bool,
}

impl Shown {
    fn by(search: &mut AutoregressiveSearch) -> Self {
        let feed = search.feed();
        let sequence = |row| {
            let mut tokens = Vec::new();
            feed.sequence(row, &mut tokens);
            tokens
        };
        let fresh = feed.fresh().map(|(id, prompt)| (id, prompt.to_vec()));
        Shown {
            requests: feed.requests().collect(),
            fresh: fresh.collect(),
            tokens: feed.tokens().to_vec(),
            parents: feed.parents().to_vec(),
            sequences: (0..feed.rows()).map(sequence).collect(),
            is_identity: feed.is_identity(),
        }
    }

    fn rows(&self) -> usize {
        self.sequences.len()
    }
}

/// A step that is under way.
#[derive(Clone)]
struct Step {
    shown: Shown,
    /// Its rows, computed when it began.
    rows: StepRows,
    poison: Option<Poison>,
}

/// A score that is not valid.
#[derive(Clone, Copy)]
struct Poison {
    /// The request that it belongs to.
    id: RequestId,
    token: u32,
    value: f32,
}

/// A search, and what it must know.
#[derive(Clone)]
struct Checked {
    search: AutoregressiveSearch,
    model: Model,
    /// Whether rows are given as tokens and scores.
    sparse: bool,
    visits: Vec<Visit>,
    /// Requests that were told to finish since the last step.
    told: Vec<RequestId>,
    /// The sequences of the rows of the last step whose scores were taken.
    before: Vec<Vec<u32>>,
    step: Option<Step>,
}

impl Checked {
    fn new(model: Model, sparse: bool) -> Self {
        Checked {
            search: AutoregressiveSearch::new(model.vocab).expect("a vocabulary"),
            model,
            sparse,
            visits: Vec::new(),
            told: Vec::new(),
            before: Vec::new(),
            step: None,
        }
    }

    /// One call, whatever the moment of the step.
    fn call(&mut self, u: &mut Unstructured<'_>, admitted: &mut Vec<RequestId>) -> Result<()> {
        match u.int_in_range(0..=16u8)? {
            0..=2 => {
                let mut request = any_extended::request(u, &self.model)?;
                request.given = request.given.filter(|_| self.sparse);
                if request.is_admitted(&self.model) {
                    self.admit(request, admitted);
                }
            }
            3 => self.admit_what_is_refused(u)?,
            4 | 5 => self.remove(u)?,
            6 | 7 => self.poison(u)?,
            8 => self.abandon(),
            9 => self.advance_what_is_refused(u.arbitrary()?),
            10..=12 => self.feed(),
            13 => self.tell(u)?,
            _ => self.advance(),
        }
        Ok(())
    }

    fn admit(&mut self, request: Extended, admitted: &mut Vec<RequestId>) {
        if self.visits.len() == MOST_REQUESTS {
            return;
        }
        let id = self.search.admit(request.engine());
        let id = id.expect("a good request");
        assert!(!admitted.contains(&id), "{id} is admitted twice");
        admitted.push(id);
        self.visits.push(Visit {
            id,
            request,
            fate: Fate::Lives,
            steps: 0,
            stable: Vec::new(),
        });
    }

    fn admit_what_is_refused(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let was_idle = self.search.is_idle();
        let beyond = self.model.vocab as u32;
        let most = MaximumLength(3);
        let refused = match u.int_in_range(0..=4u8)? {
            0 => Request::new(0, most),
            1 => Request::new(Request::MAX_BEAMS + 1, most),
            2 => Request::new(3, MaximumLength(0)),
            3 => Request::new(3, most).with_end_tokens([beyond]),
            _ => Request::new(3, most).with_diverse_groups(2, 0.5),
        };
        assert!(self.search.admit(refused).is_err());
        assert_eq!(self.search.is_idle(), was_idle);
        Ok(())
    }

    fn remove(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if self.visits.is_empty() {
            return Ok(());
        }
        let at = u.choose_index(self.visits.len())?;
        let visit = &mut self.visits[at];
        let removed = self.search.remove(visit.id);
        assert_eq!(removed, visit.fate != Fate::Removed);
        visit.fate = Fate::Removed;
        self.told.retain(|&id| id != visit.id);
        Ok(())
    }

    /// Tells a request to finish.
    fn tell(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if self.visits.is_empty() {
            return Ok(());
        }
        let at = u.choose_index(self.visits.len())?;
        let visit = &mut self.visits[at];
        if self.search.finish(visit.id) {
            visit.request.finish_after = Some(visit.steps);
            self.told.push(visit.id);
        }
        Ok(())
    }

    fn is_told(&self, id: RequestId) -> bool {
        self.told.contains(&id)
    }

    /// Begins a step, or sees the one that is under way again.
    fn feed(&mut self) {
        if self.step.is_some() {
            return self.check_shown();
        }
        if self.search.is_idle() {
            assert_eq!(self.search.feed().rows(), 0);
            return;
        }
        // Until the scores are taken, the rows before are those that count.
        let mut before = self.before.clone();
        score(&mut self.search, &mut before, |_, _| Vec::new());
        let visits = &self.visits;
        let rows = StepRows::of(&mut self.search, &self.model, self.sparse, |id| {
            let mut visits = visits.iter();
            let visit = visits.find(|visit| visit.id == id);
            &visit.expect("it was admitted here").request
        });
        self.step = Some(Step {
            shown: Shown::by(&mut self.search),
            rows,
            poison: None,
        });
    }

    /// The rows of the step that is under way are those that it began with.
    fn check_shown(&mut self) {
        if let Some(step) = &self.step {
            assert_eq!(Shown::by(&mut self.search), step.shown);
        }
    }

    /// Makes a score of a step invalid, of one that begins if none is under way.
    fn poison(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.feed();
        let Some(step) = self.step.as_mut().filter(|step| step.poison.is_none()) else {
            return Ok(());
        };
        let row = u.choose_index(step.shown.rows())?;
        let given = step.rows.given(row);
        if given == 0 {
            return Ok(());
        }
        let place = u.choose_index(given)?;
        let value = match self.model.kind {
            ScoreKind::Probabilities => *u.choose(&[f32::NAN, 1.5, -0.5])?,
            _ => *u.choose(&[f32::NAN, f32::INFINITY])?,
        };
        let requests = step.shown.requests.iter();
        let owner = requests.clone().find(|(_, rows)| rows.contains(&row));
        let (id, _) = *owner.expect("every row is of a request");
        let token = step.rows.set(row, place, value);
        step.poison = Some(Poison { id, token, value });
        Ok(())
    }

    fn abandon(&mut self) {
        self.search.abandon_step();
        self.step = None;
    }

    /// Scores that are not those of a step change nothing.
    fn advance_what_is_refused(&mut self, more_rows: bool) {
        let (mut rows, mut vocab) = (1, self.model.vocab);
        let mut kind = ErrorKind::OutOfOrder;
        if let Some(step) = &self.step {
            kind = ErrorKind::InvalidShape;
            rows = step.shown.rows() + usize::from(more_rows);
            vocab += usize::from(!more_rows);
        }
        // A row of 0.25 is no log-probability, but nobody looks.
        let data = vec![0.25f32; rows * vocab];
        let view = ScoresView::new(self.model.kind, &data, [rows, vocab]);
        let error = self.search.advance(&view.expect("dense"));
        assert_eq!(error.expect_err("it is refused").kind(), kind);
    }

    /// Hands over the scores that were computed at the feed.
    fn advance(&mut self) {
        let Some(mut step) = self.step.take() else {
            return self.advance_what_is_refused(true);
        };
        self.spoil_what_is_removed(&mut step);
        let advanced = step.rows.advance(&mut self.search);
        advanced.expect("as many rows as fed");
        self.check_poisoned(&step);
        self.check_finished(&step);
        for visit in &mut self.visits {
            let mut requests = step.shown.requests.iter();
            visit.steps += usize::from(requests.any(|(id, _)| *id == visit.id));
        }
        self.told.clear();
        self.before = step.shown.sequences;
    }

    /// The scores of requests that were removed or told to finish since the feed are not looked at.
    fn spoil_what_is_removed(&self, step: &mut Step) {
        for (id, rows) in &step.shown.requests {
            if self.fate(*id) == Fate::Removed || self.is_told(*id) {
                step.rows.spoil(rows.clone());
            }
        }
    }

    /// A request with an invalid score fails. One with a trie may never look at it, and
    /// then its result is as good as any.
    fn check_poisoned(&mut self, step: &Step) {
        let Some(Poison { id, token, value }) = step.poison else {
            return;
        };
        let mut visits = self.visits.iter_mut();
        let visit = visits.find(|visit| visit.id == id);
        let visit = visit.expect("it was admitted here");
        if visit.fate == Fate::Removed || self.told.contains(&id) {
            return;
        }
        visit.fate = Fate::Poisoned;
        match self.search.outcome(id) {
            Ok(_) => assert!(
                !visit.request.plain.constraints.is_empty(),
                "a bad score went by"
            ),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidScore);
                let place = (error.request(), error.token());
                assert_eq!(place, (Some(id), Some(token)));
                let named = format!("token {token}: {value} is not a valid");
                assert!(error.to_string().contains(&named), "{error}");
            }
        }
    }

    /// Those that were told to finish are finished, and of the other requests of a step those
    /// that are done; the others run.
    fn check_finished(&self, step: &Step) {
        let mut finished = self.search.finished().iter();
        for id in &self.told {
            assert_eq!(finished.next(), Some(id));
        }
        let mut others = step.shown.requests.clone();
        others.retain(|(id, _)| !self.is_told(*id));
        for (id, _) in others {
            let is_done = match (self.fate(id), self.search.outcome(id)) {
                (Fate::Removed, _) => continue,
                (Fate::Lives, outcome) => outcome.expect("valid scores").is_some(),
                (Fate::Poisoned, outcome) => !matches!(outcome, Ok(None)),
            };
            if is_done {
                assert_eq!(finished.next(), Some(&id));
            }
        }
        assert_eq!(finished.next(), None);
    }

    fn fate(&self, id: RequestId) -> Fate {
        let visit = self.visits.iter().find(|visit| visit.id == id);
        visit.expect("it was admitted here").fate
    }

    /// Looks at the step and at one request.
    fn look(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.check_shown();
        let mut tokens = Vec::new();
        let running = |visit: &Visit| self.search.stable_prefix(visit.id, &mut tokens);
        assert_eq!(self.search.is_idle(), !self.visits.iter().any(running));
        if !self.visits.is_empty() {
            let at = u.choose_index(self.visits.len())?;
            let visit = &mut self.visits[at];
            if self.search.stable_prefix(visit.id, &mut tokens) {
                assert!(tokens.starts_with(&visit.stable), "what was shown changes");
                visit.stable = tokens;
                assert_eq!(
                    self.search.outcome(visit.id).map(|o| o.is_some()),
                    Ok(false)
                );
            } else {
                assert!(tokens.is_empty());
            }
        }
        Ok(())
    }

    /// Looks for a request, which another search may have, or none.
    fn look_for(&mut self, id: RequestId) {
        let mut visits = self.visits.iter();
        if visits.any(|visit| visit.id == id && visit.fate != Fate::Removed) {
            return;
        }
        let error = self.search.outcome(id).unwrap_err();
        let said = (error.kind(), error.request());
        assert_eq!(said, (ErrorKind::UnknownRequest, Some(id)));
        assert!(!self.search.remove(id));
        let mut tokens = vec![7];
        assert!(!self.search.stable_prefix(id, &mut tokens) && tokens.is_empty());
    }

    /// Runs all requests to their ends.
    fn finish(&mut self) {
        while self.step.is_some() || !self.search.is_idle() {
            self.feed();
            self.advance();
        }
    }

    /// What was neither poisoned nor removed has what its reference finds.
    fn compare(&self) {
        for visit in &self.visits {
            if visit.fate != Fate::Lives {
                continue;
            }
            let outcome = self.search.outcome(visit.id).expect("valid scores");
            let outcome = outcome.expect("it is done");
            let found = hypotheses(outcome, visit.request.own_scores);
            let expected = visit.request.expected(&self.model);
            assert_eq!(found, expected.hypotheses);
            assert_eq!(outcome.threshold(), expected.threshold);
            assert_eq!(outcome.best().is_err(), found.is_empty());
            assert!(outcome.ended() != Ended::NothingFound || found.is_empty());
            let mut tokens = found.iter().map(|hypothesis| &hypothesis.found.tokens);
            assert!(tokens.all(|tokens| tokens.starts_with(&visit.stable)));
        }
    }
}
