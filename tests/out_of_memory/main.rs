//! Searches that get no more memory say so, whichever allocation is the first to
//! be refused, and go on when there is some again.

#[path = "../support/counting.rs"]
mod counting;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/word_scorers.rs"]
mod word_scorers;

mod autoregressive;
mod ctc;
mod independent;
mod limits;
mod threads;
mod transducer;

use random::Random;
use widebeam::Error;

/// Probabilities that differ little, so that many hypotheses stay alive and the trees
/// that hold them grow.
fn probabilities(count: usize) -> Vec<f32> {
    let mut random = Random::new(3);
    (0..count).map(|_| random.unit() * 0.02).collect()
}

/// Calls `attempt` again and again, and refuses it first its first allocation,
/// then its second, and so on, until it is done: once with all that follow, as
/// where memory has run out, once with none, as where somebody else has just
/// freed some. Returns how many were refused. It runs on one thread of a pool,
/// where rayon does not allocate.
fn refuse_each(mut attempt: impl FnMut(Refusal) -> bool + Send) -> usize {
    counting::check();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build().unwrap().install(|| {
        let refused =
            [usize::MAX, 1].map(|count| (0..).find(|&after| attempt(Refusal { after, count })));
        refused.into_iter().flatten().min().unwrap()
    })
}

/// Which allocations are refused.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    after: usize,
    count: usize,
}

impl Refusal {
    fn during<R>(self, f: impl FnOnce() -> R) -> R {
        counting::refusing(self.after, self.count, f)
    }
}

#[track_caller]
fn is_about_memory(error: &Error) {
    let message = error.to_string();
    assert!(error.is_out_of_memory(), "{message}");
    assert!(message.starts_with("no memory for "), "{message}");
}
