//! What the caller does between the steps of the engine, and in them.

use widebeam::ScoreKind::Logits;
use widebeam::ScoresView;
use widebeam::transducer::Emitted;

use crate::driver::{Driver, all_found};
use crate::random::Random;
use crate::toys::{VOCAB, search, topologies, toy};

/// Slots are no more than hypotheses need at a time, however many utterances there are.
#[test]
fn slots_come_again() {
    for topology in topologies() {
        let mut driver = Driver::new(search(VOCAB, 4, &topology));
        let mut steps = 0;
        for utterance in 1..40 {
            let toy = toy(&driver.search, utterance);
            let id = driver.search.admit(10).unwrap();
            while !driver.search.is_idle() {
                steps += driver.search.feed().predictor_steps().len();
                let joiner = |_, frame, prefix: &[u32]| toy.row(frame, prefix);
                driver.step(Logits, joiner).unwrap();
            }
            assert!(driver.search.remove(id));
        }
        // Those of the beam, of its parents, and of what waits or is emitted in a frame.
        let slots = driver.search.feed().slots();
        assert!(slots <= 64 && steps > 600, "{topology:?}: {slots}, {steps}");
    }
}

/// A step that is given up is begun again, in slots that may be others.
#[test]
fn an_abandoned_step_changes_nothing() {
    for topology in topologies() {
        let run = |abandon: usize| {
            let mut driver = Driver::new(search(VOCAB, 4, &topology));
            let toy = toy(&driver.search, 3);
            let id = driver.search.admit(8).unwrap();
            let mut steps = 0;
            loop {
                steps += 1;
                if abandon > 0 && steps % abandon == 0 {
                    driver.predict();
                    driver.search.abandon_step();
                }
                let joiner = |_, frame, prefix: &[u32]| toy.row(frame, prefix);
                if !driver.step(Logits, joiner).unwrap() {
                    break driver.outcome(id);
                }
            }
        };
        let expected = run(0);
        assert_eq!((run(1), run(2)), (expected.clone(), expected));
    }
}

/// Finished after any step, an utterance has what it would have with the frames that are
/// complete; and so it has while it runs on.
#[test]
fn finishing_is_ending_after_the_last_complete_frame() {
    for topology in topologies() {
        let whole = |frames| {
            let mut driver = Driver::new(search(VOCAB, 5, &topology));
            let toy = toy(&driver.search, 8);
            let id = driver.search.admit(frames).unwrap();
            driver.run(Logits, |_, frame, prefix| toy.row(frame, prefix));
            driver.outcome(id)
        };
        let expected: Vec<_> = (0..=6).map(whole).collect();
        for steps in 0..30 {
            let mut driver = Driver::new(search(VOCAB, 5, &topology));
            let toy = toy(&driver.search, 8);
            let id = driver.search.admit_stream().unwrap();
            driver.search.add_frames(id, 6).unwrap();
            let joiner = |_, frame, prefix: &[u32]| toy.row(frame, prefix);
            for _ in 0..steps {
                driver.step(Logits, joiner).unwrap();
                let frames = driver.search.frames(id).unwrap();
                let current = all_found(driver.search.current(id).unwrap());
                assert_eq!(current, expected[frames], "{topology:?} {steps}");
            }
            let frames = driver.search.frames(id).unwrap();
            // Also in the middle of a step, whose scores then are not looked at.
            let rows = driver.predict();
            driver.search.finish(id).unwrap();
            assert_eq!(driver.outcome(id), expected[frames], "{topology:?} {steps}");
            assert_eq!(driver.search.finished(), [id]);
            if !rows.is_empty() {
                let scores = vec![f32::NAN; rows.len() * driver.search.columns()];
                let shape = [rows.len(), driver.search.columns()];
                let view = ScoresView::logits(&scores, shape).unwrap();
                driver.search.advance(&view).unwrap();
            }
            assert_eq!(driver.outcome(id), expected[frames]);
            driver.search.finish(id).unwrap();
            driver.search.end(id).unwrap();
            assert_eq!(
                (driver.search.feed().rows(), driver.search.finished()),
                (0, &[id][..])
            );
        }
    }
}

/// Requests come and go in the middle of a step, and the others do not notice.
#[test]
fn what_comes_and_goes_in_a_step_changes_no_neighbour() {
    for topology in topologies() {
        let mut driver = Driver::new(search(VOCAB, 4, &topology));
        let toy = toy(&driver.search, 11);
        let mut random = Random::new(99);
        let kept = driver.search.admit(20).unwrap();
        let mut others = Vec::new();
        while driver.search.outcome(kept).unwrap().is_none() {
            let rows = driver.predict();
            match random.below(3) {
                0 => others.push(driver.search.admit(random.below(9)).unwrap()),
                1 if !others.is_empty() => {
                    let id = others.swap_remove(random.below(others.len()));
                    assert!(driver.search.remove(id));
                    assert!(!driver.search.remove(id));
                    assert!(driver.search.outcome(id).is_err());
                }
                _ => {}
            }
            let scores: Vec<f32> = rows
                .iter()
                .flat_map(|(_, frame, prefix)| toy.row(*frame, prefix))
                .collect();
            let shape = [rows.len(), driver.search.columns()];
            let view = ScoresView::logits(&scores, shape).unwrap();
            driver.search.advance(&view).unwrap();
        }
        let mut alone = Driver::new(search(VOCAB, 4, &topology));
        let id = alone.search.admit(20).unwrap();
        alone.run(Logits, |_, frame, prefix| toy.row(frame, prefix));
        assert_eq!(driver.outcome(kept), alone.outcome(id));
    }
}

/// What is stable is taken while frames come, and the rest is what it would be.
#[test]
fn stable_tokens_are_the_beginning_of_the_answer() {
    for topology in topologies() {
        for delay in [None, Some(3)] {
            let search = search(VOCAB, 4, &topology);
            let mut driver = Driver::new(search.with_commit_delay(delay).unwrap());
            let toy = toy(&driver.search, 4);
            let ids = [(); 2].map(|()| driver.search.admit(60).unwrap());
            let mut emitted = Emitted::new();
            let joiner = |_, frame, prefix: &[u32]| toy.row(frame, prefix);
            while driver.step(Logits, joiner).unwrap() {
                let before = emitted.clone();
                driver.search.take_stable(ids[0], &mut emitted).unwrap();
                assert!(emitted.tokens.starts_with(&before.tokens));
                let stable = driver.search.stable(ids[0]).unwrap();
                assert!(stable.tokens.is_empty());
            }
            if delay.is_some() {
                assert!(emitted.tokens.len() > 10, "{}", emitted.tokens.len());
            }
            let [taken, whole] = ids.map(|id| driver.outcome(id));
            assert_eq!(taken.len(), whole.len());
            for (taken, whole) in taken.into_iter().zip(whole) {
                assert_eq!([&emitted.tokens[..], &taken.0].concat(), whole.0);
                assert_eq!([&emitted.frames[..], &taken.1].concat(), whole.1);
                assert_eq!([&emitted.durations[..], &taken.2].concat(), whole.2);
                assert_eq!(taken.3, whole.3);
            }
        }
    }
}
