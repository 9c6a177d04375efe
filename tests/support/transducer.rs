//! A driver of the transducer search that keeps the predictor's states in slots, as a
//! caller would, and checks what it is told on the way. A state is the whole prefix.

// Each test binary uses some of it.
#![allow(dead_code)]

use std::collections::HashSet;

use widebeam::scorers::{Scorer, Unscored};
use widebeam::transducer::{
    PredictorInput, RequestId, TransducerDetails, TransducerHypothesis, TransducerSearch,
};
use widebeam::{Error, Hypotheses, ScoreKind, ScoresView};

/// A hypothesis as plain data, its scores as bits.
pub(crate) type Found = (Vec<u32>, Vec<u32>, Vec<u32>, [u64; 4]);

pub(crate) fn found(hypothesis: TransducerHypothesis<'_>) -> Found {
    let scores = [
        hypothesis.score,
        hypothesis.log_mass,
        hypothesis.alignment_score,
        hypothesis.scorer_score,
    ];
    (
        hypothesis.tokens.to_vec(),
        hypothesis.frames.to_vec(),
        hypothesis.durations.to_vec(),
        scores.map(f64::to_bits),
    )
}

pub(crate) fn all_found(hypotheses: Hypotheses<'_, TransducerDetails>) -> Vec<Found> {
    hypotheses.map(found).collect()
}

pub(crate) struct Driver<S: Scorer = Unscored> {
    pub(crate) search: TransducerSearch<S>,
    /// The prefixes whose states are in the slots.
    states: Vec<Option<Vec<u32>>>,
    asked: HashSet<(RequestId, u32, Vec<u32>)>,
}

impl<S: Scorer + Sync> Driver<S> {
    pub(crate) fn new(search: TransducerSearch<S>) -> Self {
        Driver {
            search,
            states: Vec::new(),
            asked: HashSet::new(),
        }
    }

    /// Lets prefixes be asked for again, such as those of a step that was given up.
    pub(crate) fn ask_again(&mut self) {
        self.asked.clear();
    }

    /// Runs the predictor for the next step; returns request, frame and prefix of each row.
    pub(crate) fn predict(&mut self) -> Vec<(RequestId, usize, Vec<u32>)> {
        let feed = self.search.feed();
        self.states.resize(feed.slots(), None);
        let mut written = HashSet::new();
        let steps = feed.predictor_steps().iter().map(|step| {
            assert!(written.insert(step.slot), "two steps write a slot");
            let state = match step.input {
                PredictorInput::Start => Vec::new(),
                PredictorInput::Token { slot, token } => {
                    let mut state = self.states[slot as usize].clone().expect("a state");
                    state.push(token);
                    state
                }
            };
            (step.slot, state)
        });
        let steps: Vec<(u32, Vec<u32>)> = steps.collect();
        for (slot, state) in steps {
            self.states[slot as usize] = Some(state);
        }
        let rows = feed.joiner_rows().iter();
        let rows: Vec<_> = rows
            .map(|row| {
                let state = self.states[row.slot as usize].clone().expect("a state");
                (row.request, row.frame as usize, state)
            })
            .collect();
        let identity = feed.joiner_rows().iter().enumerate();
        let identity = identity
            .into_iter()
            .all(|(row, at)| at.slot as usize == row);
        assert_eq!(feed.is_identity(), identity);
        let mut covered = 0;
        for (request, range) in feed.requests() {
            assert_eq!(range.start, covered);
            assert!(rows[range.clone()].iter().all(|row| row.0 == request));
            covered = range.end;
        }
        assert_eq!((covered, rows.len()), (feed.rows(), feed.rows()));
        rows
    }

    /// One step with the scores that `joiner` gives to a request, a frame and a prefix; false
    /// if no row is wanted.
    pub(crate) fn step(
        &mut self,
        kind: ScoreKind,
        mut joiner: impl FnMut(RequestId, usize, &[u32]) -> Vec<f32>,
    ) -> Result<bool, Error> {
        let rows = self.predict();
        let mut scores = Vec::new();
        for (request, frame, prefix) in &rows {
            let asked = (*request, *frame as u32, prefix.clone());
            assert!(self.asked.insert(asked), "asked twice: {frame} {prefix:?}");
            scores.extend(joiner(*request, *frame, prefix));
        }
        if rows.is_empty() {
            return Ok(false);
        }
        let shape = [rows.len(), self.search.columns()];
        self.search
            .advance(&ScoresView::new(kind, &scores, shape)?)?;
        Ok(true)
    }

    /// Steps until no row is wanted.
    pub(crate) fn run(
        &mut self,
        kind: ScoreKind,
        mut joiner: impl FnMut(RequestId, usize, &[u32]) -> Vec<f32>,
    ) {
        while self.step(kind, &mut joiner).unwrap() {}
    }

    /// The hypotheses of a request that is done.
    pub(crate) fn outcome(&self, id: RequestId) -> Vec<Found> {
        let outcome = self.search.outcome(id).unwrap();
        all_found(outcome.expect("it is done").hypotheses())
    }
}
