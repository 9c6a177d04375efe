//! A search, and what a caller knows of it.

use std::collections::HashSet;

use arbitrary::{Result, Unstructured};
use widebeam::reference::transducer::{Settings, Topology};
use widebeam::transducer::{
    self, Blank, Emitted, JoinerRow, LengthNormalisation, PredictorInput, RequestId,
    TransducerSearch,
};
use widebeam::{ErrorKind, Level, ScoresView};

use super::model::Model;
use super::visit::{End, Visit};
use crate::stream::Judge;

/// Requests admitted to a search.
const MOST_REQUESTS: usize = 4;
/// Frames of a request after which no more come.
const MOST_FRAMES: usize = 10;

/// A step that is under way.
struct Step {
    rows: Vec<JoinerRow>,
    /// The prefix of each row.
    prefixes: Vec<Vec<u32>>,
    /// The slots that its predictor steps wrote.
    written: Vec<u32>,
    /// A row, a column and a score that is not valid.
    poison: Option<(usize, usize, f32)>,
}

pub(super) struct Checked<S: Judge> {
    search: TransducerSearch<S>,
    settings: Settings,
    model: Model,
    scorer: S,
    visits: Vec<Visit>,
    /// The prefixes whose states are in the slots.
    slots: Vec<Option<Vec<u32>>>,
    step: Option<Step>,
    /// All rows whose scores were taken.
    asked: HashSet<(RequestId, u32, Vec<u32>)>,
    /// The requests that were done, in order.
    done: Vec<RequestId>,
}

impl<S: Judge> Checked<S> {
    pub(super) fn new(
        u: &mut Unstructured<'_>,
        settings: Settings,
        model: Model,
        scorer: S,
    ) -> Result<Self> {
        let topology = match settings.topology.clone() {
            Topology::Standard { max_symbols } => transducer::Topology::Standard { max_symbols },
            Topology::OneSymbol => transducer::Topology::OneSymbol,
            Topology::Tdt {
                durations,
                max_symbols,
            } => transducer::Topology::Tdt {
                durations,
                max_symbols,
            },
        };
        let normalisation = match settings.divide_by_length {
            true => LengthNormalisation::PerToken,
            false => LengthNormalisation::None,
        };
        let levels: Vec<Level> = Level::available().collect();
        let blank = Blank(settings.blank);
        let search = TransducerSearch::new(model.vocab, blank, settings.beams).expect("beams");
        let search = search.with_topology(topology).expect("a topology");
        let search = search.with_nbest(settings.nbest).expect("some");
        let search = search
            .with_commit_delay(settings.commit_delay)
            .expect("some");
        let search = search.with_level(*u.choose(&levels)?).expect("it is there");
        let search = search.with_length_normalisation(normalisation);
        Ok(Self::around(
            search.with_scorer(scorer),
            settings,
            model,
            scorer,
        ))
    }

    fn around(search: TransducerSearch<S>, settings: Settings, model: Model, scorer: S) -> Self {
        Checked {
            search,
            settings,
            model,
            scorer,
            visits: Vec::new(),
            slots: Vec::new(),
            step: None,
            asked: HashSet::new(),
            done: Vec::new(),
        }
    }

    /// An utterance of so many frames, or a stream.
    pub(super) fn admit(&mut self, frames: Option<usize>, utterance: u16) {
        if self.visits.len() == MOST_REQUESTS {
            return;
        }
        let id = match frames {
            Some(frames) => self.search.admit(frames).expect("few frames"),
            None => self.search.admit_stream().expect("a stream"),
        };
        assert!(self.visits.iter().all(|visit| visit.id != id));
        self.visits.push(Visit {
            id,
            utterance,
            frames: frames.unwrap_or(0),
            end: match frames {
                Some(_) => End::Ended,
                None => End::Open,
            },
            taken: Emitted::new(),
        });
    }

    pub(super) fn admit_what_is_refused(&mut self) {
        let most = <TransducerSearch>::MAX_FRAMES;
        let error = self.search.admit(most + 1).expect_err("too many");
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    }

    fn choose(&self, u: &mut Unstructured<'_>) -> Result<Option<usize>> {
        match self.visits.len() {
            0 => Ok(None),
            visits => u.choose_index(visits).map(Some),
        }
    }

    pub(super) fn add_frames(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Some(at) = self.choose(u)? else {
            return Ok(());
        };
        let count = u.int_in_range(0..=3)?;
        let visit = &mut self.visits[at];
        if visit.end == End::Open && visit.frames + count > MOST_FRAMES {
            let most = <TransducerSearch>::MAX_FRAMES;
            let error = self
                .search
                .add_frames(visit.id, most)
                .expect_err("too many");
            assert_eq!(error.kind(), ErrorKind::LimitExceeded);
            return Ok(());
        }
        let added = self.search.add_frames(visit.id, count);
        let refused = added.map_err(|error| (error.kind(), error.request()));
        let refusal = |kind| Err((kind, Some(visit.id)));
        match visit.end {
            End::Open => {
                visit.frames += count;
                assert_eq!(refused, Ok(()));
            }
            End::Ended | End::Finished(_) => assert_eq!(refused, refusal(ErrorKind::OutOfOrder)),
            End::Failed => assert_eq!(refused, refusal(ErrorKind::InvalidScore)),
            End::Removed => assert_eq!(refused, refusal(ErrorKind::UnknownRequest)),
        }
        Ok(())
    }

    pub(super) fn end(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if let Some(at) = self.choose(u)? {
            let visit = &mut self.visits[at];
            let ended = self.search.end(visit.id);
            assert_eq!(ended.is_err(), visit.is_lost());
            if visit.end == End::Open {
                visit.end = End::Ended;
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if let Some(at) = self.choose(u)? {
            let visit = &mut self.visits[at];
            let frames = self.search.frames(visit.id);
            let finished = self.search.finish(visit.id);
            assert_eq!(finished.is_err(), visit.is_lost());
            if let (Ok(frames), End::Open | End::Ended) = (frames, visit.end) {
                visit.end = End::Finished(frames);
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if let Some(at) = self.choose(u)? {
            let visit = &mut self.visits[at];
            let removed = self.search.remove(visit.id);
            assert_eq!(removed, visit.end != End::Removed);
            visit.end = End::Removed;
            self.done.retain(|&done| done != visit.id);
        }
        Ok(())
    }

    /// Begins a step, or sees the one that is under way again.
    pub(super) fn feed(&mut self) {
        let feed = self.search.feed();
        if let Some(step) = &self.step {
            assert_eq!(feed.joiner_rows(), step.rows);
            return;
        }
        self.slots.resize(feed.slots(), None);
        let steps = feed.predictor_steps().to_vec();
        let states = steps.iter().map(|step| match step.input {
            PredictorInput::Start => Vec::new(),
            PredictorInput::Token { slot, token } => {
                let state = self.slots[slot as usize].as_ref();
                [state.expect("a state"), &[token][..]].concat()
            }
        });
        let states: Vec<Vec<u32>> = states.collect();
        for (step, state) in steps.iter().zip(states) {
            self.slots[step.slot as usize] = Some(state);
        }
        let rows = feed.joiner_rows().to_vec();
        if rows.is_empty() {
            for visit in self.visits.iter().filter(|visit| visit.end == End::Open) {
                assert_eq!(self.search.frames(visit.id), Ok(visit.frames));
            }
            return;
        }
        let prefix = |row: &JoinerRow| self.slots[row.slot as usize].clone().expect("a state");
        self.step = Some(Step {
            prefixes: rows.iter().map(prefix).collect(),
            rows,
            written: steps.iter().map(|step| step.slot).collect(),
            poison: None,
        });
    }

    /// Makes a score of a step invalid, of one that begins if none is under way.
    pub(super) fn poison(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.feed();
        if let Some(step) = &mut self.step {
            let row = u.choose_index(step.rows.len())?;
            let column = u.choose_index(self.model.columns())?;
            step.poison = Some((row, column, self.model.invalid(u)?));
        }
        Ok(())
    }

    /// What its predictor steps wrote is lost.
    pub(super) fn abandon(&mut self) {
        self.search.abandon_step();
        for slot in self.step.take().into_iter().flat_map(|step| step.written) {
            self.slots[slot as usize] = None;
        }
    }

    /// Scores that are not those of a step change nothing.
    pub(super) fn advance_what_is_refused(&mut self, more_rows: bool) {
        let (mut rows, mut columns) = (1, self.model.columns());
        let mut kind = ErrorKind::OutOfOrder;
        if let Some(step) = &self.step {
            kind = ErrorKind::InvalidShape;
            rows = step.rows.len() + usize::from(more_rows);
            columns += usize::from(!more_rows);
        }
        let data = vec![f32::NAN; rows * columns];
        let view = ScoresView::new(self.model.kind, &data, [rows, columns]);
        let error = self.search.advance(&view.expect("dense"));
        assert_eq!(error.expect_err("it is refused").kind(), kind);
    }

    /// Hands over the scores of the step; those of requests that are removed or finished
    /// meanwhile are not looked at.
    pub(super) fn advance(&mut self) {
        self.feed();
        let Some(step) = self.step.take() else {
            return;
        };
        let columns = self.model.columns();
        let mut data = Vec::new();
        let mut failed = None;
        for (number, (row, prefix)) in step.rows.iter().zip(&step.prefixes).enumerate() {
            let first = self.asked.insert((row.request, row.frame, prefix.clone()));
            assert!(first, "{row:?} {prefix:?} was asked for before");
            let visit = self.visits.iter_mut().find(|visit| visit.id == row.request);
            let visit = visit.expect("it was admitted here");
            if !matches!(visit.end, End::Open | End::Ended | End::Failed) {
                data.extend(vec![f32::NAN; columns]);
                continue;
            }
            let start = data.len();
            data.extend(self.model.row(visit.utterance, row.frame as usize, prefix));
            if let Some((_, column, value)) = step.poison.filter(|poison| poison.0 == number) {
                data[start + column] = value;
                visit.end = End::Failed;
                let token = (column < self.model.vocab).then_some(column as u32);
                failed = Some((row, token));
            }
        }
        let view = ScoresView::new(self.model.kind, &data, [step.rows.len(), columns]);
        let advanced = self.search.advance(&view.expect("dense"));
        advanced.expect("as many rows as fed");
        if let Some((row, token)) = failed {
            let error = self
                .search
                .outcome(row.request)
                .expect_err("a bad score went by");
            assert_eq!(error.kind(), ErrorKind::InvalidScore);
            let place = (error.request(), error.step(), error.token());
            let expected = (Some(row.request), Some(row.frame as usize), token);
            assert_eq!(place, expected, "{error}");
        }
    }

    /// Looks at what is done.
    pub(super) fn look(&mut self) {
        let mut running = false;
        let mut done = HashSet::new();
        for visit in &self.visits {
            let frames = self.search.frames(visit.id);
            let outcome = self.search.outcome(visit.id).map(|found| found.is_some());
            let expected = match visit.end {
                End::Removed => {
                    let error = outcome.expect_err("it was removed");
                    let said = (error.kind(), error.request());
                    assert_eq!(said, (ErrorKind::UnknownRequest, Some(visit.id)));
                    continue;
                }
                End::Failed => {
                    assert!(outcome.is_err());
                    done.insert(visit.id);
                    continue;
                }
                End::Finished(_) => true,
                End::Ended => frames == Ok(visit.frames),
                End::Open => false,
            };
            assert!(frames.is_ok_and(|frames| frames <= visit.frames));
            assert_eq!(outcome, Ok(expected));
            running |= !expected;
            if expected {
                done.insert(visit.id);
            }
        }
        assert_eq!(self.search.is_idle(), !running);
        let finished = self.search.finished();
        assert_eq!(finished.iter().copied().collect::<HashSet<_>>(), done);
        assert_eq!(finished.len(), done.len());
        assert!(finished.starts_with(&self.done));
        self.done = finished.to_vec();
    }

    /// What a request has found so far is what it would have if its frames ended there.
    pub(super) fn look_at_current(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Some(at) = self.choose(u)? else {
            return Ok(());
        };
        let visit = &self.visits[at];
        let is_done = matches!(self.search.outcome(visit.id), Ok(Some(_)));
        let frames = self.search.frames(visit.id);
        match self.search.current(visit.id) {
            Err(_) => assert!(visit.is_lost()),
            Ok(shown) => {
                let (settings, model) = (&self.settings, &self.model);
                let frames = frames.expect("it is here");
                let expected = match is_done {
                    true => visit.expected(settings, model, frames, &self.scorer),
                    false => visit.expected(settings, model, frames, &self.scorer.goes_on()),
                };
                assert_eq!(visit.found(shown), expected);
            }
        }
        Ok(())
    }

    pub(super) fn take_stable(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if let Some(at) = self.choose(u)? {
            let visit = &mut self.visits[at];
            let shown = self
                .search
                .stable(visit.id)
                .map(|view| view.tokens.to_vec());
            let before = visit.taken.tokens.clone();
            let taken = self.search.take_stable(visit.id, &mut visit.taken);
            assert_eq!(taken.is_err(), visit.is_lost());
            let more = shown.unwrap_or_default();
            assert_eq!(visit.taken.tokens, [before, more].concat());
        }
        Ok(())
    }

    /// A clone has none of the requests, and finds the same.
    pub(super) fn clone_is_empty_and_works(&self, utterance: u16) {
        let search = self.search.clone();
        assert!(search.is_idle() && search.finished().is_empty());
        for visit in &self.visits {
            let error = search.outcome(visit.id).expect_err("it is another's");
            assert_eq!(error.kind(), ErrorKind::UnknownRequest);
        }
        let settings = self.settings.clone();
        let mut clone = Self::around(search, settings, self.model, self.scorer);
        clone.admit(Some(3), utterance);
        clone.end_all();
        clone.compare();
    }

    /// Ends all requests, and runs them to their ends.
    pub(super) fn end_all(&mut self) {
        for visit in self
            .visits
            .iter_mut()
            .filter(|visit| visit.end == End::Open)
        {
            self.search.end(visit.id).expect("it runs");
            visit.end = End::Ended;
        }
        while self.step.is_some() || !self.search.is_idle() {
            self.advance();
        }
        self.look();
    }

    /// What was neither failed nor removed has what its reference finds.
    pub(super) fn compare(&self) {
        for visit in self.visits.iter().filter(|visit| !visit.is_lost()) {
            let frames = match visit.end {
                End::Finished(frames) => frames,
                _ => visit.frames,
            };
            let outcome = self.search.outcome(visit.id).expect("the scores are valid");
            let outcome = outcome.expect("it is done");
            let (settings, model) = (&self.settings, &self.model);
            let expected = visit.expected(settings, model, frames, &self.scorer);
            assert_eq!(visit.found(outcome.hypotheses()), expected);
            assert_eq!(outcome.best().is_err(), expected.is_empty());
        }
    }
}
