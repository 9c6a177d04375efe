//! The engine beside the oracle: random batches whose utterances come and go, to the bit.

use widebeam::Level;
use widebeam::reference::scorers::{Phrases as PhrasesOracle, PrefixScorer};
use widebeam::reference::toy::Anything;
use widebeam::scorers::{Phrases, Scorer, Unscored};
use widebeam::transducer::{Emitted, RequestId};

use crate::batch::{Batch, batch, engine, expected, long_rows, without_signs};
use crate::cases::Case;
use crate::driver::{Driver, Found, all_found};
use crate::random::Random;

/// An utterance of a batch.
struct Visit<'a> {
    case: &'a Case,
    id: Option<RequestId>,
    /// Frames still to come, if any may.
    missing: Option<usize>,
    /// Frames after which it was finished.
    finished: Option<usize>,
    /// What was taken out of it.
    taken: Emitted,
}

impl Visit<'_> {
    /// What is shown, behind what was taken out.
    fn found(&self, shown: Vec<Found>) -> Vec<Found> {
        let whole = |(tokens, frames, durations, scores): Found| {
            let Emitted {
                tokens: before,
                frames: frames_before,
                durations: durations_before,
                ..
            } = &self.taken;
            without_signs((
                [before, &tokens[..]].concat(),
                [frames_before, &frames[..]].concat(),
                [durations_before, &durations[..]].concat(),
                scores,
            ))
        };
        shown.into_iter().map(whole).collect()
    }

    /// Admits it, whole or as a stream, or brings some of its frames.
    fn come<S: Scorer + Sync>(&mut self, driver: &mut Driver<S>, random: &mut Random) {
        match (self.id, self.missing) {
            (None, _) if random.one_in(2) => {
                let whole = random.one_in(2);
                let admitted = match whole {
                    true => driver.search.admit(self.case.frames),
                    false => driver.search.admit_stream(),
                };
                self.id = Some(admitted.unwrap());
                self.missing = (!whole).then_some(self.case.frames);
            }
            (Some(id), Some(missing)) => {
                let more = random.below(missing + 1);
                driver.search.add_frames(id, more).unwrap();
                self.missing = Some(missing - more);
                if missing == more {
                    driver.search.end(id).unwrap();
                    self.missing = None;
                }
            }
            _ => {}
        }
    }
}

/// Runs a batch, and checks what is found on the way, where `current` says what that is, and at
/// the end.
fn run<S: Scorer + Sync>(
    batch: &Batch,
    driver: &mut Driver<S>,
    random: &mut Random,
    oracle: &impl PrefixScorer,
    shows_current: bool,
) {
    let visit = |case| Visit {
        case,
        id: None,
        missing: Some(0),
        finished: None,
        taken: Emitted::new(),
    };
    let mut visits: Vec<Visit<'_>> = batch.cases.iter().map(visit).collect();
    let mut removed = None;
    let kind = batch.cases[0].model.kind;
    let mut steps = true;
    while steps || !driver.search.is_idle() || visits.iter().any(|visit| visit.id.is_none()) {
        for visit in &mut visits {
            visit.come(driver, random);
        }
        if removed.is_none() && random.one_in(4) {
            removed = Some(driver.search.admit(1 + random.below(5)).unwrap());
        }
        if random.one_in(9) {
            driver.predict();
            driver.search.abandon_step();
        }
        let row = |id, frame, prefix: &[u32]| {
            let visit = visits.iter().find(|visit| visit.id == Some(id));
            let case = visit.map_or(&batch.cases[0], |visit| visit.case);
            case.model.row(frame, prefix)
        };
        steps = driver.step(kind, row).unwrap();
        if random.one_in(4)
            && let Some(id) = removed
        {
            driver.search.remove(id);
        }
        for visit in &mut visits {
            let Some(id) = visit.id else {
                continue;
            };
            if driver.search.outcome(id).unwrap().is_some() {
                continue;
            }
            let frames = driver.search.frames(id).unwrap();
            if shows_current && random.one_in(3) {
                let shown = all_found(driver.search.current(id).unwrap());
                let expected = expected(batch, visit.case, frames, oracle);
                assert_eq!(visit.found(shown), expected);
            }
            if random.one_in(5) {
                driver.search.take_stable(id, &mut visit.taken).unwrap();
            }
            if batch.finishes && random.one_in(6) {
                driver.search.finish(id).unwrap();
                (visit.finished, visit.missing) = (Some(frames), None);
            }
        }
        if let Some(id) = removed
            && visits.iter().all(|visit| visit.id.is_some())
        {
            driver.search.remove(id);
        }
    }
    for visit in &visits {
        let frames = visit.finished.unwrap_or(visit.case.frames);
        let found = visit.found(driver.outcome(visit.id.unwrap()));
        let expected = expected(batch, visit.case, frames, oracle);
        assert_eq!(found, expected, "{:?}, {:?}", batch.settings, visit.case);
    }
}

/// `shows_current`: whether the oracle says nothing of the end of input, so that it knows what
/// is found before it.
fn check<S>(seed: u64, scorer: &S, oracle: &(impl PrefixScorer + Sync), shows_current: bool)
where
    S: Scorer<State: Send> + Sync + Send + Clone,
{
    check_batches(batch, seed, scorer, oracle, shows_current);
}

fn check_batches<S>(
    made: fn(&mut Random) -> Batch,
    seed: u64,
    scorer: &S,
    oracle: &(impl PrefixScorer + Sync),
    shows_current: bool,
) where
    S: Scorer<State: Send> + Sync + Send + Clone,
{
    let pools = [1, 2, 3].map(|threads| {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        builder.build().unwrap()
    });
    let mut random = Random::new(seed);
    for _ in 0..150 {
        let batch = made(&mut random);
        for level in Level::available() {
            let mut driver = Driver::new(engine(&batch, scorer.clone(), level));
            let pool = &pools[random.below(3)];
            pool.install(|| run(&batch, &mut driver, &mut random, oracle, shows_current));
        }
    }
}

#[test]
fn unscored_searches_find_what_the_definition_says() {
    check(11, &Unscored, &Unscored, true);
    check(12, &Unscored, &Unscored, true);
}

#[test]
fn long_rows_are_read_late_and_nothing_is_lost() {
    check_batches(long_rows, 17, &Unscored, &Unscored, true);
    let scorer = Anything {
        seed: 5,
        ends: false,
    };
    check_batches(long_rows, 18, &Bounded(scorer), &Bounded(scorer), true);
}

#[test]
fn searches_with_a_scorer_that_says_anything_find_what_the_definition_says() {
    for ends in [false, true] {
        let scorer = Anything { seed: 5, ends };
        check(13, &scorer, &scorer, !ends);
        check(15, &Bounded(scorer), &Bounded(scorer), !ends);
    }
}

#[test]
fn searches_with_phrases_find_what_the_definition_says() {
    let phrases = [
        (vec![0, 1], 1.5),
        (vec![1], 0.25),
        (vec![1, 1, 2], 4.0),
        (vec![2, 0, 3], -0.5),
        (vec![5], 2.0),
    ];
    let scorer = Phrases::from_tokens(&phrases).unwrap();
    let oracle = PhrasesOracle::of_tokens(&phrases);
    check(14, &&scorer, &oracle, false);
}

/// [`Anything`], which says how much that is at most.
#[derive(Clone, Copy)]
struct Bounded(Anything);

impl Scorer for Bounded {
    type State = u64;

    fn start(&self) -> u64 {
        self.0.start()
    }

    fn score(&self, state: &u64, token: u32) -> f64 {
        self.0.score(state, token)
    }

    fn advance(&self, state: &u64, token: u32) -> u64 {
        self.0.advance(state, token)
    }

    fn finish(&self, state: &u64) -> f64 {
        self.0.finish(state)
    }

    fn max_score(&self, _: &u64) -> f64 {
        2.0
    }
}

impl PrefixScorer for Bounded {
    fn last(&self, prefix: &[u32]) -> f64 {
        self.0.last(prefix)
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        self.0.end(prefix)
    }

    fn tries_all(&self) -> bool {
        true
    }
}
