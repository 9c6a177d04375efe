//! The engine with scorers that are made for a purpose.

use widebeam::ErrorKind;
use widebeam::ScoreKind::{LogProbabilities, Logits};
use widebeam::scorers::Scorer;
use widebeam::transducer::Topology;

use crate::driver::Driver;
use crate::toys::{NO, VOCAB, search, topologies};

/// Favours some tokens, the same however far they stand; more after themselves.
struct Favours {
    boost: f64,
    bounded: bool,
}

impl Scorer for Favours {
    type State = Option<u32>;

    fn start(&self) -> Option<u32> {
        None
    }

    fn score(&self, last: &Option<u32>, token: u32) -> f64 {
        match token % 7 {
            0 if *last == Some(token) => self.boost,
            1 => f64::NEG_INFINITY,
            rest => f64::from(rest) / -8.0,
        }
    }

    fn advance(&self, _: &Option<u32>, token: u32) -> Option<u32> {
        Some(token)
    }

    fn finish(&self, last: &Option<u32>) -> f64 {
        if last.is_some() { -0.5 } else { 0.0 }
    }

    fn max_score(&self, _: &Option<u32>) -> f64 {
        if self.bounded {
            self.boost
        } else {
            f64::INFINITY
        }
    }
}

/// Prefixes that only a scorer lifts are found, from far down their rows: with a bound all
/// tokens are tried.
#[test]
fn with_a_bound_a_scorer_lifts_any_token() {
    for topology in topologies() {
        let best = |bounded| {
            let scorer = Favours {
                boost: 60.0,
                bounded,
            };
            let mut driver = Driver::new(search(VOCAB, 1, &topology).with_scorer(scorer));
            let columns = driver.search.columns();
            let id = driver.search.admit(2).unwrap();
            driver.run(LogProbabilities, |_, _, prefix| {
                let mut row = vec![-20.0f32; columns];
                row[VOCAB..].fill(-1.0);
                // Token 63 after itself is the last of all.
                match prefix {
                    [] => row[63] = -0.25,
                    _ => row[63] = -21.0,
                }
                row[0] = -1.0;
                row
            });
            driver.outcome(id)[0].0.clone()
        };
        assert!(best(true).starts_with(&[63, 63]), "{topology:?}");
        assert!(!best(false).starts_with(&[63, 63]), "{topology:?}");
    }
}

/// A scorer that panics costs its step, and the search goes on.
#[test]
fn a_scorer_that_panics_refuses_its_step_and_nothing_else() {
    struct Panics;
    impl Scorer for Panics {
        type State = u32;
        fn start(&self) -> u32 {
            0
        }
        fn score(&self, _: &u32, token: u32) -> f64 {
            assert!(token != 13, "as it should");
            0.0
        }
        fn advance(&self, _: &u32, token: u32) -> u32 {
            token
        }
        fn finish(&self, _: &u32) -> f64 {
            0.0
        }
        fn max_score(&self, _: &u32) -> f64 {
            0.0
        }
    }
    let search = search(20, 2, &Topology::Standard { max_symbols: 2 }).with_scorer(Panics);
    let mut driver = Driver::new(search);
    let bad = driver.search.admit(2).unwrap();
    let row = |token: usize| {
        let mut row = vec![NO; 20];
        row[token] = 9.0;
        row
    };
    let panics = std::panic::AssertUnwindSafe(|| driver.step(Logits, |_, _, _| row(13)));
    assert!(std::panic::catch_unwind(panics).is_err());
    let error = driver.search.outcome(bad).unwrap_err();
    assert_eq!(
        (error.kind(), error.request()),
        (ErrorKind::Panicked, Some(bad))
    );
    let good = driver.search.admit(2).unwrap();
    driver.run(Logits, |_, _, prefix| row(prefix.len().min(1) ^ 1));
    assert_eq!(driver.outcome(good)[0].0, [1]);
    assert_eq!(driver.search.finished(), [bad, good]);
}
