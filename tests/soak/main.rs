//! Hours of random calls in one process: decodes, steps, streams, an invalid
//! score in every batch, and memory that stays as it is.
//!
//! `some_rounds` runs in seconds with every test. The long one is
//!
//! ```sh
//! SOAK_MINUTES=10 cargo test --test soak -- --ignored --nocapture
//! ```

#[path = "../toy/any_request.rs"]
#[allow(dead_code)]
mod any_request;
#[path = "../toy/any_tensor.rs"]
mod any_tensor;
mod batches;
#[path = "../support/counting.rs"]
mod counting;
#[path = "../toy/requests.rs"]
#[allow(dead_code)]
mod requests;
mod requests_at_once;
mod streams;
#[path = "../toy/mod.rs"]
mod toy;

use std::fs;
use std::time::{Duration, Instant};

use batches::Batches;
use requests_at_once::RequestsAtOnce;
use streams::Streams;
use toy::mix;

/// Random numbers from a seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    pub(crate) fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.bits() as u8).collect()
    }
}

/// What was done, and how much of it was held against a reference.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) items: usize,
    pub(crate) items_refused: usize,
    pub(crate) items_compared: usize,
    pub(crate) frames: usize,
    pub(crate) chunks_refused: usize,
    pub(crate) streams_compared: usize,
    pub(crate) steps: usize,
    pub(crate) requests: usize,
    pub(crate) requests_failed: usize,
    pub(crate) requests_compared: usize,
}

/// Searches that are kept all along.
struct Soak {
    random: Random,
    counts: Counts,
    batches: Batches,
    streams: Streams,
    requests: RequestsAtOnce,
}

impl Soak {
    fn new() -> Self {
        Soak {
            random: Random(1),
            counts: Counts::default(),
            batches: Batches::new(),
            streams: Streams::new(),
            requests: RequestsAtOnce::new(),
        }
    }

    fn round(&mut self) {
        let Soak {
            random,
            counts,
            batches,
            streams,
            requests,
        } = self;
        batches.round(random, counts);
        streams.round(random, counts);
        requests.round(random, counts);
    }

    /// Ends what has begun. What is held then is what the searches keep.
    fn rest(&mut self) {
        self.streams.rest();
        self.requests.rest();
    }
}

/// On one thread, this one: what is allocated is then counted to the byte.
fn on_this_thread(run: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    let pool = pool
        .use_current_thread()
        .build()
        .expect("the thread is in no pool yet");
    pool.install(run);
}

/// A line of `/proc/self/status`, in KiB; 0 where there is none.
fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

/// Rounds until every buffer has been as large as it becomes.
const WARM: usize = 2000;
/// Rounds of the short soak: more than an hour of frames of 10 ms.
const ROUNDS: usize = 6000;

/// Runs rounds while there are to be `more`, asked with the number so far. Once
/// warm, no more memory may be held than a tenth over what is.
fn soak(more: impl Fn(usize) -> bool + Sync) {
    counting::check();
    on_this_thread(|| {
        let start = Instant::now();
        let mut soak = Soak::new();
        let mut round = 0;
        let mut held = 0;
        while more(round) {
            soak.round();
            round += 1;
            if round % 1000 == 0 {
                soak.rest();
                report("lap", &soak.counts, start.elapsed());
            }
            if round == WARM {
                held = counting::bytes_held();
                report("warm", &soak.counts, start.elapsed());
            }
        }
        report("done", &soak.counts, start.elapsed());
        let now = counting::bytes_held();
        assert!(now <= held + held / 10, "{held} bytes held grew to {now}");
        let counts = &soak.counts;
        for count in [
            counts.items_refused,
            counts.items_compared,
            counts.chunks_refused,
            counts.streams_compared,
            counts.requests_failed,
            counts.requests_compared,
        ] {
            assert!(count > 0, "{counts:?}");
        }
    });
}

fn report(when: &str, counts: &Counts, elapsed: Duration) {
    println!(
        "{when} after {:.0} s: {} KiB now, {} KiB at most, {} bytes held; {counts:?}",
        elapsed.as_secs_f64(),
        memory("VmRSS"),
        memory("VmHWM"),
        counting::bytes_held(),
    );
}

#[test]
fn some_rounds() {
    soak(|round| round < ROUNDS);
}

/// As many minutes as the environment says.
#[test]
#[ignore = "takes SOAK_MINUTES"]
fn for_minutes() {
    let minutes = std::env::var("SOAK_MINUTES").expect("SOAK_MINUTES says for how long");
    let minutes: f64 = minutes.parse().expect("SOAK_MINUTES is a number");
    let end = Instant::now() + Duration::from_secs_f64(60.0 * minutes);
    soak(|round| round < ROUNDS || Instant::now() < end);
}
