//! The transducer search.

use widebeam::transducer::{Blank, RequestId, Topology, TransducerSearch};
use widebeam::{ErrorKind, ScoreKind};

use super::panicking::Panicking;
use super::transducer_driver::{Driver, Found};
use super::{at_many_moments, in_pool, probabilities, unless_panicked};

const VOCAB: usize = 12;
const FRAMES: usize = 6;
const COUNT: usize = 6;

fn joiner(_: RequestId, frame: usize, prefix: &[u32]) -> Vec<f32> {
    let seed = prefix.iter().fold(frame as u64 + 3, |seed, &token| {
        seed * 31 + u64::from(token)
    });
    probabilities(VOCAB, 1 + seed % 1_000_003)
}

fn admit(driver: &mut Driver<Panicking>) -> Vec<RequestId> {
    (0..COUNT)
        .map(|_| driver.search.admit(FRAMES).unwrap())
        .collect()
}

fn results(driver: &Driver<Panicking>, ids: &[RequestId]) -> Vec<Vec<Found>> {
    ids.iter().map(|&id| driver.outcome(id)).collect()
}

#[test]
fn a_search_whose_scorer_panicked_refuses_requests_of_the_step_and_is_usable() {
    for topology in [Topology::Standard { max_symbols: 2 }, Topology::OneSymbol] {
        let search = || {
            let search = TransducerSearch::new(VOCAB, Blank(0), 3).unwrap();
            search.with_topology(topology.clone()).unwrap()
        };
        let scorer = Panicking::at(usize::MAX);
        let mut whole = Driver::new(search().with_scorer(scorer));
        let ids = admit(&mut whole);
        whole.run(ScoreKind::Logits, joiner);
        let expected = results(&whole, &ids);
        at_many_moments(20_000, |threads, scorer| {
            let mut driver = Driver::new(search().with_scorer(scorer.clone()));
            in_pool(threads, || {
                let mut ids = Vec::new();
                let done = unless_panicked(|| {
                    ids = admit(&mut driver);
                    driver.run(ScoreKind::Logits, joiner);
                });
                scorer.calm();
                // Those that were not refused go on, and are right.
                driver.ask_again();
                driver.run(ScoreKind::Logits, joiner);
                for (&id, expected) in ids.iter().zip(&expected) {
                    match driver.search.outcome(id) {
                        Ok(_) => assert_eq!(driver.outcome(id), *expected),
                        Err(error) => {
                            let said = (error.kind(), error.request());
                            assert_eq!(said, (ErrorKind::Panicked, Some(id)));
                            assert!(done.is_none());
                        }
                    }
                }
                let more = admit(&mut driver);
                driver.run(ScoreKind::Logits, joiner);
                assert_eq!(results(&driver, &more), expected);
                assert!(driver.search.is_idle());
                done.is_none()
            })
        });
    }
}
